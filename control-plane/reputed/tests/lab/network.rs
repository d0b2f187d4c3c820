//! What keeps a network alive passes under every policy.

use crate::support::{LAB_TOML, Lab, PORTS_TOML, SERVER_4};

/// Nobody gets anything.
const CLOSED_TOML: &str = r#"
[profiles.ingress.treatments]
excellent = "drop"
good = "drop"
neutral = "drop"
poor = "drop"
malicious = "drop"
"#;

#[test]
fn neighbours_are_found_under_a_policy_that_drops_everything() {
    let Some(lab) = Lab::up(&format!("{PORTS_TOML}{CLOSED_TOML}")) else { return };
    for server in ["10.77.0.2", "fd77::2"] {
        lab.client("ip neighbour flush dev ea");
        let ping = lab.script(&format!("exec client ping -q -c 3 -i 0.3 -W 2 {server}"));
        assert_eq!(ping.status.code(), Some(1), "every echo request is lost: {ping:?}");
        let neighbour = lab.client(&format!("ip neighbour show {server} dev ea"));
        assert!(neighbour.contains("lladdr"), "ARP and ND pass: {neighbour:?}");
    }
    assert!(lab.dropped("standing") >= 6);
    lab.apply(LAB_TOML);
    assert_eq!(lab.client(&format!("curl -gsS --max-time 20 {SERVER_4}")), "hello\n");
    let account = lab.close();
    assert!(account["control"].as_u64() >= Some(4), "{account}");
}
