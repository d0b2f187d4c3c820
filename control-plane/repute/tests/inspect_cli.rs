//! `repute inspect` as a program: its output, its warnings, its exit codes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

const HEADER: &str = "n\tl2\tvlan\tl3\tsrc\tdst\tl4\tsport\tdport\ttcp_flags\tip_len\tttl\tfrag_off\tfrag_more\t\
                      icmp_type\terror\n";
const ROW: &str = "raw\t0\tipv4\t192.0.2.1\t198.51.100.2\tudp\t53\t99\t\t28\t64\t0\t0\t\t\n";

/// A capture of two equal UDP packets, of link type `link`.
fn capture(dir: &Path, name: &str, link: u8) -> PathBuf {
    let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend([192, 0, 2, 1, 198, 51, 100, 2, 0, 53, 0, 99, 0, 8, 0, 0]);
    let mut file =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, link, 0, 0, 0];
    for _ in 0..2 {
        file.extend([0, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28, 0, 0, 0]);
        file.extend(&packet);
    }
    let path = dir.join(name);
    fs::write(&path, file).unwrap();
    path
}

fn inspect() -> Command {
    let mut command = Command::cargo_bin("repute").unwrap();
    command.arg("inspect");
    command
}

#[test]
fn one_capture_to_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let assert = inspect().arg(capture(dir.path(), "a.pcap", 101)).assert().success();
    assert.stdout(format!("{HEADER}1\t{ROW}2\t{ROW}")).stderr("");
}

#[test]
fn several_captures_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (capture(dir.path(), "a.pcap", 101), capture(dir.path(), "b.pcap", 228));
    let tsv = dir.path().join("out.tsv");
    inspect().args([&a, &b]).arg("--tsv").arg(&tsv).assert().success().stdout("");
    let (a, b) = (a.display(), b.display());
    let expected = format!("file\t{HEADER}{a}\t1\t{ROW}{a}\t2\t{ROW}{b}\t1\t{ROW}{b}\t2\t{ROW}");
    assert_eq!(fs::read_to_string(tsv).unwrap(), expected);
}

#[test]
fn one_capture_of_a_foreign_link_type_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (foreign, b) = (capture(dir.path(), "a.pcap", 105), capture(dir.path(), "b.pcap", 101));
    let assert = inspect().args([&foreign, &b]).assert().code(1);
    let b = b.display();
    let assert = assert.stdout(format!("file\t{HEADER}{b}\t1\t{ROW}{b}\t2\t{ROW}"));
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(stderr.contains("a.pcap: link type 105"), "{stderr}");
    assert!(stderr.ends_with("error: 1 of the captures could not be used\n"), "{stderr}");
}

#[test]
fn a_cut_capture_is_used_and_warned_about() {
    let dir = tempfile::tempdir().unwrap();
    let path = capture(dir.path(), "cut.pcap", 101);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let warning = format!(
        "warning: {}: cut short behind packet 1: in a packet: the file ends after 27 of 28 bytes\n",
        path.display()
    );
    inspect().arg(&path).assert().success().stdout(format!("{HEADER}1\t{ROW}")).stderr(warning);
}

#[test]
fn a_foreign_link_type_is_refused_by_file_number_and_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = capture(dir.path(), "wlan.pcap", 105);
    let output = inspect().arg(&path).assert().code(1).get_output().stderr.clone();
    let text = String::from_utf8(output).unwrap();
    let start =
        format!("error: {}: link type 105 (IEEE802_11) is not supported; supported: ", path.display());
    assert!(text.starts_with(&start), "{text}");
}

#[test]
fn wrong_usage_and_missing_files() {
    inspect().assert().code(2);
    let output = inspect().arg("/nonexistent/a.pcap").assert().code(1).get_output().stderr.clone();
    let text = String::from_utf8(output).unwrap();
    assert!(text.starts_with("error: /nonexistent/a.pcap: cannot open: "), "{text}");
}
