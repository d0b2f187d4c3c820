//! dnstap with readers of others: fstrm_capture takes what the box says of queries and answers, dnstap-ldns reads it.

use std::fs;
use std::process::{Child, Stdio};

use crate::dns;
use crate::support::missing;

/// Everything is copied; the client's queries are answered by the server, then from the cache.
const TAP_TOML: &str = r#"
[dnstap]
unix = "SOCKET"
identity = "lab"
"#;

/// A receiver that writes what comes into a file, and has the socket by the time this returns.
fn receiver(socket: &std::path::Path, file: &std::path::Path) -> Child {
    let mut command = std::process::Command::new("fstrm_capture");
    command.args(["-t", "protobuf:dnstap.Dnstap", "-u"]).arg(socket).arg("-w").arg(file);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !socket.exists() {
        assert!(child.try_wait().unwrap().is_none(), "fstrm_capture does not start");
    }
    child
}

/// What dnstap-ldns makes of the file: a line a message.
fn read(file: &std::path::Path) -> Vec<String> {
    let mut command = std::process::Command::new("dnstap-ldns");
    let output = command.arg("-r").arg(file).arg("-q").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn queries_and_answers_are_what_another_reader_sees() {
    if let Some(tool) = missing(&["fstrm_capture", "dnstap-ldns"]) {
        println!("skipped: dnstap needs {tool}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (socket, file) = (dir.path().join("tap.sock"), dir.path().join("tap.fstrm"));
    let mut receiver = receiver(&socket, &file);
    let config = TAP_TOML.replace("SOCKET", socket.to_str().unwrap());
    let Some((lab, _unbound)) = dns::up(&config) else {
        receiver.kill().unwrap();
        receiver.wait().unwrap();
        return;
    };
    lab.client("kdig +short @10.77.0.2 host7.site7.example");
    lab.client("kdig +short @10.77.0.2 host7.site7.example");
    lab.client("kdig +short @10.77.0.2 nothing.site7.example TXT");
    lab.client("kdig +short +tcp @fd77::2 host8.site8.example");
    lab.close();
    // The box has said that this is the end; the receiver writes down what it has when it ends.
    let ended = std::process::Command::new("kill").arg(receiver.id().to_string()).status().unwrap();
    assert!(ended.success());
    receiver.wait().unwrap();
    let told = read(&file);
    let count =
        |words: &[&str]| told.iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
    assert_eq!(count(&["CQ", "10.77.0.1", "UDP", "\"host7.site7.example.\" IN A"]), 2, "{told:#?}");
    assert_eq!(count(&["CR", "10.77.0.1", "UDP", "\"host7.site7.example.\" IN A"]), 2, "{told:#?}");
    assert_eq!(count(&["CQ", "\"nothing.site7.example.\" IN TXT"]), 1, "{told:#?}");
    assert_eq!(count(&["CQ", "fd77::1", "TCP", "\"host8.site8.example.\" IN A"]), 1, "{told:#?}");
    assert_eq!(count(&["CR", "fd77::1", "TCP", "\"host8.site8.example.\" IN A"]), 1, "{told:#?}");
    let size = fs::metadata(&file).unwrap().len();
    println!("{} messages in {size} bytes", told.len());
}
