//! A real receiver: rsyslogd on loopback parses what the syslog sinks send over UDP, TCP and TLS, and its own JSON
//! template shows what it understood.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use repute_siem::*;
use serde_json::Value;
use tempfile::TempDir;

/// How long rsyslogd may take for anything. Reached only when it does not work at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// rsyslogd with listeners for all three; its certificates come from a CA of the test's own.
struct Receiver {
    folder: TempDir,
    child: Child,
    udp: u16,
    tcp: u16,
    tls: u16,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rsyslogd() -> Option<&'static str> {
    let found = ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"].into_iter().find(|path| Path::new(path).exists());
    let openssl = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"]
        .iter()
        .any(|lib| Path::new(lib).join("rsyslog/lmnsd_ossl.so").exists());
    let found = found.filter(|_| openssl);
    if found.is_none() {
        eprintln!("skipped: no rsyslogd with its openssl driver; scripts/setup test installs both");
    }
    found
}

fn pki(folder: &Path, authority: &str) {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, authority);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    for name in ["receiver.example", "box.example"] {
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        leaf.distinguished_name.push(rcgen::DnType::CommonName, name);
        let cert = leaf.signed_by(&key, &ca).unwrap();
        fs::write(folder.join(format!("{name}.pem")), cert.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

impl Receiver {
    fn start(program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        pki(folder.path(), "test CA");
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (tcp, tls) = (free(), free());
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.path().display();
        let fields = [
            ("pri", "pri"),
            ("version", "protocol-version"),
            ("time", "timereported:::date-rfc3339"),
            ("host", "hostname"),
            ("app", "app-name"),
            ("procid", "procid"),
            ("msgid", "msgid"),
            ("data", "structured-data"),
            ("msg", "msg"),
            ("input", "inputname"),
        ];
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, property)| {
                let (property, date) = property
                    .split_once(":::")
                    .map_or((*property, ""), |(property, _)| (property, "dateFormat=\"rfc3339\" "));
                format!("property(outname=\"{name}\" name=\"{property}\" {date}format=\"jsonf\")")
            })
            .collect();
        let config = format!(
            "global(workDirectory=\"{at}\" maxMessageSize=\"64k\" defaultNetstreamDriver=\"ossl\"\n\
             defaultNetstreamDriverCAFile=\"{at}/ca.pem\"\n\
             defaultNetstreamDriverCertFile=\"{at}/receiver.example.pem\"\n\
             defaultNetstreamDriverKeyFile=\"{at}/receiver.example.key\")\n\
             module(load=\"imudp\")\nmodule(load=\"imtcp\")\n\
             template(name=\"fields\" type=\"list\" option.jsonf=\"on\") {{ {} }}\n\
             ruleset(name=\"all\") {{ action(type=\"omfile\" file=\"{at}/out\" template=\"fields\" asyncWriting=\"off\"\n\
             flushOnTXEnd=\"on\") }}\n\
             input(type=\"imudp\" address=\"127.0.0.1\" port=\"{udp}\" ruleset=\"all\" name=\"udp\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{tcp}\" ruleset=\"all\" name=\"tcp\"\n\
             streamDriver.name=\"ptcp\" streamDriver.mode=\"0\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{tls}\" ruleset=\"all\" name=\"tls\"\n\
             streamDriver.name=\"ossl\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/name\"\n\
             permittedPeer=[\"box.example\"])\n",
            fields.join("\n")
        );
        fs::write(folder.path().join("conf"), config).unwrap();
        let file = |name: &str| folder.path().join(name);
        let child = Command::new(program)
            .args(["-n", "-C", "-i"])
            .arg(file("pid"))
            .arg("-f")
            .arg(file("conf"))
            .stdout(fs::File::create(file("stdout")).unwrap())
            .stderr(fs::File::create(file("stderr")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { folder, child, udp, tcp, tls }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn says(&self) -> String {
        fs::read_to_string(self.file("stderr")).unwrap_or_default()
    }

    /// Waits until it listens. Its ports open together; the plain one is tried, since a TLS listener that is left
    /// in the middle of a handshake may close the next connection with the first.
    async fn is_up(&self) {
        self.until("it listens", || std::net::TcpStream::connect(("127.0.0.1", self.tcp)).is_ok()).await;
    }

    async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let begun = SystemTime::now();
        while !done() {
            assert!(begun.elapsed().unwrap() < PATIENCE, "not until {what}: {}", self.says());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What came in through one input.
    fn received(&self, input: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.file("out")).unwrap_or_default();
        let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        whole.filter(|line| line["input"] == input).collect()
    }

    fn target(&self, input: &str) -> Target {
        let facility = 17;
        match input {
            "udp" => Target::Udp { to: format!("127.0.0.1:{}", self.udp), facility, max_bytes: 8192 },
            "tcp" => Target::Tcp { to: format!("127.0.0.1:{}", self.tcp), facility },
            _ => {
                let cert = self.file("box.example.pem");
                let identity = Some(Identity { cert, key: self.file("box.example.key") });
                let server_name = Some("receiver.example".to_owned());
                let tls = TlsConfig { ca: self.file("ca.pem"), identity, server_name };
                Target::Tls { to: format!("127.0.0.1:{}", self.tls), facility, tls }
            }
        }
    }
}

fn sink(name: &str, target: Target, format: Format) -> SinkConfig {
    SinkConfig { name: name.to_owned(), target, format, least: Severity::Info, kinds: vec![], queue: 1000 }
}

/// The text of a message as the format writes it, for comparison with what arrived.
fn compare(event: &Event, format: Format, line: &Value) {
    let text = |key: &str| line[key].as_str().unwrap().to_owned();
    assert_eq!(text("pri"), (17 * 8 + event.severity.syslog()).to_string());
    assert_eq!(text("version"), "1");
    assert!(text("time").starts_with("2023-11-14T22:13:20.123456"));
    assert_eq!(text("host"), "edge-1.example");
    assert_eq!(text("app"), "repute");
    assert_eq!(text("procid"), std::process::id().to_string());
    assert_eq!(text("msgid"), event.what.kind());
    let mut data = format!("[repute@32473 id=\"{}\" policy=\"7\"", event.id);
    if let Some(source) = event.what.source() {
        data += &format!(" source=\"{source}\"");
    }
    assert_eq!(text("data"), data + "]");
    assert_eq!(text("msg").trim_start_matches('\u{feff}'), format.line(event));
}

/// Whether a line is the message of an event.
fn is_of(line: &Value, event: &Event) -> bool {
    line["data"].as_str().is_some_and(|data| data.contains(&event.id.to_string()))
}

#[tokio::test]
async fn rsyslog_parses_every_message_over_udp_tcp_and_tls() {
    let Some(program) = rsyslogd() else { return };
    let receiver = Receiver::start(program);
    receiver.is_up().await;
    let bus = common::bus();
    let mut events = bus.subscribe("test", 1000).unwrap();
    let inputs = [("udp", Format::Text), ("tcp", Format::Json), ("tls", Format::Cef)];
    let sinks =
        inputs.map(|(name, format)| Sink::start(&bus, sink(name, receiver.target(name), format)).unwrap());
    let all = common::every();
    let count = all.len();
    for what in all {
        bus.publish(common::at(), what);
    }
    let mut sent = Vec::new();
    for _ in 0..count {
        sent.push(events.next().await.unwrap());
    }
    for (input, format) in inputs {
        let has = |lines: &[Value], event: &Event| lines.iter().position(|line| is_of(line, event));
        receiver
            .until(input, || {
                let lines = receiver.received(input);
                sent.iter().all(|event| has(&lines, event).is_some())
            })
            .await;
        let lines = receiver.received(input);
        for event in &sent {
            compare(event, format, &lines[has(&lines, event).unwrap()]);
        }
    }
    // A sink that had to connect again says so in events of its own, which are delivered as well.
    for one in &sinks {
        receiver.until("deliveries are counted", || one.counts().delivered >= count as u64).await;
        assert_eq!(one.counts().lost, 0);
    }
}

#[tokio::test]
async fn a_receiver_without_our_trust_gets_nothing() {
    let Some(program) = rsyslogd() else { return };
    let receiver = Receiver::start(program);
    receiver.is_up().await;
    let strangers = tempfile::tempdir().unwrap();
    pki(strangers.path(), "another CA");
    let Target::Tls { to, facility, tls } = receiver.target("tls") else { panic!("not TLS") };
    let wrong_ca = TlsConfig { ca: strangers.path().join("ca.pem"), ..tls.clone() };
    let wrong_name = TlsConfig { server_name: Some("other.example".to_owned()), ..tls };
    for (name, tls, reason) in [("ca", wrong_ca, "UnknownIssuer"), ("name", wrong_name, "NotValidForName")] {
        let bus = common::bus();
        let mut events = bus.subscribe("test", 100).unwrap();
        let config = sink(name, Target::Tls { to: to.clone(), facility, tls }, Format::Text);
        let _sink = Sink::start(&bus, config).unwrap();
        bus.publish(common::at(), PortLink { port: "p".to_owned(), up: true });
        events.next().await.unwrap();
        let What::SinkFailed(failed) = &events.next().await.unwrap().what.clone() else {
            panic!("no failure")
        };
        assert!(
            failed.reason.contains(reason) || failed.reason.contains("not valid for name"),
            "{}",
            failed.reason
        );
    }
    assert!(receiver.received("tls").is_empty());
}
