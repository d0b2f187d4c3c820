//! TLS on loopback: who gets in, who does not, and what happens when files change under open connections.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;

use common::{ADMITTED, APPLY, DAY, HEALTH, STATUS, Site, call, days};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use repute_access::pki::{IssuedFiles, Pki};
use repute_access::{RateConfig, Role, TlsLimits, TlsNotice};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

#[tokio::test]
async fn the_right_ones_get_in() {
    let site = Site::new().await;
    let (alice, victor) = (site.connect("operator-alice").await, site.connect("viewer-victor").await);
    assert_eq!(call(&alice, HEALTH).await.code(), Code::Ok);
    assert_eq!(call(&alice, APPLY).await.code(), ADMITTED);
    assert_eq!(call(&victor, STATUS).await.code(), ADMITTED);
    let old = site.old_client(&site.issued("operator-alice")).connect().await.unwrap();
    assert_eq!(call(&old, APPLY).await.code(), ADMITTED);
    let counts = (site.counts)();
    assert_eq!((counts.accepted, counts.established, counts.failed), (3, 3, 0));
}

#[tokio::test]
async fn the_wrong_role_is_told_what_is_needed() {
    let site = Site::new().await;
    let victor = site.connect("viewer-victor").await;
    let refused = call(&victor, APPLY).await;
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(
        refused.message(),
        "/repute.v1.Policies/Apply needs the role operator or admin; spiffe://example.org/viewer/victor has the \
         role viewer"
    );
    let unknown = call(&victor, "/repute.v1.Policies/Explode").await;
    assert_eq!(unknown.code(), Code::PermissionDenied);
    assert!(unknown.message().starts_with("nobody may call"), "{unknown}");
}

#[tokio::test]
async fn whoever_is_not_bound_may_nothing() {
    let site = Site::new().await;
    let common_name = custom(&site, |params| params.distinguished_name.push(DnType::CommonName, "bob"));
    let bob = site.client(Some(&common_name)).connect().await.unwrap();
    let refused = call(&bob, HEALTH).await;
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().starts_with("cn:bob has no role here"), "{refused}");
}

/// A certificate of the site's own CA, with what the test wants in it.
fn custom(site: &Site, change: impl FnOnce(&mut CertificateParams)) -> IssuedFiles {
    let read = |name| fs::read_to_string(site.path(name)).unwrap();
    let issuer =
        Issuer::from_ca_cert_pem(&read("ca.pem"), KeyPair::from_pem(&read("ca.key")).unwrap()).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let files = site.issued("custom");
    fs::write(&files.certificate, params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

/// TLS 1.3 clients learn of it with their first read.
async fn is_refused(site: &Site, files: Option<&IssuedFiles>) {
    let before = (site.counts)();
    let refused = match site.client(files).tls().await {
        Err(_) => true,
        Ok(mut tls) => !matches!(tls.read(&mut [0; 1]).await, Ok(1..)),
    };
    assert!(refused);
    site.until(|counts| counts.failed + counts.nameless == before.failed + before.nameless + 1).await;
    assert_eq!((site.counts)().established, before.established);
}

#[tokio::test]
async fn the_wrong_certificates_do_not() {
    let site = Site::new().await;
    let (expired, early) = (
        site.pki.issue(Role::Admin, "expired", days(-400)).unwrap(),
        site.pki.issue(Role::Admin, "early", days(10)).unwrap(),
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Pki::init(elsewhere.path(), &common::names(), days(0)).unwrap();
    let stranger = other.issue(Role::Admin, "eve", days(0)).unwrap();
    for files in [None, Some(&expired), Some(&early), Some(&stranger), Some(&site.issued("server"))] {
        is_refused(&site, files).await;
    }
    assert_eq!((site.counts)().failed, 5);
    is_refused(&site, Some(&custom(&site, |_| {}))).await;
    assert_eq!((site.counts)().nameless, 1);
}

#[tokio::test]
async fn plain_text_is_refused() {
    let site = Site::new().await;
    for bytes in
        [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0; 64]]
    {
        let mut tcp = TcpStream::connect(site.address).await.unwrap();
        tcp.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = tcp.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    site.until(|counts| counts.failed == 3).await;
}

#[tokio::test]
async fn revoked_ones_go_at_once() {
    let site = Site::new().await;
    let alice = site.connect("operator-alice").await;
    assert_eq!(call(&alice, APPLY).await.code(), ADMITTED);
    assert!(site.pki.revoke(&site.path("operator-alice.pem"), site.hands.now()).unwrap());
    assert!(!site.pki.revoke(&site.path("operator-alice.pem"), site.hands.now()).unwrap(), "once");
    assert!(matches!(site.live.look().as_slice(), [TlsNotice::Replaced]));
    // The connection that is open, a new one, and somebody else's.
    let refused = call(&alice, APPLY).await;
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("Revoked"), "{refused}");
    is_refused(&site, Some(&site.issued("operator-alice"))).await;
    let victor = site.connect("viewer-victor").await;
    assert_eq!(call(&victor, STATUS).await.code(), ADMITTED);
}

#[tokio::test]
async fn open_connections_expire() {
    let site = Site::new().await;
    let alice = site.connect("operator-alice").await;
    assert_eq!(call(&alice, APPLY).await.code(), ADMITTED);
    site.hands.forward(366 * DAY);
    let refused = call(&alice, APPLY).await;
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("it has expired"), "{refused}");
}

#[tokio::test]
async fn another_certificate_without_a_restart() {
    let site = Site::new().await;
    let alice = site.connect("operator-alice").await;
    let shown = async || {
        let client = site.client(Some(&site.issued("operator-alice")));
        let tls = client.tls().await.unwrap();
        tls.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let first = shown().await;
    let ips = ["127.0.0.1".parse().unwrap()];
    let next = site.pki.issue_server("next", &["localhost".into()], &ips, site.hands.now()).unwrap();
    // Between the two renames they do not belong together: the old ones stay.
    fs::rename(&next.certificate, site.path("server.pem")).unwrap();
    let kept = site.live.look();
    assert!(
        matches!(kept.as_slice(), [TlsNotice::Kept(error)] if error.to_string().contains("is not the key"))
    );
    assert!(site.live.look().is_empty(), "it is said once");
    assert_eq!(shown().await, first);
    fs::rename(&next.key, site.path("server.key")).unwrap();
    assert!(matches!(site.live.look().as_slice(), [TlsNotice::Replaced]));
    assert_ne!(shown().await, first);
    assert_eq!(call(&alice, APPLY).await.code(), ADMITTED, "open connections go on");
    assert!(site.live.look().is_empty());
}

#[tokio::test]
async fn another_ca_ends_the_old_ones_clients() {
    let site = Site::new().await;
    let alice = site.connect("operator-alice").await;
    let elsewhere = tempfile::tempdir().unwrap();
    Pki::init(elsewhere.path(), &common::names(), site.hands.now()).unwrap();
    for name in ["ca.pem", "crl.pem"] {
        fs::copy(elsewhere.path().join(name), site.path(name)).unwrap();
    }
    assert!(matches!(site.live.look().as_slice(), [TlsNotice::Replaced]));
    assert_eq!(call(&alice, APPLY).await.code(), Code::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn watched_by_a_task() {
    let site = Site::new().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let watch = site.live.clone().watch(std::time::Duration::from_secs(5), move |notice| {
        let _ = tell.send(notice);
    });
    let watch = tokio::spawn(watch);
    fs::write(site.path("crl.pem"), "no list").unwrap();
    assert!(
        matches!(told.recv().await, Some(TlsNotice::Kept(error)) if error.to_string().contains("crl.pem"))
    );
    fs::remove_file(site.path("crl.pem")).unwrap();
    assert!(
        matches!(told.recv().await, Some(TlsNotice::Kept(error)) if error.to_string().contains("cannot open"))
    );
    // Two weeks before the end of the server's certificate.
    site.hands.forward(352 * DAY);
    assert!(
        matches!(told.recv().await, Some(TlsNotice::Expires { path, .. }) if path.ends_with("server.pem"))
    );
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn silence_ends_after_a_while() {
    let site = Site::new().await;
    let mut silent = TcpStream::connect(site.address).await.unwrap();
    let begun = tokio::time::Instant::now();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(begun.elapsed() >= std::time::Duration::from_secs(10));
    assert_eq!((site.counts)().timed_out, 1);
}

#[tokio::test]
async fn a_thousand_slow_clients() {
    // Both ends are in this process.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let more = rustix::process::Rlimit { current: files.maximum, ..files };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, more).unwrap();
    let limits = TlsLimits { connections: 8, handshakes: 32, handshake_s: 600 };
    let site = Site::with(limits, RateConfig::default()).await;
    let mut slow = Vec::new();
    for number in 1..=1000 {
        let mut tcp = TcpStream::connect(site.address).await.unwrap();
        // A handshake that begins and never goes on.
        tcp.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
        slow.push(tcp);
        if number % 100 == 0 {
            let alice = site.connect("operator-alice").await;
            assert_eq!(call(&alice, APPLY).await.code(), ADMITTED, "after {number}");
        }
    }
    let counts = (site.counts)();
    assert_eq!((counts.accepted, counts.established), (1010, 10));
    assert_eq!(counts.timed_out, 0);
    site.until(|counts| counts.evicted + counts.failed + 32 >= 1000).await;
}

#[tokio::test]
async fn connections_are_bounded() {
    let limits = TlsLimits { connections: 1, ..TlsLimits::default() };
    let site = Site::with(limits, RateConfig::default()).await;
    let alice = site.connect("operator-alice").await;
    assert_eq!(call(&alice, HEALTH).await.code(), Code::Ok);
    let mut second = site.client(Some(&site.issued("viewer-victor"))).tls().await.unwrap();
    assert!(!matches!(second.read(&mut [0; 1]).await, Ok(1..)));
    assert_eq!((site.counts)().full, 1);
    assert_eq!(call(&alice, HEALTH).await.code(), Code::Ok);
    drop(alice);
    // The server notices in its own time.
    loop {
        let victor = site.client(Some(&site.issued("viewer-victor"))).connect().await;
        if let Ok(victor) = victor
            && call(&victor, HEALTH).await.code() == Code::Ok
        {
            return;
        }
    }
}
