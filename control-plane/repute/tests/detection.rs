//! What the shipped ingress policy stops, and whom it leaves alone: measured on captures and on traffic
//! that is generated here, never on a tuned file.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use common::{Row, corpus, ingress, replay, rows};
use repute_traffic::attack::{Kind, Proto, Scan};
use repute_traffic::event::Label;
use repute_traffic::{Component, Preset, capture, labels};

/// Share of harmed benign packets at most.
const HARM_MAX: f64 = 0.005;
/// Share of stopped scan packets at least.
const STOPPED_MIN: f64 = 0.85;

#[test]
fn benign_captures_are_left_alone() {
    let Some(corpus) = corpus() else { return };
    let table = std::fs::read_to_string(corpus.join("labels/PCAP_LABELS.tsv")).unwrap();
    let benign: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let file = fields.next()?;
            (fields.next()? == "benign").then(|| corpus.join(file))
        })
        .collect();
    assert!(benign.len() > 100, "only {} benign captures", benign.len());
    let (mut packets, mut harmed, mut by_file) = (0u64, 0u64, BTreeMap::<String, u64>::new());
    for capture in &benign {
        let outcome = replay(&ingress(), &[], std::slice::from_ref(capture));
        assert_eq!(outcome.floods(), [""; 0], "{}", capture.display());
        for row in rows(&outcome) {
            packets += 1;
            if row.verdict != "forward" {
                harmed += 1;
                *by_file.entry(capture.display().to_string()).or_default() += 1;
            }
        }
    }
    let mut worst: Vec<_> = by_file.into_iter().collect();
    worst.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let share = harmed as f64 / packets as f64;
    println!("harmed {harmed} of {packets} packets ({:.3} %) in {} captures", 100.0 * share, benign.len());
    for (file, n) in worst.iter().take(10) {
        println!("  {n:>6}  {file}");
    }
    assert!(share <= HARM_MAX, "{share}");
}

/// What was stopped of the attacks from a second after the first packet of each on, and what was lost of the rest:
/// dropped, or challenged and not forwarded when it came again. By label.
fn scored(mix: &str) -> Option<BTreeMap<String, (u64, u64)>> {
    let corpus = corpus()?;
    let judged = rows(&replay(&ingress(), &[], &[corpus.join(format!("mix/{mix}.pcap"))]));
    let packed = std::fs::File::open(corpus.join(format!("mix/{mix}.labels.tsv.gz"))).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let labels: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert_eq!(labels.len(), judged.len());
    let (mut begun, mut counts) = (BTreeMap::new(), BTreeMap::<String, (u64, u64)>::new());
    for (i, (label, row)) in labels.iter().zip(&judged).enumerate() {
        let at: f64 = label[1].parse().unwrap();
        let first = *begun.entry(label[3]).or_insert(at);
        let attack = label[2] == "attack";
        if attack && at < first + 1.0 {
            continue;
        }
        let lost = match &*row.verdict {
            "drop" => true,
            "challenge" if attack => true,
            "challenge" => {
                !judged[i..].iter().any(|later| later.flow == row.flow && later.verdict == "forward")
            }
            _ => false,
        };
        let (all, gone) = counts.entry(label[2].to_owned()).or_default();
        (*all, *gone) = (*all + 1, *gone + u64::from(lost));
    }
    println!("{mix}: {counts:?}");
    Some(counts)
}

#[test]
fn floods_among_real_traffic_are_stopped() {
    for mix in ["mix_synflood", "mix_amplification"] {
        let Some(counts) = scored(mix) else { return };
        let share = |label: &str| counts.get(label).map_or(0.0, |&(all, gone)| gone as f64 / all as f64);
        assert!(share("attack") >= 0.95, "{mix}: {counts:?}");
        assert!(share("benign") <= 0.002, "{mix}: {counts:?}");
        // Of what else came to an attacked host whose own packets were never seen, two in a hundred.
        assert!(share("background") <= 0.02, "{mix}: {counts:?}");
    }
}

#[test]
fn scanners_among_real_traffic_end_badly() {
    let Some(corpus) = corpus() else { return };
    let capture = corpus.join("mix/mix_scan_dnstunnel.pcap");
    let outcome = replay(&ingress(), &[], &[capture]);
    for scanner in ["192.168.1.71", "192.168.1.109"] {
        let source = outcome.source(scanner);
        let band = source["band"].as_str().unwrap();
        assert!(["poor", "malicious"].contains(&band), "{source:#}");
    }
}

/// Scans of all kinds at three rates, beside wanted traffic.
fn scans(seed: u64, rate: f64, directory: &Path) -> (PathBuf, PathBuf) {
    let probes = 240;
    let mut plan = Preset::Benign.plan(seed);
    plan.duration_us = (10.0e6 + 1e6 * f64::from(probes) / rate) as u64 + 15_000_000;
    let shapes = [
        (Kind::Horizontal, Proto::Tcp, 22),
        (Kind::Horizontal, Proto::Udp, 53),
        (Kind::Horizontal, Proto::Icmp, 1),
        (Kind::Vertical, Proto::Tcp, 1),
        (Kind::Vertical, Proto::Udp, 1),
    ];
    for (kind, proto, port) in shapes {
        let target = if proto == Proto::Udp { 53 } else { 10 };
        let start_us = 10_000_000;
        let scan = Scan { kind, proto, rate, probes, sources: 2, start_us, port, target, ..Scan::default() };
        plan.components.push(Component::Scan(scan));
    }
    let (pcap, tsv) = (directory.join("scan.pcap"), directory.join("scan.tsv"));
    let outputs = capture::Outputs {
        merged: Some(pcap.clone()),
        labels: Some(tsv.clone()),
        ..capture::Outputs::default()
    };
    capture::write(plan.events().unwrap(), &outputs).unwrap();
    (pcap, tsv)
}

#[test]
fn generated_scans_are_stopped_and_their_neighbours_are_not() {
    for seed in [9_101, 9_102, 9_103] {
        for rate in [3.0, 30.0, 300.0] {
            let directory = tempfile::tempdir().unwrap();
            let (pcap, tsv) = scans(seed, rate, directory.path());
            let judged = rows(&replay(&ingress(), &[], &[pcap]));
            let labelled = labels::read(&tsv).unwrap();
            assert_eq!(judged.len(), labelled.len());
            let (mut sent, mut stopped) = (BTreeMap::new(), BTreeMap::<String, u64>::new());
            let (mut benign, mut harmed) = (0u64, 0u64);
            for (row, label) in judged.iter().zip(&labelled) {
                let dropped = u64::from(row.verdict == "drop");
                if label.label == Label::Attack {
                    *sent.entry(label.attack.to_string()).or_default() += 1u64;
                    *stopped.entry(label.attack.to_string()).or_default() += dropped;
                } else {
                    benign += 1;
                    harmed += dropped;
                }
            }
            let (all, held) = (sent.values().sum::<u64>(), stopped.values().sum::<u64>());
            println!("seed {seed} rate {rate}/s: stopped {held} of {all}, harmed {harmed} of {benign}");
            for (attack, sent) in &sent {
                println!("  {attack:<28} {:>5} of {sent}", stopped[attack]);
            }
            assert!(held as f64 >= STOPPED_MIN * all as f64, "seed {seed} rate {rate}");
            assert!(harmed as f64 <= 0.001 * benign as f64, "seed {seed} rate {rate}");
        }
    }
}

#[test]
fn the_same_command_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let (pcap, _) = scans(77, 30.0, directory.path());
    let captures = [pcap];
    let (a, b) = (replay(&ingress(), &[], &captures), replay(&ingress(), &[], &captures));
    assert!(a.packets == b.packets && a.sources_text == b.sources_text);
}

#[test]
fn malformed_and_control_packets_are_told_apart() {
    let Some(corpus) = corpus() else { return };
    let judged: Vec<Row> = rows(&replay(
        &ingress(),
        &[],
        &[corpus.join("mix/mix_amplification.pcap"), corpus.join("mix/mix_synflood.pcap")],
    ));
    for row in &judged {
        assert_eq!(row.error.is_empty(), row.reason != row.error || row.verdict == "forward", "{row:?}");
        assert!(row.l3 != "arp" || row.verdict == "forward", "{row:?}");
    }
}
