//! Sinks that fail: a full disk, a receiver that goes away, one that stops reading. The bus never waits.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;
use std::sync::Arc;

use repute_siem::*;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

fn link() -> PortLink {
    PortLink { port: "outside".to_owned(), up: true }
}

fn config(target: Target) -> SinkConfig {
    SinkConfig {
        name: "siem".to_owned(),
        target,
        format: Format::Json,
        least: Severity::Info,
        // Not what sinks say about themselves: counts are easier to follow.
        kinds: vec!["port-link".to_owned()],
        queue: 100,
    }
}

async fn next_about_sinks(events: &mut Subscription) -> Arc<Event> {
    loop {
        let event = events.next().await.unwrap();
        if event.what.kind() != "port-link" {
            return event;
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_said_once_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let bus = common::bus();
    let mut events = bus.subscribe("test", 100).unwrap();
    let sink =
        Sink::start(&bus, config(Target::File { path: path.clone(), max_bytes: 1 << 20, keep: 1 })).unwrap();
    for _ in 0..3 {
        bus.publish(common::at(), link());
    }
    let failed = next_about_sinks(&mut events).await;
    assert!(failed.what.to_string().contains("No space left on device"), "{}", failed.what);
    while sink.counts().lost < 3 {
        tokio::task::yield_now().await;
    }
    fs::remove_file(&path).unwrap();
    bus.publish(common::at(), link());
    let recovered = next_about_sinks(&mut events).await;
    assert_eq!(recovered.what, SinkRecovered { sink: "siem".to_owned(), lost: 3 }.into());
    assert_eq!(sink.counts(), SinkCounts { delivered: 1, lost: 3 });
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn a_file_is_opened_anew_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("events"), folder.path().join("moved"));
    let bus = common::bus();
    let target = Target::File { path: path.clone(), max_bytes: 1 << 20, keep: 1 };
    let sink = Sink::start(&bus, config(target)).unwrap();
    let written = async |count| {
        bus.publish(common::at(), link());
        while sink.counts().delivered < count {
            tokio::task::yield_now().await;
        }
    };
    written(1).await;
    fs::rename(&path, &moved).unwrap();
    written(2).await;
    sink.reopen();
    written(3).await;
    let lines = |path| fs::read_to_string(path).unwrap().lines().count();
    assert_eq!((lines(&moved), lines(&path)), (2, 1));
}

/// Reads one octet-counted message.
async fn message(stream: &mut tokio::net::TcpStream) -> Option<String> {
    let mut length = String::new();
    loop {
        match stream.read_u8().await.ok()? {
            b' ' => break,
            digit => length.push(char::from(digit)),
        }
    }
    let mut text = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut text).await.ok()?;
    Some(String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn a_connection_that_the_receiver_closed_is_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap().to_string();
    let bus = common::bus();
    let sink = Sink::start(&bus, config(Target::Tcp { to, facility: 16 })).unwrap();
    for round in 1..=3 {
        bus.publish(common::at(), link());
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(message(&mut stream).await.unwrap().starts_with("<133>1 2023-11-14T22:13:20.123456Z edge-1"));
        while sink.counts().delivered < round {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(sink.counts(), SinkCounts { delivered: 3, lost: 0 });
}

#[tokio::test]
async fn a_receiver_that_is_not_there_costs_the_queue_only() {
    // A port that nobody listens on any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = closed.local_addr().unwrap().to_string();
    drop(closed);
    let bus = common::bus();
    let mut events = bus.subscribe("test", 1000).unwrap();
    let _sink =
        Sink::start(&bus, SinkConfig { queue: 10, ..config(Target::Tcp { to, facility: 16 }) }).unwrap();
    bus.publish(common::at(), link());
    let failed = next_about_sinks(&mut events).await;
    assert!(failed.what.to_string().contains("refused"), "{}", failed.what);
    for _ in 0..500 {
        bus.publish(common::at(), link());
    }
    let status = bus.status().into_iter().find(|status| status.name == "siem").unwrap();
    assert_eq!((status.waiting, status.queue), (10, 10));
    assert!(status.lost >= 490);
    assert_eq!(events.lost(), 0);
}

#[tokio::test]
async fn datagrams_too_large_for_their_format_are_counted() {
    let receiver = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = receiver.local_addr().unwrap().to_string();
    let bus = common::bus();
    let udp = |format, max_bytes| SinkConfig {
        format,
        ..config(Target::Udp { to: to.clone(), facility: 16, max_bytes })
    };
    let json = Sink::start(&bus, udp(Format::Json, 250)).unwrap();
    let text = Sink::start(&bus, udp(Format::Text, 160)).unwrap();
    bus.publish(common::at(), link());
    let mut buffer = [0; 1000];
    let bytes = receiver.recv(&mut buffer).await.unwrap();
    assert_eq!(bytes, 160);
    while json.counts().lost + text.counts().delivered < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn configs_that_name_what_does_not_exist_are_refused() {
    let bus = common::bus();
    let file = |kinds: &[&str]| SinkConfig {
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        ..config(Target::File { path: "/dev/null".into(), max_bytes: 1, keep: 0 })
    };
    let error = Sink::start(&bus, file(&["mitigations"])).unwrap_err().to_string();
    assert!(error.contains("no event `mitigations`; kinds are band-changed, mitigation,"), "{error}");
    let tls = TlsConfig { ca: "/dev/null".into(), identity: None, server_name: None };
    let target = Target::Tls { to: "localhost:6514".to_owned(), facility: 16, tls };
    let error = Sink::start(&bus, config(target)).unwrap_err().to_string();
    assert!(error.contains("/dev/null has no certificate"), "{error}");
}

#[test]
fn configs_are_read_with_their_defaults() {
    let read = |text: &str| serde_json::from_str::<SinkConfig>(text);
    let file =
        read(r#"{ "name": "f", "target": { "type": "file", "path": "/var/log/repute/events" } }"#).unwrap();
    assert_eq!(
        file.target,
        Target::File { path: "/var/log/repute/events".into(), max_bytes: 64 << 20, keep: 5 }
    );
    assert_eq!((file.format, file.least, file.queue), (Format::Json, Severity::Info, 4096));
    let tls = r#"{ "name": "t", "format": "cef", "least": "warning", "target": { "type": "tls",
        "to": "siem.example:6514", "ca": "ca.pem", "identity": { "cert": "c.pem", "key": "k.pem" } } }"#;
    let Target::Tls { to, facility, tls } = read(tls).unwrap().target else { panic!("not TLS") };
    assert_eq!((to.as_str(), facility, tls.server_name), ("siem.example:6514", 16, None));
    assert_eq!(tls.identity.unwrap().cert, std::path::Path::new("c.pem"));
    for bad in [
        r#"{ "name": "f", "target": { "type": "file", "path": "x", "size": 1 } }"#,
        r#"{ "name": "f", "target": { "type": "pipe", "path": "x" } }"#,
        r#"{ "name": "f", "target": { "type": "udp" } }"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
