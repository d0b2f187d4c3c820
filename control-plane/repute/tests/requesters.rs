//! How the shipped DNS policy judges requesters: of captures, and of traffic that is generated here.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::{corpus, dns, replay, rows};
use repute_traffic::attack::{Asks, Queries};
use repute_traffic::event::Label;
use repute_traffic::{Component, Plan, Preset, capture, labels};
use serde_json::Value;

/// Whether a source stands badly, and what is said of it.
fn stands_badly(source: &Value) -> bool {
    let band = source["band"].as_str().unwrap();
    println!("{} {band} {}: {}", source["source"], source["score"], parts(source));
    ["poor", "malicious"].contains(&band)
}

fn parts(source: &Value) -> String {
    let factors = source["factors"].as_array().unwrap();
    let told = factors.iter().filter(|factor| factor["part"].as_f64().unwrap() > 0.0);
    told.map(|factor| format!("{} {:.2} ", factor["name"], factor["part"].as_f64().unwrap())).collect()
}

#[test]
fn tunnels_in_captures_end_badly() {
    let Some(corpus) = corpus() else { return };
    let table = std::fs::read_to_string(corpus.join("labels/PCAP_LABELS.tsv")).unwrap();
    let tunnels: Vec<PathBuf> = table
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| fields.get(2).is_some_and(|what| what.contains("tunnel") && what.contains("DNS")))
        .filter(|fields| fields[1] == "attack" && fields[0].contains("dns_attack"))
        .map(|fields| corpus.join(fields[0]))
        .collect();
    assert!(tunnels.len() >= 2, "{tunnels:?}");
    for capture in tunnels {
        let outcome = replay(&dns(), &[], std::slice::from_ref(&capture));
        let judged = rows(&outcome);
        let requesters: BTreeSet<&String> =
            judged.iter().filter(|row| row.flow[3] == "53").map(|row| &row.flow[0]).collect();
        println!("{}", capture.display());
        let badly = requesters.iter().filter(|requester| stands_badly(&outcome.source(requester)));
        assert!(badly.count() >= 1, "{requesters:?}");
    }
}

#[test]
fn every_capture_with_dns_is_judged_and_every_oddity_has_a_reason() {
    let Some(corpus) = corpus() else { return };
    let table = std::fs::read_to_string(corpus.join("pcap/GROUND_TRUTH.tsv")).unwrap();
    let mut lines = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let columns =
        ["dns_query", "dns_response"].map(|name| header.iter().position(|one| *one == name).unwrap());
    let with_dns = lines.filter(|fields| columns.iter().any(|&column| fields[column] != "0"));
    let captures: Vec<PathBuf> = with_dns.map(|fields| corpus.join(fields[0])).collect();
    assert!(captures.len() > 50, "{}", captures.len());
    let mut reasons = BTreeSet::new();
    for capture in &captures {
        for row in rows(&replay(&dns(), &[], std::slice::from_ref(capture))) {
            assert_eq!(row.verdict == "forward", row.reason.is_empty(), "{}: {row:?}", capture.display());
            if row.reason.starts_with("dns-") {
                reasons.insert(row.reason);
            }
        }
    }
    println!("{reasons:?}");
    assert!(reasons.len() >= 4, "{reasons:?}");
}

/// Unwanted queries beside wanted traffic; the capture, its labels.
fn generated(seed: u64, asks: Asks, folder: &Path) -> (PathBuf, PathBuf) {
    let queries = Queries { asks, start_us: 5_000_000, duration_us: 50_000_000, ..Queries::default() };
    let mut components = Preset::Benign.plan(seed).components;
    components.push(Component::Queries(queries));
    let plan = Plan { seed, duration_us: 60_000_000, components };
    let (pcap, tsv) = (folder.join("queries.pcap"), folder.join("queries.tsv"));
    let outputs = capture::Outputs {
        merged: Some(pcap.clone()),
        labels: Some(tsv.clone()),
        ..capture::Outputs::default()
    };
    capture::write(plan.events().unwrap(), &outputs).unwrap();
    (pcap, tsv)
}

#[test]
fn generated_algorithms_and_tunnels_end_badly_and_their_neighbours_do_not() {
    for seed in [41, 42, 43] {
        for asks in [Asks::Algorithm, Asks::Tunnel] {
            let folder = tempfile::tempdir().unwrap();
            let (pcap, tsv) = generated(seed, asks, folder.path());
            let outcome = replay(&dns(), &["--inside", "203.0.113.0/24,2001:db8:1::/64"], &[pcap]);
            let (judged, labelled) = (rows(&outcome), labels::read(&tsv).unwrap());
            let bad = labelled.iter().zip(&judged).find(|(label, _)| label.label == Label::Attack).unwrap().1;
            assert!(stands_badly(&outcome.source(&source_of(&bad.flow[0]))), "{asks:?}");
            let (mut benign, mut harmed) = (0u64, 0u64);
            for (row, label) in judged.iter().zip(&labelled) {
                if label.label == Label::Benign {
                    benign += 1;
                    harmed += u64::from(row.verdict != "forward" && row.reason != "dns-cached");
                }
            }
            println!("seed {seed} {asks:?}: harmed {harmed} of {benign}");
            assert!(harmed as f64 <= 0.002 * benign as f64);
        }
    }
}

/// A capture of raw IPv4 in which one host in each of so many /24s of 1.128.0.0/16 asks for three random names.
fn asked_from_everywhere(networks: u8) -> Vec<u8> {
    let mut pcap = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101].map(u32::to_le_bytes).concat();
    for n in 0..3 * u32::from(networks) {
        let label: Vec<u8> =
            (0..14).map(|i| b"xkqzvwjhpfgt"[((n * 7 + i * i * (n + 3)) % 12) as usize]).collect();
        let mut query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x0e".to_vec();
        query.extend([&label[..], b"\x03com\0\0\x01\0\x01"].concat());
        let len = query.len() as u16;
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
        packet[2..4].copy_from_slice(&(28 + len).to_be_bytes());
        packet.extend([1, 128, (n % u32::from(networks)) as u8, 9, 192, 0, 2, 53]);
        packet.extend([0x9c, 0x40, 0, 53]);
        packet.extend((8 + len).to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(query);
        let size = packet.len() as u32;
        pcap.extend([1_000 + n / 10, 1_000 * (n % 10), size, size].map(u32::to_le_bytes).concat());
        pcap.extend(packet);
    }
    pcap
}

/// With a file that knows autonomous systems a replay judges by them, and names them.
#[test]
fn a_replay_knows_autonomous_systems() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("everywhere.pcap");
    std::fs::write(&capture, asked_from_everywhere(60)).unwrap();
    let replayed = |geo: &str| {
        let config = folder.path().join("config.toml");
        std::fs::write(&config, format!("[profiles.dns]\n{geo}")).unwrap();
        replay(&config, &["--inside", "192.0.2.0/24"], std::slice::from_ref(&capture)).source("1.128.50.9")
    };
    let asn = corpus.join("geo/GeoLite2-ASN-Test.mmdb").canonicalize().unwrap();
    let known = replayed(&format!("[geo]\nasn = \"{}\"\n", asn.display()));
    assert_eq!(known["system"]["number"], 1221, "{known}");
    let evidence = |source: &Value| {
        let factors = source["factors"].as_array().unwrap();
        factors.iter().find(|factor| factor["name"] == "system").unwrap()["evidence"].as_f64().unwrap()
    };
    assert!(evidence(&known) > 0.5, "{known}");
    let unknown = replayed("");
    assert!(unknown["system"].is_null() && evidence(&unknown) == 0.0, "{unknown}");
}

/// An outside IPv6 source is a /64.
fn source_of(address: &str) -> String {
    match address.parse().unwrap() {
        std::net::IpAddr::V4(v4) => v4.to_string(),
        std::net::IpAddr::V6(v6) => {
            let network = u128::from(v6) >> 64 << 64;
            format!("{}/64", std::net::Ipv6Addr::from(network))
        }
    }
}
