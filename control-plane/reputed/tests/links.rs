//! A port goes down with its peer and comes up with it: two tap ports in a network namespace of the test's own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const INSIDE: &str = "REPUTE_TEST_IN_NAMESPACE";

const CONFIG: &str = r#"
[ports.outside]
role = "outside"
device = "net_tap0,iface=tap_out"
link = "follow"
[ports.inside]
role = "inside"
device = "net_tap1,iface=tap_in"
link = "follow"
[workers]
idle = "adaptive"
[profiles.ingress]
"#;

#[test]
fn a_port_follows_the_link_of_its_peer() {
    if std::env::var_os(INSIDE).is_some() {
        return follow();
    }
    let mut probe = Command::new("unshare");
    probe.args(["-n", "ip", "tuntap", "add", "t0", "mode", "tap"]);
    if !probe.output().is_ok_and(|output| output.status.success()) {
        println!(
            "skipped: needs root, unshare, ip and /dev/net/tun to make tap ports in a network namespace"
        );
        return;
    }
    // The namespace ends with the processes in it, so nothing is left behind.
    let mut command = Command::new("unshare");
    command.arg("-n").arg(std::env::current_exe().unwrap()).env(INSIDE, "1");
    let output =
        command.args(["--exact", "a_port_follows_the_link_of_its_peer", "--nocapture"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Ends with the test, whatever becomes of it.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until an interface is up or down: the daemon looks every 100 ms.
fn wait_until(iface: &str, up: bool) {
    let is_up = || ip(&format!("-br link show {iface}")).contains(",UP");
    assert!((0..2000).any(|_| is_up() == up), "{iface} should be {}", if up { "up" } else { "down" });
}

fn follow() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon(start(folder.path()));
    let socket = folder.path().join("api.sock");
    while !socket.exists() {
        assert!(daemon.0.try_wait().unwrap().is_none(), "the daemon did not start");
        std::thread::yield_now();
    }
    for _ in 0..2 {
        wait_until("tap_in", true);
        ip("link set tap_out down");
        wait_until("tap_in", false);
        ip("link set tap_out up");
    }
    wait_until("tap_in", true);
    assert!(Command::new("kill").arg(daemon.0.id().to_string()).status().unwrap().success());
    assert!(daemon.0.wait().unwrap().success());
}

fn start(folder: &Path) -> Child {
    let config = folder.join("config.toml");
    fs::write(&config, CONFIG).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_reputed"));
    daemon
        .arg("run")
        .arg(&config)
        .args(["--state", "none", "--huge-pages", "none", "--socket"])
        .arg(folder.join("api.sock"));
    daemon.stdout(Stdio::null()).spawn().unwrap()
}
