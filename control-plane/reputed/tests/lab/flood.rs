//! A flood from one address is limited, then stopped; its neighbour goes on.

use serde_json::json;

use crate::support::{LAB_TOML, Lab, SERVER_4};
use crate::traffic::assert_clean;

/// The client's second address: a source of its own.
const ATTACKER: &str = "10.77.0.66";

/// UDP to a closed port from the second address, for so long, paced as given.
fn hping(seconds: u32, pace: &str) -> String {
    format!("timeout -s INT {seconds} hping3 -q --udp -p 9 {pace} -a {ATTACKER} 10.77.0.2")
}

#[test]
fn a_flood_is_limited_then_stopped_and_its_neighbour_goes_on() {
    let Some(lab) = Lab::up(LAB_TOML) else { return };
    let get = format!("curl -gsS --max-time 20 {SERVER_4}");
    // Wanted traffic first: silence is evidence only where answers are seen.
    assert_clean(&lab.client(&format!("wrk -t1 -c20 -d1 --timeout 20 {SERVER_4}")));

    // About 600 packets a second that nobody asked for: suspicious.
    lab.script(&format!("exec client {}", hping(4, "-i u1500")));
    let explained = lab.repute(&format!("explain {ATTACKER}"));
    assert_eq!(explained["band"], "poor", "{explained}");
    assert!(lab.dropped("meter-packets") > 0, "{}", lab.repute("status"));
    assert_eq!(lab.dropped("standing"), 0);

    // As many as the machine can send: to be stopped.
    let mut flood = lab.spawn(&hping(3, "--flood"));
    while lab.dropped("standing") == 0 {
        assert!(
            flood.try_wait().unwrap().is_none(),
            "stopped before the flood ends: {}",
            lab.repute("status")
        );
    }
    for _ in 0..10 {
        assert_eq!(lab.client(&get), "hello\n", "the main address goes on");
    }
    flood.wait().unwrap();
    let explained = lab.repute(&format!("explain {ATTACKER}"));
    assert_eq!(explained["band"], "malicious", "{explained}");
    let first = &explained["terms"][0];
    assert_eq!(first["factor"], "unanswered", "{explained}");
    assert!(first["part"].as_f64() > Some(0.0), "{explained}");
    assert!(lab.dropped("standing") > 1000, "{}", lab.repute("status"));

    let neighbour = lab.repute("explain 10.77.0.1");
    let limits = ["meter", "block_new", "drop"].map(|limit| &neighbour["treatment"][limit]);
    assert_eq!(limits, [&json!(null), &json!(false), &json!(false)], "{neighbour}");
    assert_eq!(lab.client(&get), "hello\n");
    lab.close();
}
