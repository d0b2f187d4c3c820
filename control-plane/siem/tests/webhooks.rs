//! The incident workflow against real HTTP servers of the test's own.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::time::SystemTime;

use repute_siem::*;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const SECRET: &[u8] = b"a secret of the test";

/// One request as a receiver sees it.
struct Request {
    signature: String,
    body: Vec<u8>,
}

impl Request {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver of webhooks.
struct Receiver {
    listener: TcpListener,
    folder: TempDir,
}

impl Receiver {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), [SECRET, b"\n"].concat()).unwrap();
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), folder }
    }

    fn step(&self, name: &str, retry_s: u64) -> StepConfig {
        StepConfig {
            name: name.to_owned(),
            url: format!("http://{}/hook", self.listener.local_addr().unwrap()),
            secret: self.folder.path().join("secret"),
            acknowledge_s: 3600,
            tries: 3,
            retry_s,
            timeout_s: 30,
        }
    }

    /// Takes one request and answers it with `status`.
    async fn answer(&self, status: &str) -> Request {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let (mut length, mut signature) = (0, String::new());
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let Some((key, value)) = line.trim().split_once(": ") else {
                if line.trim().is_empty() { break } else { continue }
            };
            match key.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "repute-signature" => signature = value.to_owned(),
                "content-type" => assert_eq!(value, "application/json"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        Request { signature, body }
    }
}

fn workflow(steps: Vec<StepConfig>) -> WorkflowConfig {
    WorkflowConfig { steps, least: Severity::Warning, open: 10, ca: None }
}

async fn until(events: &mut Subscription, wanted: StepState) -> IncidentStep {
    loop {
        if let What::IncidentStep(step) = &events.next().await.unwrap().what
            && step.state == wanted
        {
            return step.clone();
        }
    }
}

#[tokio::test]
async fn an_incident_is_told_retried_acknowledged_and_ended() {
    let receiver = Receiver::new().await;
    let bus = common::bus();
    let mut events = bus.subscribe("test", 100).unwrap();
    let desk = IncidentDesk::start(&bus, &workflow(vec![receiver.step("pager", 1)])).unwrap();
    let mut verifier = Verifier::new(Secret::new(SECRET).unwrap());

    let id = bus.publish(common::at(), common::mitigation(Phase::Began, "192.0.2.7")).to_string();
    let first = receiver.answer("503 Busy").await;
    let second = receiver.answer("204 No Content").await;
    for (request, attempt) in [(&first, 1), (&second, 2)] {
        let json = request.json();
        assert_eq!(json["delivery"], format!("{id}/pager/opened"));
        assert_eq!((json["attempt"].as_u64(), json["message"].as_str()), (Some(attempt), Some("opened")));
        assert_eq!(json["mitigation"]["source"], "192.0.2.7");
        assert_eq!(json["box"], "edge-1.example");
        assert_eq!(verifier.verify(&request.signature, &request.body, SystemTime::now()), Ok(()));
        let replayed = verifier.verify(&request.signature, &request.body, SystemTime::now());
        assert_eq!(replayed, Err(VerifyError::Replayed));
    }
    until(&mut events, StepState::Notified).await;

    let acknowledge = &second.json()["acknowledge"];
    assert_eq!(acknowledge["path"], format!("/v1/incidents/{id}/acknowledge"));
    let token = acknowledge["token"].as_str().unwrap();
    let wrong = desk.acknowledge_by_token(&id, &"0".repeat(32), "eve").await;
    assert_eq!(wrong, Err(AckError::Token.into()));
    desk.acknowledge_by_token(&id, token, "bob").await.unwrap();
    assert_eq!(until(&mut events, StepState::Acknowledged).await.detail.as_deref(), Some("bob"));
    assert_eq!(desk.list().await.unwrap()[0].acknowledged.as_deref(), Some("bob"));

    bus.publish(common::at(), common::mitigation(Phase::Ended, "192.0.2.7"));
    let over = receiver.answer("200 OK").await.json();
    assert_eq!((over["message"].as_str(), over["acknowledge"].is_null()), (Some("ended"), true));
    until(&mut events, StepState::Ended).await;
    while !desk.list().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn redirects_are_refused_and_the_next_step_takes_over() {
    let (chat, pager) = (Receiver::new().await, Receiver::new().await);
    let bus = common::bus();
    let mut events = bus.subscribe("test", 100).unwrap();
    let config = workflow(vec![chat.step("chat", 1), pager.step("pager", 1)]);
    let _desk = IncidentDesk::start(&bus, &config).unwrap();
    bus.publish(common::at(), common::mitigation(Phase::Began, "2001:db8::7"));
    chat.answer(&format!("307 Elsewhere\r\nLocation: {}", pager.step("", 1).url)).await;
    let failed = until(&mut events, StepState::Failed).await;
    assert_eq!(
        (failed.step.as_deref(), failed.detail.as_deref()),
        (Some("chat"), Some("the receiver answered 307 Temporary Redirect"))
    );
    assert_eq!(until(&mut events, StepState::Escalated).await.step.as_deref(), Some("pager"));
    assert_eq!(pager.answer("200 OK").await.json()["step"], "pager");
}

#[tokio::test]
async fn what_is_mild_is_no_incident_and_secrets_have_to_be_readable() {
    let receiver = Receiver::new().await;
    let bus = common::bus();
    let config = WorkflowConfig { least: Severity::Critical, ..workflow(vec![receiver.step("pager", 1)]) };
    let desk = IncidentDesk::start(&bus, &config).unwrap();
    bus.publish(common::at(), common::mitigation(Phase::Began, "192.0.2.7"));
    assert!(desk.list().await.unwrap().is_empty());
    let mut bad = config.clone();
    bad.steps[0].secret = "/no/such/file".into();
    let error = IncidentDesk::start(&bus, &bad).unwrap_err().to_string();
    assert!(error.contains("step pager: /no/such/file: cannot be read"), "{error}");
    drop(bus);
    drop(desk);
}
