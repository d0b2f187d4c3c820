//! Alerts and dashboard ask for what is exported, and Prometheus's own tool likes all of it.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use common::{file, sample};
use repute_metrics::{Format, render};

/// Names of series that the sample exports.
fn exported() -> BTreeSet<String> {
    let text = render(&sample(), Format::OpenMetrics);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
}

/// Everything in a text that looks like one of our metrics.
fn mentioned(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !is_name(c));
    words.filter(|word| word.starts_with("repute_")).map(str::to_owned).collect()
}

#[test]
fn only_what_is_exported_is_asked_for() {
    let exported = exported();
    for path in
        ["configs/prometheus/alerts.yml", "configs/prometheus/alerts_test.yml", "configs/grafana/repute.json"]
    {
        let asked = mentioned(&std::fs::read_to_string(file(path)).unwrap());
        assert!(asked.len() > 3, "{path}");
        let unknown: Vec<_> = asked.difference(&exported).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
}

#[test]
fn the_dashboard_is_whole() {
    let text = std::fs::read_to_string(file("configs/grafana/repute.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        let place = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        let [x, y, width, height] = place;
        assert!(x + width <= 24, "{title}");
        let cells = (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y)));
        cells.for_each(|cell| assert!(taken.insert(cell), "{title} covers another panel"));
        if panel["type"] != "row" {
            let targets = panel["targets"].as_array().unwrap();
            assert!(targets.iter().all(|target| !target["expr"].as_str().unwrap().is_empty()), "{title}");
            assert!(!panel["description"].as_str().unwrap().is_empty(), "{title}");
        }
    }
}

#[test]
fn every_metric_has_help_and_a_proper_name() {
    let text = render(&sample(), Format::Classic);
    for line in text.lines().filter(|line| line.starts_with("# HELP ")) {
        let mut words = line.splitn(4, ' ').skip(2);
        let (name, help) = (words.next().unwrap(), words.next().unwrap());
        assert!(name.starts_with("repute_") && help.ends_with('.') && help.len() > 9, "{line}");
    }
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let is_counter = line.ends_with(" counter");
        assert_eq!(is_counter, line.contains("_total "), "{line}");
        assert!(!line.contains("_ms") && !line.contains("_ns") && !line.contains("_total_total"), "{line}");
    }
}

/// Runs promtool with a text on its standard input; `None` where there is none.
fn promtool(arguments: &[&str], input: &str) -> Option<(bool, String)> {
    let mut run = Command::new("promtool");
    run.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    run.current_dir(file("configs/prometheus"));
    let Ok(mut child) = run.spawn() else {
        println!("skipped: there is no promtool (Debian package prometheus)");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Some((output.status.success(), text))
}

#[test]
fn promtool_finds_nothing_in_the_metrics() {
    if let Some((is_well, said)) = promtool(&["check", "metrics"], &render(&sample(), Format::Classic)) {
        assert!(is_well && said.is_empty(), "{said}");
    }
}

#[test]
fn promtool_finds_nothing_in_the_configs() {
    for arguments in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts_test.yml"],
        ["check", "config", "prometheus.yml"],
    ] {
        if let Some((is_well, said)) = promtool(&arguments, "") {
            assert!(is_well, "{said}");
        }
    }
}
