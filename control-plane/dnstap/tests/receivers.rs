//! The sink with receivers of the test's own: the handshake in both directions, what comes back after a connection is lost,
//! and what those get who speak something else.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::path::Path;
use std::time::Duration;

use repute_dnstap::{CONTENT_TYPE, Role, Sink, SinkConfig, Target};
use repute_model::{Address, Leg, Tapped, Tick};
use rtrb::{Producer, RingBuffer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};

fn config(target: Target) -> SinkConfig {
    let (identity, version) = ("edge-1".to_owned(), "repute".to_owned());
    SinkConfig { target, identity, version, role: Role::Resolver }
}

fn start(path: &Path) -> (Sink, Producer<Tapped>) {
    let (ring, out) = RingBuffer::new(64);
    (Sink::start(config(Target::Unix(path.to_owned())), vec![out]), ring)
}

fn tapped(message: &[u8]) -> Tapped {
    let (requester, server) = ((Address::v4(1), 40_000), (Address::v4(2), 53));
    let leg = Leg { requester, server, answers: false, by_tcp: false };
    Tapped::new(message, leg, Tick(1)).unwrap()
}

/// A frame: the payload, and whether it is a control frame.
async fn frame(stream: &mut UnixStream) -> (bool, Vec<u8>) {
    let len = stream.read_u32().await.unwrap();
    let is_control = len == 0;
    let len = if is_control { stream.read_u32().await.unwrap() } else { len };
    let mut payload = vec![0; len as usize];
    stream.read_exact(&mut payload).await.unwrap();
    (is_control, payload)
}

/// A control frame of this type, and whether it names our content type.
async fn control(stream: &mut UnixStream, kind: u8) -> bool {
    let (is_control, payload) = frame(stream).await;
    assert!(is_control && payload[..4] == [0, 0, 0, kind], "{payload:?}");
    payload.ends_with(CONTENT_TYPE)
}

async fn say(stream: &mut UnixStream, kind: u8) {
    stream.write_all(&[0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, kind]).await.unwrap();
}

/// Agrees with a sink.
async fn accept(listener: &UnixListener) -> UnixStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    assert!(control(&mut stream, 4).await, "READY names what it has");
    say(&mut stream, 1).await;
    assert!(control(&mut stream, 2).await, "START names what comes");
    stream
}

async fn record(stream: &mut UnixStream, message: &[u8]) {
    let (is_control, payload) = frame(stream).await;
    assert!(!is_control && payload.windows(message.len()).any(|part| part == message), "{payload:?}");
}

#[tokio::test]
async fn records_come_after_the_handshake_and_stop_ends_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tap.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (sink, mut ring) = start(&path);
    ring.push(tapped(b"before the handshake")).unwrap();
    let mut stream = accept(&listener).await;
    record(&mut stream, b"before the handshake").await;
    ring.push(tapped(b"afterwards")).unwrap();
    record(&mut stream, b"afterwards").await;
    ring.push(tapped(b"at the end")).unwrap();
    let receiver = async {
        record(&mut stream, b"at the end").await;
        assert!(!control(&mut stream, 3).await, "STOP");
        say(&mut stream, 5).await;
    };
    tokio::join!(receiver, sink.stop(Duration::from_secs(5)));
    let counts = sink.counts();
    assert_eq!((counts.sent, counts.lost, counts.connected), (3, 0, 1));
}

#[tokio::test]
async fn who_hangs_up_is_asked_again_and_nothing_waits_for_him() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tap.sock");
    let (sink, mut ring) = start(&path);
    // Nobody listens yet: the ring fills, and the worker would count.
    while ring.push(tapped(b"early")).is_ok() {}
    let listener = UnixListener::bind(&path).unwrap();
    let mut stream = accept(&listener).await;
    record(&mut stream, b"early").await;
    drop(stream);
    let again = async {
        let mut stream = accept(&listener).await;
        record(&mut stream, b"late").await;
    };
    let pushed = async {
        loop {
            // Until the next connection takes one; others are lost with the last one.
            let _ = ring.push(tapped(b"late"));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { () = again => {}, () = pushed => {} }
    let counts = sink.counts();
    assert!(counts.connected == 2 && counts.sent >= 64, "{counts:?}");
}

#[tokio::test]
async fn who_speaks_something_else_gets_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut ring, out) = RingBuffer::new(64);
    let target = Target::Tcp(listener.local_addr().unwrap().to_string());
    let sink = Sink::start(config(target), vec![out]);
    ring.push(tapped(b"a secret")).unwrap();
    for answer in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\0\0\0\0\0\0\0\x0d\0\0\0\x01\0\0\0\x01\0\0\0\x01x"]
    {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(answer).await.unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got).await;
        assert!(!got.windows(8).any(|part| part == b"a secret"), "{got:?}");
    }
    let counts = sink.counts();
    assert_eq!((counts.sent, counts.lost, counts.connected), (0, 0, 0));
}
