//! `reputed preflight` on this machine: what it says is this machine's matter, how it says it is not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

fn preflight(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_reputed"))
        .arg("preflight")
        .args(args)
        .env("REPUTE_LOG", "error")
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The findings, which are of the right shape, and agree with the exit code.
fn findings(args: &[&str]) -> Vec<Value> {
    let output = preflight(args);
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    for found in &findings {
        let keys: BTreeSet<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["topic", "subject", "level", "finding", "remedy"]));
        let level = found["level"].as_str().unwrap();
        assert!(["ok", "note", "warning", "problem"].contains(&level), "{found}");
        assert!(!["warning", "problem"].contains(&level) || found["remedy"].is_string(), "{found}");
    }
    let has_problem = findings.iter().any(|found| found["level"] == "problem");
    assert_eq!(output.status.code(), Some(i32::from(has_problem)));
    findings
}

fn topics(findings: &[Value]) -> BTreeSet<&str> {
    findings.iter().map(|found| found["topic"].as_str().unwrap()).collect()
}

#[test]
fn this_machine_gets_a_report_without_being_asked_for_anything() {
    let findings = findings(&["--json"]);
    let expected = ["config", "cpu", "cores", "memory", "rights", "iommu", "device", "scope"];
    assert_eq!(topics(&findings), BTreeSet::from(expected));
}

#[test]
fn a_config_with_ports_and_a_mistake_on_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let config =
        "[ports.outside]\nrole = \"outside\"\n[ports.inside]\nrole = \"inside\"\n[profiles.ingress]\n";
    fs::write(&path, config).unwrap();
    let path = path.display().to_string();
    let ports = ["--port", "outside=net_null0", "--port", "dmz=net_null1", "-o", "json"];
    let findings = findings(&[&[path.as_str()], ports.as_slice()].concat());
    let level = |subject: &str| {
        let found = findings.iter().find(|found| found["subject"] == subject);
        found.unwrap_or_else(|| panic!("no finding on {subject}: {findings:#?}"))["level"].clone()
    };
    assert_eq!(level("outside (net_null0)"), "note");
    assert_eq!(level("port inside"), "warning");
    assert_eq!(level("--port dmz"), "problem");
}

#[test]
fn people_get_marks_and_a_sum() {
    let output = preflight(&["--port", "a=net_af_packet0,iface=nosuchif0"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("[PROBLEM] a (nosuchif0): there is no interface nosuchif0"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("problems "), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn devices_are_asked_when_that_is_wanted() {
    let findings = findings(&["--port", "a=net_null0", "--port", "b=net_null1", "--attach", "--json"]);
    let of = |subject: &str| {
        let about = findings.iter().filter(|found| found["topic"] == "device" && found["subject"] == subject);
        about.map(|found| found["finding"].as_str().unwrap()).collect::<Vec<_>>()
    };
    for port in ["a (net_null0)", "b (net_null1)"] {
        let found = of(port);
        for part in ["transmit queues", "MTU 1500", "RSS", "link up"] {
            assert!(found.iter().any(|text| text.contains(part)), "{part} is missing in {found:?}");
        }
    }
}
