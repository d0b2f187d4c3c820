//! The daemon is killed, comes back, and reads its config again.

use std::fs;
use std::process::Command;

use crate::support::{LAB_TOML, Lab, SERVER_4};

#[test]
fn a_killed_daemon_leaves_nothing_behind() {
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    let get = format!("curl -gsS --max-time 20 {SERVER_4}");
    assert_eq!(lab.client(&get), "hello\n");
    assert!(lab.script("stop KILL").status.success());
    assert!(lab.file("repute.sock").exists(), "a killed daemon leaves its socket");
    assert!(!lab.script(&format!("exec client curl -sS --max-time 1 {SERVER_4}")).status.success());

    let start = lab.script("start");
    assert!(start.status.success(), "{start:?}");
    assert_eq!(lab.client(&get), "hello\n", "the ports are up again");
    assert_eq!(lab.repute("status")["policy"]["version"], 1);
    lab.close();
    assert!(!lab.file("repute.sock").exists(), "a daemon that ends removes its socket");
}

#[test]
fn a_hangup_reads_the_config_again() {
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    let hang_up = || {
        let pid = fs::read_to_string(lab.file("reputed.pid")).unwrap();
        assert!(Command::new("kill").args(["-HUP", pid.trim()]).status().unwrap().success());
    };
    let version_is = |wanted: u64| (0..1000).any(|_| lab.repute("status")["policy"]["version"] == wanted);

    fs::write(lab.file("config.toml"), LAB_TOML.replace("\"100pps\"", "\"200pps\"")).unwrap();
    hang_up();
    assert!(version_is(2));
    // A mistake changes nothing and is told.
    fs::write(lab.file("config.toml"), "[profiles.ingress]\npryor = 0.7\n").unwrap();
    hang_up();
    let told = |_| fs::read_to_string(lab.file("reputed.log")).unwrap().contains("pryor");
    assert!((0..1_000_000).any(told));
    assert!(version_is(2));
    assert_eq!(lab.client(&format!("curl -gsS --max-time 20 {SERVER_4}")), "hello\n");
    lab.close();
}
