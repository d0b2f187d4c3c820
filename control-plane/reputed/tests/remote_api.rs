//! The daemon with `[api] listen`, asked by the command line over TLS: roles, SIGHUP, tokens, the audit log, privileges
//! after boot, refusals at start.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PORTS: &str = r#"
[ports.outside]
role = "outside"
device = "net_null0,no-rx=1"
[ports.inside]
role = "inside"
device = "net_null1,no-rx=1"
[workers]
idle = "adaptive"
[profiles.ingress]
"#;

/// A daemon that ends with its test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `repute` in the folder; built when only this crate was built.
fn repute(folder: &Path, words: &str) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_reputed")).parent().unwrap();
    if !programs.join("repute").exists() {
        let build = Command::new(env!("CARGO")).args(["build", "-p", "repute", "--bin", "repute"]).status();
        assert!(build.unwrap().success(), "cargo build -p repute");
    }
    Command::new(programs.join("repute")).args(words.split(' ')).current_dir(folder).output().unwrap()
}

/// What it prints where it has to succeed.
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(folder: &Path, config: &str) -> Command {
    fs::write(folder.join("config.toml"), config).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_reputed"));
    daemon.args(["run", "config.toml", "--state", "none", "--huge-pages", "none", "--socket", "api.sock"]);
    daemon.current_dir(folder).env_remove("STATE_DIRECTORY").stdout(Stdio::null());
    daemon
}

/// `[api]` with TLS as `repute pki init` wrote it, on this port; `wall` is bound as a viewer or more.
fn api(port: u16, wall: &str) -> String {
    format!(
        "{PORTS}[api]\nlisten = \"127.0.0.1:{port}\"\nkeys = \"keys.toml\"\naudit = \"audit.jsonl\"\n\
         [api.tls]\ncertificate = \"pki/server.pem\"\nkey = \"pki/server.key\"\nclient_ca = \"pki/ca.pem\"\n\
         crl = \"pki/crl.pem\"\n[api.access]\nbind = [\n\
         {{ identity = \"spiffe://example.org/viewer/wall\", role = \"{wall}\" }},\n]\n"
    )
}

#[test]
fn over_tls_from_start_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    done(&repute(at, "pki init pki --trust-domain example.org --ip 127.0.0.1 --client viewer/wall"));
    // Free a moment ago; whoever takes it meanwhile fails this test.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut daemon = Daemon(run(at, &api(port, "viewer")).spawn().unwrap());
    while UnixStream::connect(at.join("api.sock")).is_err() {
        assert!(daemon.0.try_wait().unwrap().is_none(), "reputed has ended");
        std::thread::yield_now();
    }
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.0.id())).unwrap();
    assert!(status.contains("CapPrm:\t0000000000000000\n"), "net_null needs no capability: {status}");
    assert!(status.contains("NoNewPrivs:\t1\n"), "{status}");

    let remote = |words: &str| {
        let tls = "--tls-ca pki/ca.pem --tls-cert pki/viewer-wall.pem --tls-key pki/viewer-wall.key";
        repute(at, &format!("--api https://127.0.0.1:{port} {tls} {words}"))
    };
    assert!(done(&remote("status")).contains("packets conserved: yes"));
    let denied = refused(&remote("score nudge 192.0.2.7 100"));
    assert!(denied.contains("needs the role operator or admin"), "{denied}");

    let issued = done(&repute(at, "--socket api.sock token issue --lift 192.0.2.7 --for 1h"));
    fs::write(at.join("token"), issued.lines().next().unwrap()).unwrap();
    done(&remote("--key-file token score nudge 192.0.2.7 100"));
    assert!(refused(&remote("--key-file token score nudge 192.0.2.7 100")).contains("used up"));

    fs::write(at.join("config.toml"), api(port, "operator")).unwrap();
    assert!(Command::new("kill").args(["-HUP", &daemon.0.id().to_string()]).status().unwrap().success());
    // The bindings hold once the signal was handled; the test runner's own limit ends a wait for ever.
    while !remote("score nudge 192.0.2.8 1").status.success() {}
    let denied = refused(&remote("key list"));
    assert!(denied.contains("needs the role admin"), "{denied}");

    let verified = done(&repute(at, "audit verify audit.jsonl"));
    assert!(verified.contains("unbroken"), "{verified}");
    let log = fs::read_to_string(at.join("audit.jsonl")).unwrap();
    for part in ["Access/IssueToken", "key:", "\"SIGHUP\"", "spiffe://example.org/viewer/wall"] {
        assert!(log.contains(part), "{part} is missing in {log}");
    }
    assert!(Command::new("kill").arg(daemon.0.id().to_string()).status().unwrap().success());
    assert!(daemon.0.wait().unwrap().success());
}

#[test]
fn what_would_expose_the_box_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let refusal = |config: &str| refused(&run(at, config).output().unwrap());
    let plain = refusal(&format!("{PORTS}[api]\nlisten = \"0.0.0.0:7443\"\n"));
    for part in ["would listen without TLS", "config.toml:", "[api.tls]"] {
        assert!(plain.contains(part), "{part} is missing in {plain}");
    }
    let missing = refusal(&api(1, "viewer"));
    assert!(missing.contains("`[api.tls]`") && missing.contains("pki/"), "{missing}");
    done(&repute(at, "pki init pki --trust-domain example.org --ip 127.0.0.1"));
    let unlogged = refusal(&api(1, "viewer").replace("audit = \"audit.jsonl\"\n", ""));
    assert!(unlogged.contains("no place for the audit log"), "{unlogged}");
    let bound =
        refusal(&format!("{PORTS}[api.access]\nbind = [{{ identity = \"alice\", role = \"admin\" }}]\n"));
    assert!(bound.contains("`[api.access] bind`: `alice`: expected `spiffe://"), "{bound}");
}
