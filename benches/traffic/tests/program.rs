//! The program as a user runs it: determinism of its files, consistency between them, messages, exit status.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails its test")]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
};

use assert_cmd::Command;
use pcap_file::pcap::{PcapReader, PcapWriter};
use repute_traffic::{digest, labels};
use tempfile::TempDir;

fn program(arguments: &[&str], directory: &Path) -> std::process::Output {
    Command::cargo_bin("repute-traffic").unwrap().args(arguments).current_dir(directory).output().unwrap()
}

fn generate(seed: &str, directory: &Path) {
    let arguments = [
        "generate",
        "--seed",
        seed,
        "--duration",
        "5s",
        "--benign",
        "clients=20",
        "--quic",
        "none",
        "--scan",
        "rate=100,probes=200,start=1s",
        "--scan",
        "kind=vertical,rate=200,probes=300,start=2s",
        "--syn-flood",
        "rate=200,start=3s,duration=1s",
        "--out",
        "all.pcap",
        "--outside",
        "outside.pcap",
        "--inside",
        "inside.pcap",
        "--labels",
        "labels.tsv",
        "--sources",
        "sources.tsv",
    ];
    let output = program(&arguments, directory);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn frames(path: &Path) -> Vec<(u128, Vec<u8>)> {
    let mut reader = PcapReader::new(File::open(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.unwrap();
        frames.push((packet.timestamp.as_micros(), packet.data.into_owned()));
    }
    frames
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let [first, again, other] = [TempDir::new(), TempDir::new(), TempDir::new()].map(Result::unwrap);
    generate("4", first.path());
    generate("4", again.path());
    generate("5", other.path());
    for file in ["all.pcap", "outside.pcap", "inside.pcap", "labels.tsv", "sources.tsv"] {
        let read = |directory: &TempDir| fs::read(directory.path().join(file)).unwrap();
        assert!(read(&first) == read(&again), "{file} differs between two runs of one seed");
        assert!(read(&first) != read(&other), "{file} is the same for two seeds");
    }
}

#[test]
fn labels_captures_and_sources_tell_one_story() {
    let directory = TempDir::new().unwrap();
    generate("4", directory.path());
    let path = |name: &str| directory.path().join(name);
    let all = frames(&path("all.pcap"));
    let table = labels::read(&path("labels.tsv")).unwrap();
    assert_eq!(all.len(), table.len());
    assert!(all.iter().zip(&table).all(|((_, frame), label)| digest(frame) == label.digest));
    assert!(all[0].0 >= 1_700_000_000_000_000 && all.is_sorted_by_key(|(time, _)| *time));
    let mut ports = [frames(&path("outside.pcap")), frames(&path("inside.pcap"))].concat();
    ports.sort();
    let mut merged = all.clone();
    merged.sort();
    assert!(ports == merged, "both ports together are the merged capture");
    let text = fs::read_to_string(path("labels.tsv")).unwrap();
    for (line, (time, _)) in text.lines().skip(1).zip(&all) {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields[1], format!("{}.{:06}", time / 1_000_000, time % 1_000_000));
    }
    sources_agree(&fs::read_to_string(path("sources.tsv")).unwrap(), &table);
}

fn sources_agree(text: &str, table: &[labels::Labelled]) {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for packet in table {
        *expected.entry(packet.src.to_string()).or_insert(0) += 1;
    }
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("src\tlabel\tpackets\tattack_packets\tbenign_packets\tattack"));
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(expected.remove(fields[0]), fields[2].parse().ok());
        assert_eq!(fields[1] == "attack", fields[3] != "0");
        assert_eq!(fields[1] == "attack", fields[5] != "-");
    }
    assert!(expected.is_empty(), "sources left out: {expected:?}");
}

/// Writes the packets of `all.pcap` that `keep` wants as a defence's output.
fn defend(directory: &Path, keep: impl Fn(usize) -> bool) {
    let mut reader = PcapReader::new(File::open(directory.join("all.pcap")).unwrap()).unwrap();
    let header = reader.header();
    let output = File::create(directory.join("passed.pcap")).unwrap();
    let mut writer = PcapWriter::with_header(output, header).unwrap();
    let mut index = 0;
    while let Some(packet) = reader.next_packet() {
        if keep(index) {
            writer.write_packet(&packet.unwrap()).unwrap();
        }
        index += 1;
    }
}

#[test]
fn score_passes_the_perfect_and_fails_the_absent_defence() {
    let directory = TempDir::new().unwrap();
    generate("4", directory.path());
    let table = labels::read(&directory.path().join("labels.tsv")).unwrap();
    let score = ["score", "--labels", "labels.tsv", "--forwarded", "passed.pcap", "-o", "json"];
    defend(directory.path(), |index| table[index].label != repute_traffic::event::Label::Attack);
    let perfect = program(&score, directory.path());
    assert_eq!(perfect.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&perfect.stdout).unwrap();
    assert_eq!(report["judgement"]["stopped"], 1.0);
    assert_eq!(report["judgement"]["harmed"], 0.0);
    assert_eq!(report["unknown"], 0);
    defend(directory.path(), |_| true);
    let absent = program(&score[..5], directory.path());
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stdout).contains("stopped 0.00 %"));
}

#[test]
fn bad_input_is_named_with_a_way_out() {
    let directory = TempDir::new().unwrap();
    let refused = |arguments: &[&str], words: &[&str]| {
        let output = program(arguments, directory.path());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text:?}");
        }
    };
    refused(&["generate"], &["--out", "required"]);
    refused(&["generate", "--out", "a", "--scan", "rate=0"], &["--scan rate=0: expected a rate", "0.01"]);
    refused(&["generate", "--out", "a", "--preset", "calm"], &["--preset", "calm", "demo, benign, scans"]);
    refused(&["generate", "--out", "a", "--duration", "60"], &["--duration", "60", "10s"]);
    refused(&["generate", "--out", "a", "--preset", "empty"], &["no component"]);
    refused(&["generate", "--out", "no/such/place.pcap"], &["cannot write no/such/place.pcap"]);
    refused(&["score", "--labels", "gone.tsv", "--forwarded", "x"], &["cannot read gone.tsv"]);
    fs::write(directory.path().join("t.tsv"), "hello\n").unwrap();
    refused(&["score", "--labels", "t.tsv", "--forwarded", "x"], &["t.tsv is no label table", "--labels"]);
    fs::write(directory.path().join("t.tsv"), format!("{}\n1\t2\n", repute_traffic::capture::LABELS_HEADER))
        .unwrap();
    refused(&["score", "--labels", "t.tsv", "--forwarded", "x"], &["t.tsv line 2: expected 8 fields"]);
    fs::write(directory.path().join("t.tsv"), format!("{}\n", repute_traffic::capture::LABELS_HEADER))
        .unwrap();
    refused(
        &["score", "--labels", "t.tsv", "--forwarded", "t.tsv"],
        &["cannot read capture t.tsv", "classic pcap"],
    );
}
