//! A source whose band queues gets its rate on the wire: what is above waits, what waits too long is dropped.

use serde_json::Value;

use crate::support::{LAB_TOML, Lab};

/// The lab's config with 8 Mb/s for everybody, whatever he does.
fn shaped() -> String {
    let bands = ["excellent", "good", "neutral", "poor", "malicious"];
    let treatment = |band| {
        format!(
            "[profiles.ingress.treatments.{band}]\nqueue = {{ bytes = \"8Mbps\", byte_burst = \"2KiB\" }}\n"
        )
    };
    let (config, _) = LAB_TOML.split_once("# A suspicious sender").unwrap();
    config.to_owned() + &bands.map(treatment).concat()
}

/// Bytes sent to the inside, and the worker's clock in ms.
fn sent(status: &Value) -> (f64, f64) {
    let inside = status["ports"].as_array().unwrap().iter().find(|port| port["name"] == "inside").unwrap();
    (inside["sent_bytes"].as_f64().unwrap(), status["workers"][0]["tick_ms"].as_f64().unwrap())
}

#[test]
fn a_queue_gives_a_source_its_rate() {
    let Some(lab) = Lab::up(&shaped()) else { return };
    // Several times as much as it gets, as long as the machine keeps up.
    let mut load = lab.spawn("timeout -s INT 8 hping3 -q --udp -p 9 -d 958 -i u150 10.77.0.2");
    while lab.dropped("queue-source") == 0 {
        assert!(load.try_wait().unwrap().is_none(), "{}", lab.repute("status"));
    }
    // It never gets more; and it gets that much in a second in which the machine lets it send and the box forward.
    while second(&lab) < 7.2e6 {
        assert!(load.try_wait().unwrap().is_none(), "{}", lab.repute("status"));
    }
    load.kill().unwrap();
    load.wait().unwrap();
    let account = lab.close();
    let outside = account["ports"].as_array().unwrap().iter().find(|port| port["name"] == "outside").unwrap();
    assert!(outside["queued"].as_u64() > Some(500), "{account}");
}

/// Bits per second to the inside over a second of the worker's clock.
fn second(lab: &Lab) -> f64 {
    let (bytes_before, before) = sent(&lab.repute("status"));
    let (mut bytes, mut now) = (bytes_before, before);
    while now < before + 1000.0 {
        (bytes, now) = sent(&lab.repute("status"));
    }
    let rate = (bytes - bytes_before) * 8.0 / (now - before) * 1000.0;
    assert!(rate < 8.8e6, "{rate}");
    rate
}
