//! The systemd unit: systemd takes it as it is, finds it confined, and it grants what ports need and no more.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::fs;
use std::path::Path;
use std::process::Command;

use repute_access::privileges::Cap;

/// Highest exposure in tenths that `systemd-analyze security` may find (0 = none, 100 = all). What is left are
/// the host's network and its raw sockets.
const EXPOSURE_MAX: &str = "30";

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/reputed.service");
    fs::read_to_string(path).unwrap()
}

/// Words of the lines that set `key`.
fn words<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    lines.flat_map(str::split_whitespace).collect()
}

#[test]
fn the_capabilities_of_ports_and_no_others() {
    let unit = unit();
    let mut names = Cap::ALL.map(Cap::name);
    names.sort();
    for key in ["CapabilityBoundingSet", "AmbientCapabilities"] {
        let mut granted = words(&unit, key);
        granted.sort();
        assert_eq!(granted, names, "{key}");
    }
}

#[test]
fn as_systemd_sees_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("reputed.service");
    // Program and user are not there on a machine that builds.
    let here = unit().replace("/usr/local/bin/reputed", "/bin/true").replace("User=repute", "User=root");
    fs::write(&path, here.replace("Group=repute", "Group=root")).unwrap();
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&path).output().ok()?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Some((output.status.success(), text))
    };
    let Some((verified, text)) = analyze(&["verify"]) else {
        println!("skipped: there is no systemd-analyze here");
        return;
    };
    assert!(verified && !text.contains("reputed.service"), "{text}");
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let (confined, text) = analyze(&["security", "--offline=yes", "--no-pager", &threshold]).unwrap();
    assert!(confined, "{text}");
    println!("{}", text.lines().last().unwrap_or_default());
}
