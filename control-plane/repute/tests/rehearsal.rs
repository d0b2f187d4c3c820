//! `replay --against`: what each service's packets would go through under another policy, beside what they go through.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use clap::Parser;
use repute::replay::{self, Replay};
use serde_json::Value;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    replay: Replay,
}

/// Three services of one network; the second policy meters everybody, and refuses a host that is in none of them.
const SERVICES: &str = "
[services.database]
prefixes = [\"10.0.1.0/24\"]
[services.static]
prefixes = [\"10.0.2.0/24\"]
[services.idle]
prefixes = [\"10.0.3.0/24\"]
";
const OLD: &str = "[profiles.egress.treatments]\nneutral = \"pass\"\npoor = \"pass\"\nmalicious = \"pass\"\n";
const NEW: &str = "
[lists]
deny = [\"10.9.9.9\"]
[profiles.egress.treatments]
excellent = { meter = { packets = \"100pps\", packet_burst = 10 } }
good = { meter = { packets = \"100pps\", packet_burst = 10 } }
neutral = { meter = { packets = \"100pps\", packet_burst = 10 } }
poor = { meter = { packets = \"100pps\", packet_burst = 10 } }
malicious = \"drop\"
";

/// A datagram of 28 + `payload` bytes from 10.`host` to 192.0.2.1, as raw IPv4.
fn datagram(host: [u8; 3], payload: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((28 + payload).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, host[0], host[1], host[2], 192, 0, 2, 1]);
    packet.extend(4000u16.to_be_bytes());
    packet.extend(5000u16.to_be_bytes());
    packet.extend((8 + payload).to_be_bytes());
    packet.extend([0, 0]);
    packet.resize(usize::from(28 + payload), 0);
    packet
}

/// A capture of raw IP packets at these µs.
fn write(path: &Path, packets: &[(u32, Vec<u8>)]) {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0]);
    for (us, packet) in packets {
        let len = packet.len() as u32;
        for word in [1_700_000_000 + us / 1_000_000, us % 1_000_000, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    std::fs::write(path, file).unwrap();
}

/// The rows of `--services` by service, empty = none, over a thousand packets of the database in a second, fifty each of
/// two pages, twenty of a stranger.
fn rehearse(old: &str, new: Option<&str>) -> impl Fn(&str) -> Value + use<> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("old.toml"), old).unwrap();
    let mut packets: Vec<_> = (0..1000).map(|n| (n * 1000, datagram([0, 1, 5], 100))).collect();
    for n in 0..50 {
        packets.push((n * 20_000 + 3, datagram([0, 2, 5], 72)));
        packets.push((n * 20_000 + 5, datagram([0, 2, 6], 72)));
    }
    packets.extend((0..20).map(|n| (n * 50_000 + 7, datagram([9, 9, 9], 72))));
    packets.sort_by_key(|(us, _)| *us);
    write(Path::new(&path("all.pcap")), &packets);
    let mut line = vec!["replay".to_owned(), "--inside".into(), "10.0.0.0/8".into()];
    line.extend([
        "--config".into(),
        path("old.toml"),
        "--services".into(),
        path("rows.json"),
        path("all.pcap"),
    ]);
    if let Some(new) = new {
        std::fs::write(path("new.toml"), new).unwrap();
        line.extend(["--against".into(), path("new.toml")]);
    }
    replay::run(&Cli::parse_from(line).replay).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(path("rows.json")).unwrap()).unwrap();
    move |name| {
        let is_it = |row: &&Value| row["service"].as_str().unwrap_or_default() == name;
        rows.iter().find(is_it).cloned().unwrap_or_default()
    }
}

fn share(side: &Value, effect: &str) -> (u64, u64, u64) {
    let of = |what: &str| side[effect][what].as_u64().unwrap();
    (of("packets"), of("bytes"), of("sources"))
}

#[test]
fn what_a_new_policy_would_slow_and_cut_is_told_by_service() {
    let row = rehearse(&format!("{SERVICES}{OLD}"), Some(&format!("{SERVICES}{NEW}")));
    let database = row("database");
    assert_eq!(share(&database["policy"], "passed"), (1000, 128_000, 1));
    let (passed, slowed) = (share(&database["other"], "passed"), share(&database["other"], "slowed"));
    assert_eq!((passed.0 + slowed.0, passed.1 + slowed.1), (1000, 128_000));
    assert!((100..=111).contains(&passed.0) && slowed.2 == 1, "{passed:?} {slowed:?}");
    let pages = row("static");
    assert_eq!(share(&pages["other"], "passed"), (100, 10_000, 2), "below the rate nobody loses anything");
    let none = row("");
    assert_eq!(share(&none["policy"], "passed"), (20, 2_000, 1));
    assert_eq!(share(&none["other"], "cut"), (20, 2_000, 1));
    assert!(row("idle").is_null(), "of whom nothing was seen nothing is said");
}

#[test]
fn services_that_only_the_new_policy_has_are_told_too() {
    let row = rehearse(OLD, Some(&format!("{SERVICES}{NEW}")));
    assert_eq!(share(&row("database")["policy"], "passed").0, 1000);
    assert!(share(&row("database")["other"], "slowed").0 > 800);
    let alone = rehearse(&format!("{SERVICES}{NEW}"), None);
    assert!(alone("database")["other"].is_null());
    assert!(share(&alone("database")["policy"], "slowed").0 > 800);
}
