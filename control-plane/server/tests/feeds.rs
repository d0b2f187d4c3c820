//! Feeds from the config to the workers, and back to whoever asks.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;
mod served;

use std::fs;
use std::path::Path;

use repute_model::Rule;
use repute_proto::v1;
use repute_proto::v1::scores_client::ScoresClient;
use repute_server::{ApplyRequest, RollbackRequest};
use served::Served;
use tokio_stream::StreamExt;
use tonic::Code;

/// A box with these feeds; `DIR` is a folder in which `a` lists 10.0.0.1.
async fn start(feeds: &str) -> Served {
    Served::start(feeds, &[("a", "10.0.0.1\n")]).await
}

const A: &str = "[[feeds]]\nname = \"a\"\nfile = \"DIR/a\"\nconfidence = 90\nexpiry = \"24h\"\n";
const PUSHED: &str = "[[feeds]]\nname = \"p\"\npush = true\nbytes_max = \"64B\"\n";

/// Pushes a feed in parts.
async fn push(served: &Served, parts: &[&str]) -> Result<v1::Feed, tonic::Status> {
    let part = |part: &&str| v1::PushFeedRequest { name: "p".to_owned(), part: part.as_bytes().to_vec() };
    let parts: Vec<_> = parts.iter().map(part).collect();
    served.feeds().push(tokio_stream::iter(parts)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn what_a_feed_lists_is_judged_and_explained_by_it() {
    let served = start(A).await;
    let feed = served.refresh("a").await;
    assert_eq!((feed.entries, feed.error.as_str(), feed.confidence), (1, "", 90));
    assert_eq!(served.rule("10.0.0.1").await, Rule::Listed(90));
    let explained = served.explain("10.0.0.1").await;
    assert_eq!(explained.policy_version, 1);
    assert_eq!(explained.rule, "feed a names 10.0.0.1/32, with 90 % confidence");
    let listed = &explained.listed[0];
    assert_eq!((listed.feed.as_str(), listed.prefix.as_str(), listed.cut), ("a", "10.0.0.1/32", false));
    assert!(listed.until_unix_ms.is_some());
    assert!(served.explain("10.0.0.2").await.listed.is_empty());

    fs::write(served.dir.path().join("a"), "10.0.0.2\n10.0.1.0/24\n").unwrap();
    assert_eq!(served.refresh("a").await.refreshed, 2);
    assert_ne!(served.rule("10.0.0.1").await, Rule::Listed(90));
    assert_eq!(served.rule("10.0.0.2").await, Rule::Listed(90));
    let shown = v1::ShowFeedRequest { name: "a".to_owned(), max_rows: 0 };
    let rows = served.feeds().show(shown).await.unwrap().into_inner().next().await.unwrap().unwrap().rows;
    assert_eq!(
        rows.iter().map(|row| row.prefix.as_str()).collect::<Vec<_>>(),
        ["10.0.0.2/32", "10.0.1.0/24"]
    );

    // Nonsense leaves the last good one in force.
    fs::write(served.dir.path().join("a"), "nonsense\n").unwrap();
    let feed = served.refresh("a").await;
    assert!(feed.error.contains("feed `a`"), "{}", feed.error);
    assert_eq!(served.rule("10.0.0.2").await, Rule::Listed(90));
}

#[tokio::test]
async fn policies_keep_what_feeds_say_and_count_over_it() {
    let served = start(A).await;
    served.refresh("a").await;
    let tuned = format!("prior = 0.8\n{A}");
    assert_eq!(served.apply(&tuned).await, 2);
    assert_eq!(served.rule("10.0.0.1").await, Rule::Listed(90));
    let sure = format!("[lists]\ndeny = [{{ prefix = \"10.0.0.0/24\", confidence = 40 }}]\n{A}");
    assert_eq!(served.apply(&sure).await, 3);
    assert_eq!(served.rule("10.0.0.1").await, Rule::Listed(40), "the config counts over feeds");
    assert!(!served.explain("10.0.0.1").await.rule.contains("feed a"));
    let allow = A.replace("confidence = 90", "says = \"allow\"");
    assert_eq!(served.apply(&sure.replace(A, &allow)).await, 4);
    served.refresh("a").await;
    assert_eq!(served.rule("10.0.0.1").await, Rule::Allowed, "allow always wins");
    assert_eq!(served.rule("10.0.0.9").await, Rule::Listed(40));
    // Without the feed its entries go; with an old version it is back.
    assert_eq!(served.apply("prior = 0.7\n").await, 5);
    while served.rule("10.0.0.1").await == Rule::Allowed {
        tokio::task::yield_now().await;
    }
    let back = RollbackRequest { version: 2, ..RollbackRequest::default() };
    assert_eq!(served.rig.hub.rollback(back).await.unwrap().version, 6);
    while served.rule("10.0.0.1").await != Rule::Listed(90) {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.rig.hub.history(100).await.unwrap().len(), 6, "feeds are no versions");
}

#[tokio::test]
async fn feeds_are_pushed_in_parts_within_their_limit() {
    let served = start(&format!("{A}{PUSHED}")).await;
    let feed = push(&served, &["10.0.", "0.7\n10.0.0.8\n"]).await.unwrap();
    assert_eq!((feed.name.as_str(), feed.entries), ("p", 2));
    assert_eq!(served.rule("10.0.0.7").await, Rule::Listed(100));
    let long = "10.0.0.9 # a comment that goes on\n";
    let refused = push(&served, &[long, long]).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    let refused = push(&served, &["nonsense"]).await.unwrap_err();
    assert!(
        refused.code() == Code::InvalidArgument && refused.message().contains("last good"),
        "{refused:?}"
    );
    assert_eq!(served.rule("10.0.0.7").await, Rule::Listed(100));
    let refused = served.feeds().push(tokio_stream::iter([])).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    for (name, code) in [("p", Code::FailedPrecondition), ("x", Code::NotFound)] {
        let asked = v1::RefreshFeedsRequest { name: name.to_owned() };
        assert_eq!(served.feeds().refresh(asked).await.unwrap_err().code(), code);
    }
    let list = served.feeds().list(v1::ListFeedsRequest {}).await.unwrap().into_inner().feeds;
    assert_eq!(list.iter().map(|feed| feed.name.as_str()).collect::<Vec<_>>(), ["a", "p"]);
    let all = served.feeds().refresh(v1::RefreshFeedsRequest::default()).await.unwrap().into_inner().feeds;
    assert_eq!(all.len(), 1, "pushed ones cannot be asked");
}

#[tokio::test]
async fn files_of_places_that_are_damaged_are_refused() {
    let served = start("").await;
    let bad = served.dir.path().join("bad.mmdb");
    fs::write(&bad, b"nothing of the kind").unwrap();
    let text = format!("[profiles.ingress]\n[geo]\ncountry = \"{}\"\n", bad.display());
    let refused = served.rig.hub.apply(ApplyRequest { text, ..ApplyRequest::default() }).await.unwrap_err();
    assert!(refused.to_string().contains("bad.mmdb"), "{refused}");
    assert_eq!(served.rig.hub.status().await.unwrap().policy.version, 1);
    assert!(served.explain("10.0.0.1").await.country.is_empty());
}

#[tokio::test]
async fn sources_carry_country_and_system() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = std::env::var_os("REPUTE_CORPUS")
        .map_or_else(|| root.join("../shared/corpus"), std::path::PathBuf::from);
    let file = |name: &str| corpus.join("geo").join(name).canonicalize();
    let (Ok(country), Ok(asn)) = (file("GeoLite2-Country-Test.mmdb"), file("GeoLite2-ASN-Test.mmdb")) else {
        println!("skipped: no corpus at {} (set REPUTE_CORPUS)", corpus.display());
        return;
    };
    let served = start("").await;
    let geo =
        format!("prior = 0.7\n[geo]\ncountry = \"{}\"\nasn = \"{}\"\n", country.display(), asn.display());
    assert_eq!(served.apply(&geo).await, 2);
    let explained = served.explain("2.125.160.216").await;
    assert_eq!(explained.country, "GB", "{explained:?}");
    let explained = served.explain("1.128.0.1").await;
    assert_eq!((explained.asn, explained.organisation.as_str()), (1221, "Telstra Pty Ltd"), "{explained:?}");
    served.rig.receive([0x0180_0001]);
    served.rig.received(1).await;
    let mut scores = ScoresClient::new(served.channel.clone());
    let mut pages = scores.list(v1::ListScoresRequest::default()).await.unwrap().into_inner();
    let rows = pages.next().await.unwrap().unwrap().rows;
    assert_eq!((rows[0].source.as_str(), rows[0].asn), ("1.128.0.1", 1221));
}
