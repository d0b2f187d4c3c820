//! The text as a whole, and what no label value can do to it.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{file, sample};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use repute_metrics::{BoxSnapshot, EventSink, FeedSnapshot, Format, LABEL_MAX, LIST_MAX, render};

/// Compares with a file; `REPUTE_BLESS=1` writes it.
fn expect_golden(name: &str, text: &str) {
    let path = file("control-plane/metrics/tests/golden").join(name);
    if std::env::var_os("REPUTE_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
}

#[test]
fn the_text_is_what_it_was() {
    expect_golden("box.openmetrics.txt", &render(&sample(), Format::OpenMetrics));
    expect_golden("box.classic.txt", &render(&sample(), Format::Classic));
}

/// A sample: its name, labels and value.
type Sample = (String, BTreeMap<String, String>, String);

/// Reads one sample as the format defines it.
fn read(line: &str) -> Option<Sample> {
    let Some((name, mut rest)) = line.split_once('{') else {
        let (name, value) = line.split_once(' ')?;
        return Some((name.to_owned(), BTreeMap::new(), value.to_owned()));
    };
    let mut labels = BTreeMap::new();
    loop {
        let (label, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    letter @ ('\\' | '"') => letter,
                    _ => return None,
                }),
                (_, letter) => value.push(letter),
            }
        };
        labels.insert(label.to_owned(), value);
        rest = &quoted[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Some((name.to_owned(), labels, rest.strip_prefix("} ")?.to_owned())),
        }
    }
}

fn samples(text: &str) -> Vec<Sample> {
    let lines = text.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| read(line).unwrap_or_else(|| panic!("no sample: {line:?}"))).collect()
}

#[test]
fn label_values_come_back_and_break_nothing() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[47; 32]);
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    let name = prop_oneof![any::<String>(), "[\\\\\"\n{}=, #]{0,20}"];
    TestRunner::new_with_rng(config, rng)
        .run(&(name, any::<bool>()), |(name, open)| {
            let sinks = vec![EventSink { name: name.clone(), sent: 7, ..EventSink::default() }];
            let text = render(
                &BoxSnapshot { sinks, ..BoxSnapshot::default() },
                if open { Format::OpenMetrics } else { Format::Classic },
            );
            let found = samples(&text);
            let sent = found.iter().find(|(name, ..)| name == "repute_events_sent_total").unwrap();
            let expected: String = name.chars().take(LABEL_MAX).collect();
            assert_eq!(sent.1["sink"], expected);
            assert_eq!(sent.2, "7");
            Ok(())
        })
        .unwrap();
}

#[test]
fn no_series_comes_twice_and_long_lists_are_cut() {
    let feed = |name: String| FeedSnapshot { name, entries: 1, ..FeedSnapshot::default() };
    let mut snapshot = sample();
    snapshot.feeds = (0..LIST_MAX + 50).map(|i| feed(i.to_string())).collect();
    snapshot.sinks.push(snapshot.sinks[0].clone());
    snapshot.inputs[0].name = "x".repeat(LABEL_MAX);
    snapshot.inputs.push(snapshot.inputs[0].clone());
    snapshot.inputs[1].name.push('y');
    let found = samples(&render(&snapshot, Format::OpenMetrics));
    let series: BTreeSet<_> = found.iter().map(|(name, labels, _)| (name, labels)).collect();
    assert_eq!(series.len(), found.len());
    let left_out = found.iter().find(|(name, ..)| name == "repute_metrics_left_out_elements").unwrap();
    assert_eq!(left_out.2, "52.0");
}

#[test]
fn lost_packets_show() {
    let imbalances = |snapshot: &BoxSnapshot| -> Vec<String> {
        let found = samples(&render(snapshot, Format::Classic)).into_iter();
        found
            .filter(|(name, ..)| name == "repute_conservation_imbalance_packets")
            .filter(|(.., value)| value != "0.0")
            .map(|(_, labels, value)| format!("{} {} {value}", labels["port"], labels["identity"]))
            .collect()
    };
    let mut snapshot = sample();
    assert_eq!(imbalances(&snapshot), [""; 0]);
    snapshot.workers[1].ports[0].received += 2;
    snapshot.workers[1].ports[1].offered -= 1;
    assert_eq!(imbalances(&snapshot), ["outside in 2.0", "inside out -1.0", "all between 1.0"]);
}

#[test]
fn nothing_known_is_nothing_said() {
    let text = render(&BoxSnapshot::default(), Format::OpenMetrics);
    assert!(!text.contains("repute_start_time_seconds 0") && !text.contains("repute_store_file_bytes 0"));
    assert!(text.ends_with("# EOF\n"));
}
