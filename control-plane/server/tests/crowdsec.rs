//! A bouncer at the CrowdSec-compatible endpoint: plain HTTP against a box with real workers.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod common;

use std::net::SocketAddr;

use common::{Plan, Rig};
use repute_server::{ApplyRequest, Crowdsec};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// SHA-256 of `secret`.
const KEYS: &str = "nginx 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n";
const DENY: &str =
    "[lists]\ndeny = [\"203.0.113.7\", \"198.51.100.0/24\", \"192.0.2.0/25\"]\nallow = [\"192.0.2.0/24\"]\n";
const PROFILE: &str = "[profiles.ingress]\n";

async fn serve(rig: &Rig) -> SocketAddr {
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&keys, KEYS).unwrap();
    let server = Crowdsec::open("127.0.0.1:0".parse().unwrap(), keys.path()).await.unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.run(rig.hub.clone()));
    address
}

/// Status line and body.
async fn get(address: SocketAddr, path: &str, key: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: box\r\nX-Api-Key: {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}

/// Asks for changes until there are some.
async fn changes(address: SocketAddr) -> Value {
    loop {
        let (_, answer) = get(address, "/v1/decisions/stream?startup=false", "secret").await;
        if answer != json!({ "deleted": null, "new": null }) {
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

async fn apply(rig: &Rig, text: String) {
    let request = ApplyRequest {
        text,
        name: "next.toml".to_owned(),
        who: "test".to_owned(),
        expected_version: None,
        confirm_within: None,
        own_file: false,
    };
    rig.hub.apply(request).await.unwrap();
}

fn values(decisions: &Value) -> Vec<&str> {
    let mut values: Vec<_> =
        decisions.as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    values.sort_unstable();
    values
}

#[tokio::test]
async fn a_bouncer_gets_decisions_and_their_end() {
    let rig = Plan { config: format!("{DENY}{PROFILE}"), ..Plan::default() }.start();
    let address = serve(&rig).await;
    let refused = get(address, "/v1/decisions/stream?startup=true", "wrong").await;
    assert_eq!(refused, ("HTTP/1.1 403 Forbidden".to_owned(), json!({ "message": "access forbidden" })));
    let all = loop {
        let (status, all) = get(address, "/v1/decisions/stream?startup=true", "secret").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        if !all["new"].is_null() {
            break all;
        }
        tokio::task::yield_now().await;
    };
    // What is allowed is no decision.
    assert_eq!(values(&all["new"]), ["198.51.100.0/24", "203.0.113.7"]);
    assert_eq!(all["deleted"], Value::Null);
    let one = all["new"].as_array().unwrap().iter().find(|one| one["value"] == "203.0.113.7").unwrap();
    let keys: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["duration", "id", "origin", "scenario", "scope", "type", "value"]);
    assert_eq!(
        (&one["scope"], &one["type"], &one["origin"]),
        (&json!("Ip"), &json!("ban"), &json!("repute"))
    );
    assert!(one["duration"].as_str().unwrap().starts_with("9m"), "{one}");

    apply(&rig, PROFILE.to_owned()).await;
    let gone = changes(address).await;
    assert_eq!((values(&gone["deleted"]).len(), &gone["new"]), (2, &Value::Null));
    assert!(gone["deleted"][0]["duration"].as_str().unwrap().starts_with('-'), "{gone}");
    let (_, none) = get(address, "/v1/decisions?ip=203.0.113.7", "secret").await;
    assert_eq!(none, Value::Null);
}

#[tokio::test]
async fn a_dropped_source_is_a_decision() {
    let rig = Rig::start();
    let address = serve(&rig).await;
    rig.receive([0x0a00_0001]);
    rig.received(1).await;
    rig.hub.nudge("10.0.0.1".parse().unwrap(), -10_000, false).await.unwrap();
    let mut answer = Value::Null;
    while answer.is_null() {
        answer = get(address, "/v1/decisions?ip=10.0.0.1", "secret").await.1;
        tokio::task::yield_now().await;
    }
    assert_eq!((&answer[0]["value"], &answer[0]["scope"]), (&json!("10.0.0.1"), &json!("Ip")));
    assert_eq!(get(address, "/v1/decisions?ip=10.0.0.2", "secret").await.1, Value::Null);

    // Bouncers do what the box does: in shadow mode nothing.
    for (text, decides) in [(format!("mode = \"shadow\"\n{PROFILE}"), false), (PROFILE.to_owned(), true)] {
        apply(&rig, text).await;
        while get(address, "/v1/decisions?ip=10.0.0.1", "secret").await.1.is_null() == decides {
            tokio::task::yield_now().await;
        }
    }
}
