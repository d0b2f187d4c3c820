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
