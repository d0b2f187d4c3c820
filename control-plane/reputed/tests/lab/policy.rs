//! Policies go live under load without losing a packet.

use serde_json::json;

use crate::support::{LAB_TOML, Lab, SERVER_4};
use crate::traffic::assert_clean;

/// The lab's config with another limit.
fn variant(limit: u32) -> String {
    let config = LAB_TOML.replace("\"100pps\"", &format!("\"{limit}pps\""));
    assert_ne!(config, LAB_TOML);
    config
}

#[test]
fn policies_go_live_under_load_without_loss() {
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    let mut wrk = lab.spawn(&format!("wrk -t1 -c20 -d4 --timeout 20 {SERVER_4}"));
    let mut version = 1;
    while wrk.try_wait().unwrap().is_none() {
        let applied = lab.apply(&variant(100 + version));
        assert_eq!((&applied["lagging"], &applied["unchanged"]), (&json!([]), &json!(false)), "{applied}");
        version += 1;
    }
    assert_clean(&String::from_utf8_lossy(&wrk.wait_with_output().unwrap().stdout));
    assert!(version > 5, "{version} policies in 4 s");
    let status = lab.repute("status");
    assert_eq!((&status["policy"]["version"], &status["dropped"]), (&json!(version), &json!([])), "{status}");
    let account = lab.close();
    assert_eq!(account["policy_version"], version);
    assert!(account["ports"].as_array().unwrap().iter().all(|port| port["refused"] == 0), "{account}");
}
