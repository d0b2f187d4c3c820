//! The models of E13 and P11, visible term by term in `replay --sources`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "each test file uses its part")]
mod common;

use std::path::{Path, PathBuf};

use common::{Outcome, replay};
use repute_traffic::{Component, Preset, attack::SynFlood, capture};

fn traffic(directory: &Path) -> PathBuf {
    let mut plan = Preset::Benign.plan(5);
    plan.duration_us = 20_000_000;
    plan.components.push(Component::SynFlood(SynFlood { start_us: 8_000_000, ..SynFlood::default() }));
    let pcap = directory.join("all.pcap");
    let outputs = capture::Outputs { merged: Some(pcap.clone()), ..capture::Outputs::default() };
    capture::write(plan.events().unwrap(), &outputs).unwrap();
    pcap
}

fn sources(config: &str) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.toml");
    std::fs::write(&path, config).unwrap();
    replay(&path, &["--inside", "203.0.113.0/24,2001:db8:1::/64"], &[traffic(directory.path())])
}

fn rows(outcome: &Outcome) -> Vec<serde_json::Value> {
    serde_json::from_str(&outcome.sources_text).unwrap()
}

fn terms(row: &serde_json::Value) -> Vec<(String, f64, f64)> {
    let factors = row["factors"].as_array().unwrap().iter();
    factors
        .map(|f| {
            let (value, weight) = (f["value"].as_f64().unwrap(), f["weight"].as_f64().unwrap());
            (f["name"].as_str().unwrap().to_owned(), value, weight)
        })
        .collect()
}

#[test]
fn e13_shows_its_four_terms() {
    let outcome = sources("[profiles.egress]\nmodel = \"egress-interval\"\nwindow = \"1s\"\n");
    let rows = rows(&outcome);
    let tracked: Vec<_> = rows.iter().filter(|row| row["tracked"] == true).collect();
    assert!(!tracked.is_empty());
    for row in tracked {
        assert_eq!(row["model"], "egress-interval");
        let terms = terms(row);
        let weights: Vec<_> = terms.iter().map(|(name, _, weight)| (name.as_str(), *weight)).collect();
        let formula =
            [("volume", 0.2), ("destination-reputation", 0.15), ("criticality", 0.15), ("history", 0.5)];
        assert_eq!(weights, formula);
        let history = terms[3].1;
        assert_eq!((history * 10_000.0).round(), row["score"].as_f64().unwrap(), "{row:#}");
    }
}

#[test]
fn p11_adds_points_and_ages_the_sum() {
    let outcome = sources("[profiles.ingress]\nmodel = \"suspicion\"\ndecay = 0.9\n");
    let rows = rows(&outcome);
    let worst = rows.iter().min_by_key(|row| row["score"].as_u64()).unwrap();
    assert_eq!(worst["model"], "suspicion");
    assert!(worst["verdicts"]["drop"].as_u64().unwrap() > 3_000, "{worst:#}");
    for row in &rows {
        let suspicion = row["suspicion"].as_f64().unwrap();
        let score = row["score"].as_f64().unwrap();
        assert!((suspicion - (100.0 - score / 100.0)).abs() < 1e-9);
        if row["tracked"] == false {
            let sum: f64 = terms(row).iter().map(|(_, value, weight)| value * weight).sum();
            assert!((suspicion - (sum * 0.9).clamp(0.0, 100.0)).abs() < 0.01, "{row:#}");
        }
    }
}
