//! What cannot run says why, where, and what to do.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::process::Command;

fn refusal(config: &str, args: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_reputed"))
        .arg("run")
        .arg(&path)
        .args(["--state", "none", "--huge-pages", "none", "--socket"])
        .arg(directory.path().join("api.sock"))
        .args(args)
        .env("REPUTE_LOG", "error")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

const PAIR: &str = r#"
[ports.outside]
role = "outside"
[ports.inside]
role = "inside"
[profiles.ingress]
"#;

#[test]
fn mistakes_in_the_config_come_with_their_place() {
    let error = refusal("[profiles.ingress]\nprior = 2\nhalf_live = \"1m\"\n", &[]);
    for part in ["config.toml:2:9", "config.toml:3:1", "half_life"] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
}

#[test]
fn a_port_without_a_device_is_named() {
    let error = refusal(PAIR, &["--port", "outside=net_null0"]);
    assert!(error.contains("port inside has no device; say --port inside=DEVARGS"), "{error}");
}

#[test]
fn an_override_for_no_port_is_named() {
    let error = refusal(PAIR, &["--port", "dmz=net_null0"]);
    assert!(error.contains("--port dmz: the config has no such port, only inside, outside"), "{error}");
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let error =
        refusal(PAIR, &["--port", "outside=net_af_packet0,iface=nosuchif0", "--port", "inside=net_null0"]);
    assert!(error.contains("port outside") && error.contains("nosuchif0"), "{error}");
}

#[test]
fn live_traffic_is_not_written_down() {
    let error = refusal(PAIR, &["--packets", "/dev/null"]);
    assert!(error.contains("--packets needs --clock capture"), "{error}");
}

/// The config with two workers, for which a machine needs two cores.
fn two_workers() -> String {
    format!("[workers]\ncount = 2\n{PAIR}")
}

#[test]
fn captures_need_one_worker() {
    let ports = ["--port", "outside=net_null0", "--port", "inside=net_null1", "--clock", "capture"];
    let error = refusal(&two_workers(), &ports);
    assert!(error.contains("--clock capture") && error.contains("set [workers] count = 1"), "{error}");
}

#[test]
fn more_workers_than_cores_are_refused_with_both_numbers() {
    let ports = ["--port", "outside=net_null0", "--port", "inside=net_null1"];
    let error = refusal(&format!("[workers]\ncount = 64\n{PAIR}"), &ports);
    assert!(error.contains("count = 64") && error.contains("lower the count"), "{error}");
}

#[test]
fn queues_that_contradict_the_workers_are_named() {
    let ports = ["--port", "outside=net_af_packet0,iface=nosuchif0,qpairs=4", "--port", "inside=net_null0"];
    let error = refusal(&two_workers(), &ports);
    assert!(error.contains("port outside: qpairs=4 and 2 workers") && error.contains("count = 4"), "{error}");
}

#[test]
fn a_device_without_a_queue_for_each_worker_to_send_by_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("outside=net_pcap0,rx_iface=lo,tx_pcap={}", folder.path().join("out.pcap").display());
    let error = refusal(&two_workers(), &["--port", &out, "--port", "inside=net_null0"]);
    for part in ["port outside", "2 transmit queues", "the device has 1", "one capture per queue"] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
}
