//! `repute events` and `repute incident` against a server in this process, over a real socket.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

#[path = "../../server/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::SystemTime;

use assert_cmd::Command;
use common::Plan;
use repute_server::EventRoom;
use repute_siem::{BootId, Bus, PortLink, Received};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A box whose events are open to the API.
struct Served {
    dir: tempfile::TempDir,
    bus: Bus,
    alerts: mpsc::Receiver<Received>,
}

impl Served {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("repute.sock");
        let bus = Bus::new("box-1", BootId(7), 1);
        let (sender, alerts) = mpsc::channel(8);
        let rig = Plan::default().start();
        rig.hub.open_events(EventRoom { bus: bus.clone(), alerts: sender, desk: None });
        let (hub, path) = (rig.hub.clone(), socket.clone());
        tokio::spawn(async move { repute_server::serve(hub, &path, std::future::pending()).await });
        while !socket.exists() {
            tokio::task::yield_now().await;
        }
        Self { dir, bus, alerts }
    }

    /// Runs the command line on a thread of its own; the server stays on this one.
    async fn run(&self, args: &[&str], input: &'static str) -> (bool, String, String) {
        let mut command = Command::cargo_bin("repute").unwrap();
        command.args(args).env("REPUTE_SOCKET", self.dir.path().join("repute.sock")).write_stdin(input);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }
}

const EVE: &str = r#"{"event_type":"alert","src_ip":"192.0.2.1","dest_ip":"198.51.100.1",
"alert":{"signature_id":1,"signature":"ET SCAN","category":"scan","severity":2}}"#;

#[tokio::test]
async fn alerts_are_handed_in_and_refused_with_a_reason() {
    let mut served = Served::start().await;
    let (done, out, _) = served.run(&["events", "alert", "-o", "json"], EVE).await;
    assert!(done && out.contains("\"is_alert\": true"), "{out}");
    let received = served.alerts.recv().await.unwrap();
    assert_eq!((&*received.input, received.alert.signature), ("api", Some(1)));
    let (done, _, error) = served.run(&["events", "alert"], "{ \"event_type\": \"alert\" }").await;
    assert!(!done && error.contains("is missing"), "{error}");
    let (done, _, error) = served.run(&["incident", "list"], "").await;
    assert!(!done && error.contains("[events.incidents]"), "{error}");
    let (done, schema, _) = served.run(&["events", "schema"], "").await;
    assert!(done && schema.contains("urn:repute:schema:event:1"));
}

#[tokio::test]
async fn events_are_watched_as_they_happen() {
    let served = Served::start().await;
    let (done, _, error) = served.run(&["events", "watch", "--kind", "nothing"], "").await;
    assert!(!done && error.contains("there is no event `nothing`"), "{error}");
    let mut watch = std::process::Command::new(assert_cmd::cargo::cargo_bin("repute"))
        .args(["events", "watch", "--kind", "port-link", "--least", "notice", "-o", "json"])
        .env("REPUTE_SOCKET", served.dir.path().join("repute.sock"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    while served.bus.status().is_empty() {
        tokio::task::yield_now().await;
    }
    served.bus.publish(SystemTime::now(), PortLink { port: "outside".to_owned(), up: false });
    let line = tokio::task::spawn_blocking(move || lines.next().unwrap().unwrap()).await.unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["kind"], &event["port"]), (&json!("port-link"), &json!("outside")), "{event}");
    watch.kill().unwrap();
    watch.wait().unwrap();
}
