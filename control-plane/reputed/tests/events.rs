//! Alerts come in, scores move, events go out, Prometheus looks: a running daemon with a worker and no traffic.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

/// A free port of loopback; nobody else takes it within the moment until the daemon does.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn config(folder: &Path, metrics: SocketAddr, decisions: SocketAddr) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    format!(
        r#"
[ports.outside]
role = "outside"
device = "net_null0,no-rx=1"
[ports.inside]
role = "inside"
device = "net_null1,no-rx=1"
[workers]
cores = [0]
idle = "adaptive"
[events]
name = "edge-1"
[[events.sinks]]
name = "log"
file = "{}"
[[alerts.inputs]]
name = "suricata"
eve = "{}"
[[alerts.rules]]
name = "scans"
signature_name = "et scan*"
severity = 2
lower = 0.4
[[alerts.rules]]
name = "noise"
signature_name = "noise"
lower = 0.15
[[feeds]]
name = "drop"
file = "{}"
[metrics]
listen = "{metrics}"
[crowdsec_api]
listen = "{decisions}"
keys = "{}"
[profiles.ingress]
"#,
        at("events.json"),
        at("eve.json"),
        at("drop"),
        at("bouncers")
    )
}

/// Ends with the test, whatever becomes of it.
struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
    metrics: SocketAddr,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metrics = free();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("config.toml"), config(folder.path(), metrics, free())).unwrap();
        fs::write(at("eve.json"), "").unwrap();
        fs::write(at("drop"), "198.51.100.0/24\n").unwrap();
        fs::write(at("bouncers"), "# none yet\n").unwrap();
        Self::run(folder, metrics)
    }

    /// Goes on in a folder, with the state that is kept there.
    fn run(folder: tempfile::TempDir, metrics: SocketAddr) -> Self {
        let at = |name: &str| folder.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_reputed"));
        command
            .arg("run")
            .arg(at("config.toml"))
            .args(["--huge-pages", "none", "--state"])
            .arg(at("state"))
            .arg("--socket")
            .arg(at("api.sock"));
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let mut daemon = Self { child, folder, metrics };
        while !daemon.folder.path().join("api.sock").exists() {
            assert!(daemon.child.try_wait().unwrap().is_none(), "the daemon did not start");
            std::thread::yield_now();
        }
        daemon
    }

    /// Events of this kind that the sink has written.
    fn events(&self, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("events.json")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let events = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["kind"] == kind).collect()
    }

    /// Waits for an event of this kind.
    fn wait_for(&self, kind: &str) -> Value {
        loop {
            match self.events(kind).pop() {
                Some(event) => return event,
                None => std::thread::yield_now(),
            }
        }
    }

    fn alert(&self, source: &str, signature: &str) {
        let record = json!({
            "event_type": "alert", "src_ip": source, "dest_ip": "198.51.100.1", "proto": "TCP",
            "direction": "to_server",
            "alert": { "signature_id": 2010935, "signature": signature, "category": "scan", "severity": 2 },
        });
        let mut file = fs::OpenOptions::new().append(true).open(self.folder.path().join("eve.json")).unwrap();
        file.write_all(format!("{record}\n").as_bytes()).unwrap();
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Ends it as a system would; its exit has to be clean.
    fn stop(&mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every event in the file is one by the schema that the product prints.
fn validate(folder: &Path) {
    let schema = jsonschema::validator_for(&repute_siem::json_schema()).unwrap();
    for line in fs::read_to_string(folder.join("events.json")).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(schema.is_valid(&event), "{event}");
        assert_eq!(event["box"], "edge-1");
    }
}

#[test]
fn an_alert_moves_a_score_and_events_say_so() {
    let mut daemon = Daemon::start();
    daemon.wait_for("started");
    let begin = Instant::now();
    daemon.alert("192.0.2.7", "ET SCAN Nmap");
    let moved = daemon.wait_for("alert-received");
    println!("from the alert's file to the event's file: {:?}", begin.elapsed());
    assert_eq!((&moved["source"], &moved["input"]), (&json!("192.0.2.7"), &json!("suricata")), "{moved}");
    let outcome = moved["outcome"].as_str().unwrap();
    assert_eq!(outcome, "-4000 points by rule scans: score 7500 -> 3500");
    check_metrics(&daemon);
    daemon.stop();
    assert_eq!(daemon.events("stopping").len(), 1);
    validate(daemon.folder.path());
}

#[test]
fn bands_feeds_and_policies_are_events() {
    let mut daemon = Daemon::start();
    let loaded = daemon.wait_for("feed-loaded");
    assert_eq!((&loaded["feed"], &loaded["entries"]), (&json!("drop"), &json!(1)), "{loaded}");
    daemon.alert("192.0.2.8", "noise");
    let moved = daemon.wait_for("band-changed");
    let of = ["source", "from", "to", "score"].map(|key| moved[key].clone());
    assert_eq!(of, [json!("192.0.2.8"), json!("good"), json!("neutral"), json!(6000)], "{moved}");
    // Feeds have made editions meanwhile, which are no versions.
    let path = daemon.folder.path().join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("lower = 0.15", "lower = 0.16")).unwrap();
    daemon.signal("-HUP");
    let applied = daemon.wait_for("policy-applied");
    assert_eq!((&applied["version"], &applied["policy_version"]), (&json!(2), &json!(2)), "{applied}");
    daemon.stop();
    validate(daemon.folder.path());
}

#[test]
fn a_restart_neither_loses_nor_repeats_an_alert() {
    let mut daemon = Daemon::start();
    daemon.wait_for("started");
    daemon.alert("192.0.2.7", "ET SCAN one");
    daemon.wait_for("alert-received");
    daemon.stop();
    daemon.alert("192.0.2.8", "ET SCAN two");
    let folder = std::mem::replace(&mut daemon.folder, tempfile::tempdir().unwrap());
    let mut again = Daemon::run(folder, free());
    while again.events("alert-received").len() < 2 {
        assert!(again.child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    again.alert("192.0.2.9", "ET SCAN three");
    while again.events("alert-received").len() < 3 {
        std::thread::yield_now();
    }
    let names: Vec<_> = again.events("alert-received").iter().map(|event| event["name"].clone()).collect();
    assert_eq!(names, [json!("ET SCAN one"), json!("ET SCAN two"), json!("ET SCAN three")]);
    assert_eq!(again.events("policy-applied").len(), 0, "nothing was applied");
    again.stop();
}

/// What Prometheus sees; its own tool finds nothing in it, where there is one.
fn check_metrics(daemon: &Daemon) {
    while !daemon.get("/healthz").contains(" 200 ") {
        std::thread::yield_now();
    }
    let answer = daemon.get("/metrics");
    let (_, text) = answer.split_once("\r\n\r\n").unwrap();
    for line in
        ["repute_sources_tracked{worker=\"0\"} 1", "sink=\"log\"", "input=\"suricata\"", "repute_build_info"]
    {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    let tool = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut tool) = tool else {
        return println!("skipped: there is no promtool (Debian package prometheus)");
    };
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(tool.wait().unwrap().success());
}
