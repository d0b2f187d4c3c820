//! The garden as browsers and others see it: plain sockets on loopback.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use repute_garden::{Desk, Garden, Gate, Refusal, Settings, bind, solve};
use repute_model::{Passed, Score, Source, Width};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WORK: u8 = 8;

/// Takes note of who passes; answers what it is told to.
#[derive(Debug)]
struct Fake {
    passed: Mutex<Vec<Source>>,
    says: Option<Passed>,
}

impl Gate for Fake {
    fn pass(&self, source: Source) -> Pin<Box<dyn Future<Output = Option<Passed>> + Send + '_>> {
        self.passed.lock().unwrap().push(source);
        Box::pin(async { self.says })
    }
}

struct Running {
    address: SocketAddr,
    desk: Arc<Desk>,
    gate: Arc<Fake>,
}

const COUNTS: Passed = Passed::Counts { before: Score::MIN, after: Score::MAX };

async fn start(says: Option<Passed>, proxies: &[&str], connections: usize) -> Running {
    let settings = Settings {
        work: WORK,
        life: Duration::from_secs(600),
        passes: 4,
        proxies: proxies.iter().map(|text| text.parse().unwrap()).collect(),
        connections,
        width: Width::OUTSIDE,
    };
    let garden = Garden::open(bind("127.0.0.1:0".parse().unwrap()).unwrap(), settings).unwrap();
    let gate = Arc::new(Fake { passed: Mutex::default(), says });
    let running = Running { address: garden.address().unwrap(), desk: garden.desk(), gate: gate.clone() };
    tokio::spawn(garden.run(gate));
    running
}

impl Running {
    /// Sends a request and reads until the other side has closed, which it may do before all is sent.
    async fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: bank.example\r\n{headers}\r\n")).await
    }

    async fn post(&self, body: &str, headers: &str) -> String {
        let length = body.len();
        let head =
            format!("POST /repute-garden HTTP/1.1\r\nHost: bank.example\r\nContent-Length: {length}\r\n");
        self.ask(&format!("{head}{headers}\r\n{body}")).await
    }

    /// Solves the task of a new page.
    async fn solution(&self, headers: &str) -> String {
        let page = self.get("/", headers).await;
        let token = page.split("data-token=\"").nth(1).unwrap().split('"').next().unwrap();
        format!("{token} {}", solve(token, WORK).unwrap())
    }

    fn refused(&self, why: Refusal) -> u64 {
        self.desk.counts().refused[why.index()]
    }
}

#[tokio::test]
async fn whatever_was_asked_for_leads_to_the_page_and_its_solution_to_the_gate() {
    let running = start(Some(COUNTS), &[], 64).await;
    let page = running.get("/account/login?x=1", "Accept: text/html,*/*\r\nCookie: secret=1\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("<strong>127.0.0.1</strong>"), "{page}");
    assert!(page.contains("cache-control: no-store\r\n") && !page.contains("secret"));
    let nonce = page.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(page.contains(&format!("<script nonce=\"{nonce}\">")), "the page's own script may run");
    let program = running.get("/update.bin", "Accept: */*\r\n").await;
    assert!(program.starts_with("HTTP/1.1 511 "), "{program}");
    let head = running.ask("HEAD / HTTP/1.1\r\nHost: bank.example\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 511 ") && head.ends_with("\r\n\r\n"), "{head}");

    let solved = running.solution("").await;
    let answer = running.post(&solved, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("answered again"), "{answer}");
    assert_eq!(*running.gate.passed.lock().unwrap(), ["127.0.0.1".parse().unwrap()]);
    let again = running.post(&solved, "").await;
    assert!(again.starts_with("HTTP/1.1 410 Gone\r\n"), "{again}");
    let counts = running.desk.counts();
    assert_eq!((counts.pages, counts.solved, counts.counted), (4, 1, 1));
    assert_eq!(running.refused(Refusal::Spent), 1);
}

#[tokio::test]
async fn what_the_worker_says_is_what_the_person_is_told() {
    for (says, status, word) in [
        (Some(Passed::Unknown), "200 OK", "Nothing stands against your address"),
        (Some(Passed::Blocked(Score::MIN)), "403 Forbidden", "are blocked"),
        (None, "503 Service Unavailable", "busy"),
    ] {
        let running = start(says, &[], 64).await;
        let answer = running.post(&running.solution("").await, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")) && answer.contains(word), "{answer}");
    }
}

#[tokio::test]
async fn everything_else_is_refused() {
    let running = start(Some(COUNTS), &[], 64).await;
    for nonsense in ["", "a b", "ff 1", &"x".repeat(500), &format!("{} 7", "0".repeat(98))] {
        let answer = running.post(nonsense, "").await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{answer}");
    }
    let long = running.post(&"x".repeat(100_000), "").await;
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 400 "), "{long}");
    let elsewhere = running.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    assert!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    let deleted = running.ask("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(deleted.starts_with("HTTP/1.1 405 ") && deleted.contains("allow: GET, HEAD, POST"), "{deleted}");
    let head = running.get("/", &format!("X: {}\r\n", "x".repeat(20_000))).await;
    assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
    assert!(running.ask("\u{1}\u{2} nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    assert_eq!(running.gate.passed.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn who_asks_too_often_waits_and_his_neighbour_does_not() {
    let running = start(Some(COUNTS), &["127.0.0.1"], 64).await;
    let (mine, other) = ("X-Forwarded-For: 192.0.2.7\r\n", "X-Forwarded-For: 192.0.2.8\r\n");
    let mut last = String::new();
    for _ in 0..40 {
        last = running.get("/", mine).await;
    }
    assert!(last.starts_with("HTTP/1.1 429 ") && last.contains("retry-after: 30\r\n"), "{last}");
    assert!(running.refused(Refusal::Rate) > 0);
    let solved = running.solution(other).await;
    assert!(running.post(&solved, mine).await.starts_with("HTTP/1.1 429 "));
    assert!(running.post(&solved, "X-Forwarded-For: 192.0.2.9\r\n").await.starts_with("HTTP/1.1 403 "));
    assert!(running.post(&solved, "").await.starts_with("HTTP/1.1 502 "), "a proxy has to say who asks");
    assert!(running.post(&solved, other).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(*running.gate.passed.lock().unwrap(), ["192.0.2.8".parse().unwrap()]);
}

#[tokio::test]
async fn one_source_has_an_eighth_of_the_connections() {
    let running = start(Some(COUNTS), &[], 16).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(running.address).await.unwrap());
    }
    // Closed without a word, once those before it have been taken in.
    let mut third = TcpStream::connect(running.address).await.unwrap();
    let mut end = Vec::new();
    let _ = third.read_to_end(&mut end).await;
    assert!(end.is_empty());
    assert_eq!(running.refused(Refusal::Connections), 1);
    let mut first = held.remove(0);
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 511 "), "{answer}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_said() {
    let running = start(None, &[], 8).await;
    let error = bind(running.address).unwrap_err().to_string();
    assert!(error.contains(&running.address.to_string()) && error.contains("free this one"), "{error}");
}
