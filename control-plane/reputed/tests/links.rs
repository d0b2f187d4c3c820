//! A port goes down with its peer and comes up with it: two tap ports in a network namespace of the test's own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const INSIDE: &str = "REPUTE_TEST_IN_NAMESPACE";

const CONFIG: &str = r#"
[ports.outside]
role = "outside"
device = "net_tap0,iface=to"
link = "follow"
[ports.inside]
role = "inside"
device = "net_tap1,iface=ti"
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

/// Asks until an interface is up or down: the daemon looks every 100 ms.
fn wait_until(iface: &str, up: bool) {
    let is_up = || ip(&format!("-br link show {iface}")).contains(",UP");
    assert!((0..5000).any(|_| is_up() == up), "{iface} should be {}", if up { "up" } else { "down" });
}

fn follow() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = start(folder.path());
    let socket = folder.path().join("api.sock");
    while !socket.exists() {
        assert!(daemon.try_wait().unwrap().is_none(), "the daemon did not start");
        std::thread::yield_now();
    }
    for (cut, follower) in [("to", "ti"), ("ti", "to")] {
        wait_until(follower, true);
        ip(&format!("link set {cut} down"));
        wait_until(follower, false);
        ip(&format!("link set {cut} up"));
        wait_until(follower, true);
    }
    assert!(Command::new("kill").arg(daemon.id().to_string()).status().unwrap().success());
    assert!(daemon.wait().unwrap().success());
}

fn start(folder: &Path) -> Child {
    let config = folder.join("config.toml");
    fs::write(&config, CONFIG).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_reputed"));
    daemon.arg("run").arg(&config).args(["--huge-pages", "none", "--socket"]).arg(folder.join("api.sock"));
    daemon.stdout(Stdio::null()).spawn().unwrap()
}
