//! Two workers share what arrives: AF_PACKET deals flows to queues by a hash that knows nothing of owners, so about
//! half of the packets reach the wrong worker first.

use serde_json::{Value, json};

use crate::support::{LAB_TOML, Lab, SERVER_4, SERVER_6};
use crate::traffic::assert_clean;

/// The lab's config with two workers.
fn two_workers() -> String {
    let config = LAB_TOML.replace("[workers]", "[workers]\ncount = 2");
    assert_ne!(config, LAB_TOML);
    config
}

/// A count of every worker of a status or a closing account.
fn by_worker(report: &Value, count: &str) -> Vec<u64> {
    report["workers"].as_array().unwrap().iter().map(|worker| worker[count].as_u64().unwrap()).collect()
}

#[test]
fn wanted_traffic_and_a_flood_pass_two_workers_and_every_packet_is_accounted_for() {
    let Some(lab) = Lab::up_with_two_workers(&two_workers()) else { return };
    for server in [SERVER_4, SERVER_6] {
        assert_eq!(lab.client(&format!("curl -gsS --max-time 20 {server}")), "hello\n");
    }
    let mut flood = lab.spawn("timeout -s INT 3 hping3 -q --udp -p 9 --flood --rand-source 10.77.0.2");
    assert_clean(&lab.client(&format!("wrk -t1 -c20 -d4 --timeout 20 {SERVER_4}")));
    flood.wait().unwrap();

    let status = lab.repute("status");
    assert_eq!(status["conserved"], true, "{status}");
    let outside = status["ports"].as_array().unwrap().iter().find(|port| port["name"] == "outside").unwrap();
    assert_eq!(outside["rss"], "absent", "{outside}");
    let finding = outside["rss_finding"].as_str().unwrap_or_default();
    assert!(finding.contains("of 100 packets are handed over"), "{outside}");
    assert_eq!(by_worker(&status, "misowned"), [0, 0]);

    let account = lab.close();
    for count in ["received", "handed", "taken"] {
        // How many depends on how the machine deals its CPUs to everybody.
        assert!(by_worker(&account, count).iter().all(|&packets| packets > 0), "{count}: {account}");
    }
}

#[test]
fn both_workers_follow_a_policy_and_answer_for_their_sources() {
    let Some(lab) = Lab::up_with_two_workers(&two_workers()) else { return };
    let get = format!("curl -gsS --max-time 20 {SERVER_4}");
    let mut owners = [0, 0];
    for number in 101..=120 {
        let source = format!("10.77.0.{number}");
        assert_eq!(lab.client(&format!("{get} --interface {source}")), "hello\n");
        let explained = lab.repute(&format!("explain {source}"));
        assert_eq!(explained["tracked"], true, "{explained}");
        owners[explained["worker"].as_u64().unwrap() as usize] += 1;
    }
    assert!(owners.iter().all(|&count| count > 0), "{owners:?}");

    let applied = lab.apply(&two_workers().replace("\"100pps\"", "\"200pps\""));
    assert_eq!((&applied["version"], &applied["lagging"]), (&json!(2), &json!([])), "{applied}");
    let status = lab.repute("status");
    assert_eq!(by_worker(&status, "policy_version"), [2, 2]);
    let listed = lab.client("repute -o json score list");
    assert!((101..=120).all(|number| listed.contains(&format!("\"10.77.0.{number}\""))), "{listed}");
    lab.close();
}
