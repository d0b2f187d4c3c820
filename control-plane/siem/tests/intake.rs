//! Alerts in over every transport, from peers of the test's own.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use repute_model::PrefixTable;
use repute_siem::*;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram, UnixStream};
use tokio::sync::mpsc;

fn eve(signature: u64) -> String {
    format!(
        "{{\"event_type\":\"alert\",\"src_ip\":\"192.0.2.1\",\"dest_ip\":\"192.0.2.2\",\
         \"alert\":{{\"signature_id\":{signature},\"severity\":1}}}}\n"
    )
}

fn cef(signature: u64) -> String {
    format!("<134>Sep 18 06:13:41 ids CEF:0|v|p|1|{signature}|n|5|src=192.0.2.1 dst=192.0.2.2")
}

fn channel() -> (mpsc::Sender<Received>, mpsc::Receiver<Received>) {
    mpsc::channel(RECEIVED_MAX)
}

async fn signature(alerts: &mut mpsc::Receiver<Received>) -> (String, u64) {
    let received = alerts.recv().await.unwrap();
    (received.input.to_string(), received.alert.signature.unwrap())
}

fn add(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_file_is_followed_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("eve.json");
    add(&path, &(eve(1) + "not json\n{\"event_type\":\"dns\"}\n" + &eve(2)));
    let config = FileConfig { name: "suricata".to_owned(), path: path.clone(), from_start: true };
    let (sender, mut alerts) = channel();
    let input = FileInput::start(config.clone(), None, sender.clone());
    for number in [1, 2] {
        assert_eq!(signature(&mut alerts).await, ("suricata".to_owned(), number));
    }
    let end = std::fs::metadata(&path).unwrap().len();
    while input.position().is_none_or(|position| position.offset < end) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let counts = input.counts();
    assert_eq!((counts.alerts, counts.bad, counts.other), (2, 1, 1));
    assert!(counts.last_error.unwrap().contains("not JSON"));
    let position = input.position();
    drop(input);

    add(&path, &eve(3));
    std::fs::rename(&path, folder.path().join("eve.json.1")).unwrap();
    let resumed = FileConfig { path: folder.path().join("eve.json.1"), ..config };
    let _input = FileInput::start(resumed, position, sender);
    assert_eq!(signature(&mut alerts).await.1, 3);
}

#[tokio::test]
async fn unix_sockets_take_records_and_abandoned_ones_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, mut alerts) = channel();
    for (name, kind) in [("stream", UnixKind::Stream), ("datagram", UnixKind::Datagram)] {
        let path = folder.path().join(name);
        let config = UnixConfig { name: name.to_owned(), path: path.clone(), kind };
        drop(Input::unix(config.clone(), sender.clone()).unwrap());
        // The task that held the abandoned one ends at its next turn.
        while is_held(&path, kind) {
            tokio::task::yield_now().await;
        }
        let input = Input::unix(config.clone(), sender.clone()).unwrap();
        let error = Input::unix(config, sender.clone()).unwrap_err().to_string();
        assert!(error.contains("somebody listens on"), "{error}");
        match kind {
            UnixKind::Stream => {
                let mut stream = UnixStream::connect(&path).await.unwrap();
                stream.write_all(eve(7).as_bytes()).await.unwrap();
            }
            UnixKind::Datagram => {
                let socket = UnixDatagram::unbound().unwrap();
                socket.send_to(eve(7).as_bytes(), &path).await.unwrap();
            }
        }
        assert_eq!(signature(&mut alerts).await, (name.to_owned(), 7));
        assert_eq!(input.counts().alerts, 1);
    }
    let file = folder.path().join("file");
    add(&file, "precious");
    let config = UnixConfig { name: "x".to_owned(), path: file.clone(), kind: UnixKind::Stream };
    let error = Input::unix(config, sender).unwrap_err().to_string();
    assert!(error.contains("exists and is no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
}

fn is_held(path: &Path, kind: UnixKind) -> bool {
    match kind {
        UnixKind::Stream => std::os::unix::net::UnixStream::connect(path).is_ok(),
        UnixKind::Datagram => std::os::unix::net::UnixDatagram::unbound().unwrap().connect(path).is_ok(),
    }
}

async fn syslog(from: &[&str], connections: usize, sender: mpsc::Sender<Received>) -> Input {
    let from = PrefixTable::new(from.iter().map(|prefix| (prefix.parse().unwrap(), ())));
    let listen = "127.0.0.1:0".parse().unwrap();
    // The UDP port of the same number may be taken: then another one is.
    for _ in 0..100 {
        let config = SyslogConfig { name: "syslog".to_owned(), listen, connections };
        if let Ok(input) = Input::syslog(config, from.clone(), sender.clone()).await {
            return input;
        }
    }
    panic!("no port is free for both");
}

#[tokio::test]
async fn syslog_takes_cef_and_eve_over_udp_and_tcp() {
    let (sender, mut alerts) = channel();
    let input = syslog(&["127.0.0.0/8"], 8, sender).await;
    let to = input.address().unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.send_to(cef(1).as_bytes(), to).await.unwrap();
    assert_eq!(signature(&mut alerts).await, ("syslog".to_owned(), 1));
    udp.send_to(format!("<134>1 - - - - - - @cee: {}", eve(2)).as_bytes(), to).await.unwrap();
    assert_eq!(signature(&mut alerts).await.1, 2);
    let mut tcp = TcpStream::connect(to).await.unwrap();
    let (counted, line) = (cef(3), cef(4));
    tcp.write_all(format!("{} {counted}{line}\nrubbish\n", counted.len()).as_bytes()).await.unwrap();
    assert_eq!(signature(&mut alerts).await.1, 3);
    assert_eq!(signature(&mut alerts).await.1, 4);
    while input.counts().bad < 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn strangers_are_not_heard() {
    let (sender, mut alerts) = channel();
    let input = syslog(&["192.0.2.0/24"], 8, sender).await;
    let to = input.address().unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.send_to(cef(1).as_bytes(), to).await.unwrap();
    let mut tcp = TcpStream::connect(to).await.unwrap();
    let _ = tcp.write_all(cef(2).as_bytes()).await;
    while input.counts().refused < 2 {
        tokio::task::yield_now().await;
    }
    assert!(alerts.try_recv().is_err());
}

#[tokio::test]
async fn a_flood_of_datagrams_is_dropped_and_counted() {
    let (sender, mut alerts) = mpsc::channel(1);
    let input = syslog(&["127.0.0.0/8"], 8, sender).await;
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 1..=20 {
        udp.send_to(cef(number).as_bytes(), input.address().unwrap()).await.unwrap();
    }
    while input.counts().alerts + input.counts().dropped < 20 {
        tokio::task::yield_now().await;
    }
    assert_eq!((input.counts().alerts, input.counts().dropped), (1, 19));
    assert_eq!(signature(&mut alerts).await.1, 1);
}
