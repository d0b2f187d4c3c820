//! Feeds over HTTP and from files, with a server on loopback that does what servers do.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use common::server::{Reply, Server, ok, status};
use flate2::Compression;
use flate2::write::GzEncoder;
use repute_feeds::lookup::{Abuseipdb, Access, Cti, Lookup, LookupError};
use repute_feeds::{
    Delivery, FeedConfig, Format, Handle, Header, Import, Origin, Status, run, taxii_collections,
};
use tokio::sync::mpsc;

const LIST: &str = "# two\n192.0.2.1\n198.51.100.0/24\n";

/// A running feed and what it delivers.
struct Running {
    handle: Handle,
    inbox: mpsc::UnboundedReceiver<Delivery>,
}

impl Running {
    fn start(config: FeedConfig) -> Self {
        config.check().unwrap();
        let (out, inbox) = mpsc::unbounded_channel();
        let handle = run(config, 1, None, SystemTime::now, move |delivery| out.send(delivery).unwrap_or(()));
        Self { handle, inbox }
    }

    /// The first delivery, which nobody asked for.
    async fn first(&mut self) -> Arc<Import> {
        self.inbox.recv().await.unwrap().import
    }

    /// A refresh that brings nothing.
    async fn fails(&mut self) -> String {
        let status = self.handle.refresh().await.unwrap();
        assert!(self.inbox.try_recv().is_err());
        status.error.unwrap()
    }

    async fn refresh(&mut self) -> Status {
        self.handle.refresh().await.unwrap()
    }
}

fn http(server: &Server, headers: Vec<Header>) -> FeedConfig {
    FeedConfig::new("web", Origin::Http { url: format!("{}/list", server.url), headers })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn what_is_unchanged_is_not_sent_again() {
    let server = Server::start().await;
    let validators =
        vec!["ETag: \"v1\"".to_owned(), "Last-Modified: Sun, 01 Nov 2026 00:00:00 GMT".to_owned()];
    server.reply(Reply::Whole("200 OK", validators, LIST.into()));
    server.reply(status("304 Not Modified", &[]));
    server.reply(Reply::Whole("200 OK", vec!["Content-Encoding: gzip".into()], gzip(b"192.0.2.7\n")));
    let mut feed = Running::start(http(&server, vec![]));
    assert_eq!(feed.first().await.entries().len(), 2);
    let unchanged = feed.refresh().await;
    assert_eq!((unchanged.counts, unchanged.entries, unchanged.error), ([1, 1, 0], 2, None));
    assert!(feed.inbox.try_recv().is_err());
    let asked = server.seen()[1].to_lowercase();
    assert!(asked.contains("if-none-match: \"v1\""), "{asked}");
    assert!(asked.contains("if-modified-since: sun, 01 nov 2026 00:00:00 gmt"), "{asked}");
    assert_eq!(feed.refresh().await.entries, 1);
    assert_eq!(feed.first().await.entries()[0].prefix.to_string(), "192.0.2.7/32");
}

#[tokio::test]
async fn nothing_bad_replaces_what_was_good() {
    let server = Server::start().await;
    server.reply(ok(LIST));
    let config = FeedConfig { bytes_max: 1 << 20, timeout: Duration::from_secs(2), ..http(&server, vec![]) };
    let mut feed = Running::start(config);
    let good = feed.first().await;
    let bomb = gzip(&b"192.0.2.1\n".repeat(6 << 20));
    assert!(bomb.len() < 1 << 20);
    for (reply, expected) in [
        (
            status("500 Internal Server Error", &[]),
            "/list answered 500; the publisher's server has a problem",
        ),
        (status("403 Forbidden", &[]), "answered 403; check the key"),
        (status("429 Too Many Requests", &["Retry-After: 7200"]), "answered 429; it is asked too often"),
        (Reply::Cut(LIST.into()), "end of file before message length"),
        (ok(""), "has no entry that can be used"),
        (ok("# nothing\n"), "has no entry that can be used"),
        (ok("<html>we are moving</html>"), "line 1: is a page or XML"),
        (ok("{\"errors\":[]}"), "line 1: is JSON of a kind that no importer knows"),
        (Reply::Whole("200 OK", vec![], bomb), "has more than 1048576 bytes"),
        (Reply::Whole("200 OK", vec![], gzip(LIST.as_bytes())[..30].to_vec()), "cannot be read"),
        (Reply::Endless, "sends more than 1048576 bytes"),
        (Reply::Slow, "no whole answer within 2 s"),
    ] {
        server.reply(reply);
        let error = feed.fails().await;
        assert!(error.starts_with("feed `web`") && error.contains(expected), "{error}");
    }
    let status = feed.handle.status();
    assert_eq!((status.entries, status.failures, status.counts), (good.entries().len(), 12, [1, 0, 12]));
    assert!(status.next_at > status.good_at);
    server.reply(ok(LIST));
    assert_eq!(feed.refresh().await.failures, 0);
}

#[tokio::test]
async fn secrets_come_from_files_and_stay_with_their_host() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let key = file(dir.path(), "key", "s3cret\n");
    let header = Header::Secret { name: "Key".into(), prefix: "Bearer ".into(), file: key.clone() };
    let plain = Header::Plain { name: "Accept".into(), value: "application/json".into() };
    server.reply(status("302 Found", &["Location: /elsewhere"]));
    server.reply(ok(r#"{"data":[{"ipAddress":"192.0.2.1","abuseConfidenceScore":100}]}"#));
    let mut feed = Running::start(http(&server, vec![header, plain]));
    assert_eq!(feed.first().await.entries().len(), 1);
    let seen = server.seen();
    assert!(seen[1].starts_with("GET /elsewhere"), "{}", seen[1]);
    assert!(seen.iter().all(|head| head.to_lowercase().contains("key: bearer s3cret\r\n")), "{seen:?}");
    let other = server.url.replace("127.0.0.1", "localhost");
    server.reply(status("302 Found", &[&format!("Location: {other}/list")]));
    let error = feed.fails().await;
    assert!(error.contains("redirected to another host"), "{error}");
    std::fs::remove_file(&key).unwrap();
    let error = feed.fails().await;
    assert!(error.contains("key") && !error.contains("s3cret"), "{error}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn collections_are_read_page_by_page() {
    let server = Server::start().await;
    let page = |address: &str, more: &str| {
        let indicator = format!(
            "{{\"type\":\"indicator\",\"id\":\"indicator--{address}\",\"pattern_type\":\"stix\",\
              \"pattern\":\"[ipv4-addr:value = '{address}']\"}}"
        );
        ok(&format!("{{{more}\"objects\":[{indicator}]}}"))
    };
    server.reply(page("192.0.2.1", "\"more\":true,\"next\":\"a&b\","));
    server.reply(page("192.0.2.2", "\"more\":true,\"next\":\"2\","));
    server.reply(page("192.0.2.3", "\"more\":false,"));
    let url = format!("{}/root/collections/1/", server.url);
    let mut feed = Running::start(FeedConfig::new("taxii", Origin::Taxii { url, headers: vec![] }));
    assert_eq!(feed.first().await.entries().len(), 3);
    let seen = server.seen();
    assert!(
        seen[0].starts_with("GET /root/collections/1/objects/?match%5Btype%5D=indicator "),
        "{}",
        seen[0]
    );
    assert!(seen[0].to_lowercase().contains("accept: application/taxii+json;version=2.1"));
    assert!(seen[1].contains("&next=a%26b "), "{}", seen[1]);
    // A page that fails fails the whole collection.
    server.reply(page("192.0.2.9", "\"more\":true,\"next\":\"1\","));
    server.reply(status("502 Bad Gateway", &[]));
    assert!(feed.fails().await.contains("answered 502"));
}

#[tokio::test]
async fn what_is_pushed_is_checked_like_everything() {
    let config = FeedConfig { format: Some(Format::List), ..FeedConfig::new("pushed", Origin::Pushed) };
    let mut feed = Running::start(config);
    assert_eq!(feed.handle.push(gzip(LIST.as_bytes())).await.unwrap().entries, 2);
    assert_eq!(feed.first().await.entries().len(), 2);
    let status = feed.handle.push(b"garbage here\n".to_vec()).await.unwrap();
    assert_eq!(status.entries, 2);
    assert!(status.error.unwrap().starts_with("feed `pushed`, line 1:"));
    assert!(feed.fails().await.contains("send it through the API"));
    assert_eq!(feed.handle.status().next_at, None);
}

#[tokio::test]
async fn files_are_read_again_when_they_change() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "list", LIST);
    let mut feed = Running::start(FeedConfig::new("file", Origin::File(path.clone())));
    assert_eq!(feed.first().await.entries().len(), 2);
    assert_eq!(feed.refresh().await.counts, [1, 1, 0]);
    std::fs::rename(file(dir.path(), "new", "192.0.2.9\n"), &path).unwrap();
    assert_eq!(feed.refresh().await.entries, 1);
    feed.first().await;
    std::fs::remove_file(&path).unwrap();
    assert!(feed.fails().await.contains("check the path"));
    std::fs::create_dir(&path).unwrap();
    assert!(feed.fails().await.contains("not a regular file"));
    assert_eq!(feed.handle.status().entries, 1);
}

#[tokio::test]
async fn services_are_asked_sparingly() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let key_file = file(dir.path(), "key", "k");
    let access =
        || Access { url: server.url.clone(), key_file: key_file.clone(), timeout: Duration::from_secs(5) };
    let (now, day) = (SystemTime::UNIX_EPOCH, Duration::from_secs(86_400));
    let abuse = Lookup::new(Abuseipdb::new(access()).unwrap(), 2, 10, day / 2);
    server.reply(ok(
        r#"{"data":{"ipAddress":"192.0.2.1","abuseConfidenceScore":87,"usageType":"Data Center"}}"#,
    ));
    let address = "192.0.2.1".parse().unwrap();
    for _ in 0..3 {
        let opinion = abuse.find(address, now).await.unwrap();
        assert_eq!((opinion.confidence, opinion.note.as_str()), (87, "Data Center"));
    }
    assert!(server.seen()[0].starts_with("GET /check?ipAddress=192.0.2.1&maxAgeInDays=90"));
    server.reply(ok("not JSON"));
    let other = "192.0.2.2".parse().unwrap();
    assert!(matches!(abuse.find(other, now).await, Err(LookupError::Failed { .. })));
    assert_eq!(abuse.find(other, now).await, Err(LookupError::Quota { service: "abuseipdb", quota: 2 }));
    let cti = Lookup::new(Cti::new(access()).unwrap(), 9, 10, day);
    server.reply(ok(r#"{"reputation":"malicious","scores":{"overall":{"total":4}}}"#));
    assert_eq!(cti.find(address, now).await.unwrap().confidence, 80);
    server.reply(status("404 Not Found", &[]));
    assert_eq!(cti.find(other, now).await.unwrap().confidence, 0);
    assert_eq!(cti.left(now), 7);
}

#[tokio::test]
async fn a_server_tells_its_collections() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let secret = Header::Secret {
        name: "Authorization".into(),
        prefix: "Basic ".into(),
        file: file(dir.path(), "key", "c2VjcmV0"),
    };
    let collections = r#"{"collections":[{"id":"91a7b528","title":"High value","can_read":true},
        {"id":"../x","title":"no id"},{"id":"b","can_read":false}]}"#;
    server.reply(ok(r#"{"title":"A server","api_roots":["/api1/","http://[::1]:1/elsewhere/"]}"#));
    server.reply(ok(collections));
    let error = taxii_collections(&server.url, std::slice::from_ref(&secret)).await.unwrap_err();
    assert!(error.to_string().contains("[::1]:1/elsewhere/collections/"), "{error}");
    let seen = server.seen();
    assert!(
        seen[0].starts_with("GET /taxii2/ ") && seen[1].starts_with("GET /api1/collections/ "),
        "{seen:?}"
    );
    assert!(seen.iter().all(|head| head.to_lowercase().contains("authorization: basic c2vjcmv0")));

    server.reply(ok(r#"{"title":"A root","max_content_length":9}"#));
    server.reply(ok(collections));
    let found = taxii_collections(&format!("{}/api1/", server.url), &[]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].url, format!("{}/api1/collections/91a7b528/", server.url));
    assert_eq!((found[0].title.as_str(), found[0].can_read, found[1].can_read), ("High value", true, false));
    server.reply(ok("<html>"));
    let error = taxii_collections(&server.url, &[]).await.unwrap_err().to_string();
    assert!(error.contains("answers no TAXII 2.1 resource"), "{error}");
}
