//! Wanted traffic passes unharmed.

use std::fs;

use serde_json::json;

use crate::support::{LAB_TOML, Lab, SERVER_4, SERVER_6};

/// Whether a run of wrk saw nothing but answers.
pub fn assert_clean(wrk: &str) {
    assert!(wrk.contains("requests in"), "{wrk}");
    assert!(!wrk.contains("Socket errors") && !wrk.contains("Non-2xx"), "{wrk}");
}

#[test]
fn web_traffic_passes_unharmed_over_both_protocols() {
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    for server in [SERVER_4, SERVER_6] {
        assert_eq!(lab.client(&format!("curl -gsS --max-time 20 {server}")), "hello\n");
        let copy = lab.file("copy");
        lab.client(&format!("curl -gsS --max-time 60 -o {} {server}large", copy.display()));
        let same = fs::read(&copy).unwrap() == fs::read(lab.file("www/large")).unwrap();
        assert!(same, "a megabyte from {server} arrives as it was sent");
        assert_clean(&lab.client(&format!("wrk -t1 -c20 -d2 --timeout 20 {server}")));
    }
    let status = lab.repute("status");
    assert_eq!((&status["conserved"], &status["dropped"]), (&json!(true), &json!([])), "{status}");
    let account = lab.close();
    let ports = account["ports"].as_array().unwrap();
    assert!(ports.iter().all(|port| port["received"].as_u64() > Some(1000)), "{account}");
    assert!(ports.iter().all(|port| port["refused"] == 0), "{account}");
}
