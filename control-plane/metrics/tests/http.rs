//! The server as a scraper sees it: plain sockets on loopback.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use repute_metrics::{BoxSnapshot, CONNECTIONS_MAX, Health, Probe, ServeError, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

#[derive(Debug, Default)]
struct Fake {
    is_ill: AtomicBool,
}

impl Probe for Fake {
    fn snapshot(&self) -> BoxSnapshot {
        common::sample()
    }

    fn health(&self) -> Health {
        let is_ill = self.is_ill.load(Ordering::Relaxed);
        if is_ill { Health::Ill("worker 1 stands still".to_owned()) } else { Health::Well }
    }
}

struct Running {
    address: SocketAddr,
    probe: Arc<Fake>,
    end: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start() -> Running {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel();
    let probe = Arc::new(Fake::default());
    let task = tokio::spawn(serve(listener, probe.clone(), async {
        let _ = ended.await;
    }));
    Running { address, probe, end, task }
}

/// Sends a request and reads until the other side has closed.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    ask(&mut stream, &format!("GET {path} HTTP/1.1\r\nHost: box\r\n{headers}\r\n")).await
}

#[tokio::test]
async fn both_formats_and_health_are_served() {
    let Running { address, probe, end, task } = start().await;
    let classic = get(address, "/metrics", "").await;
    assert!(
        classic.starts_with("HTTP/1.1 200 OK\r\n") && classic.contains("text/plain; version=0.0.4"),
        "{classic}"
    );
    assert!(classic.contains("repute_build_info{version=\"0.1.0\""));
    let open = get(address, "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n").await;
    assert!(
        open.contains("application/openmetrics-text; version=1.0.0; charset=utf-8")
            && open.contains("# EOF\n")
    );
    assert!(get(address, "/healthz", "").await.ends_with("\r\n\r\nwell\n"));
    probe.is_ill.store(true, Ordering::Relaxed);
    let ill = get(address, "/healthz", "").await;
    assert!(ill.starts_with("HTTP/1.1 503") && ill.ends_with("worker 1 stands still\n"), "{ill}");
    end.send(()).unwrap();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn everything_else_is_refused() {
    let running = start().await;
    let address = running.address;
    assert!(get(address, "/", "Connection: close\r\n").await.starts_with("HTTP/1.1 404"));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let post = "POST /metrics HTTP/1.1\r\nHost: box\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(ask(&mut stream, post).await.starts_with("HTTP/1.1 405"));
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut stream, "\u{1}\u{2} nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn idle_connections_keep_others_waiting_only_for_a_while() {
    let running = start().await;
    let address = running.address;
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let mut late = TcpStream::connect(address).await.unwrap();
    late.write_all(b"GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n").await.unwrap();
    // One of those who came first is answered; the late one comes in for it.
    let mut first = idle.remove(0);
    assert!(ask(&mut first, "GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n").await.ends_with("well\n"));
    let mut answer = String::new();
    late.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("well\n"), "{answer}");
}

#[tokio::test]
async fn others_cannot_connect() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9478"] {
        let error = bind(address.parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, ServeError::NotLoopback(_)), "{error}");
    }
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = bind(listener.local_addr().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("name another port"), "{error}");
}
