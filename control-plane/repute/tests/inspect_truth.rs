//! What the parser sees in real captures against what tshark saw, packet by packet and field by field.
//!
//! The material lies outside the repository, in the directory `REPUTE_CORPUS` (default `../shared/corpus`
//! beside the workspace); without it these tests say so and pass.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use repute::capture::{Capture, Link};
use repute::inspect::parse;
use repute_wire::{Columns, parse_ethernet, parse_ip, quoted};

const AGREEMENT_MIN: f64 = 0.998;

/// The columns compared, by their name in `Columns` and their position in the truth files.
const COMPARED: &[(&str, usize)] = &[
    ("l3", 6),
    ("src", 7),
    ("dst", 8),
    ("l4", 9),
    ("sport", 10),
    ("dport", 11),
    ("tcp_flags", 12),
    ("frag_off", 15),
    ("frag_more", 16),
];

fn corpus() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path =
        std::env::var_os("REPUTE_CORPUS").map_or_else(|| workspace.join("../shared/corpus"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no corpus at {} (set REPUTE_CORPUS)", path.display());
    None
}

/// Every capture as (category, file name, path), sorted.
fn captures(corpus: &Path) -> Vec<(String, String, PathBuf)> {
    let dirs = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut captures = Vec::new();
    let categories = [dirs(&corpus.join("pcap")), vec![corpus.join("mix")]].concat();
    for category in categories.iter().filter(|path| path.is_dir()) {
        for file in dirs(category).into_iter().filter(|file| !is_label(file)) {
            captures.push((name(category), name(&file), file));
        }
    }
    captures.sort();
    captures
}

fn is_label(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tsv" || extension == "gz")
}

/// One packet in the corpus' own words.
fn truth_row(line: &str) -> Vec<String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let mut row: Vec<String> = COMPARED.iter().map(|(_, at)| fields[*at].to_string()).collect();
    row[0] = match fields[6] {
        "ip" => "ipv4",
        "" => "other",
        other => other,
    }
    .to_string();
    row[3] = match (fields[6], fields[15], fields[9]) {
        ("" | "arp", ..) => "",
        (_, offset, _) if !matches!(offset, "" | "0") => "fragment",
        (_, _, known @ ("tcp" | "udp" | "icmp" | "icmpv6")) => known,
        _ => "other",
    }
    .to_string();
    row
}

/// The same packet in ours.
fn our_row(columns: &str) -> Vec<String> {
    let names: Vec<&str> = Columns::HEADER.split('\t').collect();
    let fields: Vec<&str> = columns.split('\t').collect();
    let field = |name: &str| fields[names.iter().position(|n| *n == name).unwrap()].to_string();
    COMPARED.iter().map(|(name, _)| field(name)).collect()
}

#[derive(Default)]
struct Tally {
    packets: u64,
    agreed: u64,
    first_difference: Option<String>,
}

impl Tally {
    fn share(&self) -> f64 {
        self.agreed as f64 / self.packets as f64
    }

    fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.agreed += other.agreed;
    }
}

fn compare(capture: &Path, truth: &Path) -> Tally {
    let mut tally = Tally::default();
    let lines = BufReader::new(MultiGzDecoder::new(File::open(truth).unwrap())).lines();
    let mut capture = Capture::open(capture).unwrap();
    for line in lines.skip(1) {
        let theirs = truth_row(&line.unwrap());
        let record = capture.next().unwrap();
        if record.is_some_and(|record| record.link != Link::Ethernet) {
            return Tally::default();
        }
        let ours = record.map(|record| our_row(&Columns(&parse(&record)).to_string()));
        tally.packets += 1;
        if ours.as_ref() == Some(&theirs) {
            tally.agreed += 1;
        } else {
            let difference = || format!("packet {}: {theirs:?}, not {ours:?}", tally.packets);
            tally.first_difference.get_or_insert_with(difference);
        }
    }
    let surplus = capture.next().unwrap().is_some();
    assert!(!surplus, "{}: more packets than tshark saw", truth.display());
    tally
}

#[test]
fn the_parser_agrees_with_tshark() {
    let Some(corpus) = corpus() else { return };
    let listed = fs::read_to_string(corpus.join("pcap/CROSSCHECK_DIFFERENCES.tsv")).unwrap();
    let listed: HashSet<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    let mut categories: BTreeMap<String, Tally> = BTreeMap::new();
    let mut differing = Vec::new();
    for (category, name, path) in captures(&corpus) {
        let truth = corpus.join(format!("truth/{category}/{name}.tsv.gz"));
        if listed.contains(format!("pcap/{category}/{name}").as_str()) || !truth.exists() {
            continue;
        }
        let tally = compare(&path, &truth);
        categories.entry(category).or_default().add(&tally);
        if tally.agreed < tally.packets {
            differing.push((tally.share(), name, tally));
        }
    }
    differing.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (share, name, tally) in differing.iter().take(12) {
        let difference = tally.first_difference.as_deref().unwrap_or_default();
        println!("{:6.2} % of {:6} {name}: {difference}", share * 100.0, tally.packets);
    }
    for (category, tally) in &categories {
        println!("{:7.3} % of {:6} packets agree in {category}", tally.share() * 100.0, tally.packets);
    }
    assert!(categories.len() > 5);
    assert!(categories.values().all(|tally| tally.share() >= AGREEMENT_MIN));
}

#[test]
fn benign_packets_are_not_malformed() {
    let Some(corpus) = corpus() else { return };
    let labels = fs::read_to_string(corpus.join("labels/PCAP_LABELS.tsv")).unwrap();
    let benign = labels.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let file = fields.next()?;
        (fields.next() == Some("benign")).then_some(file)
    });
    let (mut packets, mut malformed) = (0_u64, BTreeMap::new());
    for file in benign {
        let Ok(mut capture) = Capture::open(corpus.join(file)) else { continue };
        while let Ok(Some(record)) = capture.next() {
            packets += 1;
            if let Some(reason) = parse(&record).error {
                *malformed.entry((reason, file)).or_insert(0_u64) += 1;
            }
        }
    }
    for ((reason, file), count) in &malformed {
        println!("{count:5} {reason} in {file}");
    }
    let total: u64 = malformed.values().sum();
    println!("{total} of {packets} benign packets are malformed");
    assert!(packets > 10_000);
    assert!((total as f64) < packets as f64 * 0.005);
}

/// Every packet cut at every length, as a short capture and as a short packet: no panic, and a cut alone is
/// never an error of the packet.
#[test]
fn any_prefix_of_any_packet_parses() {
    let Some(corpus) = corpus() else { return };
    let mut seen = HashSet::new();
    for (_, name, path) in captures(&corpus) {
        let Ok(mut capture) = Capture::open(&path) else { continue };
        while let Ok(Some(record)) = capture.next() {
            let headers = &record.data[..record.data.len().min(192)];
            if !seen.insert(headers.to_vec()) {
                continue;
            }
            let whole = parse(&record);
            let read = match record.link {
                Link::Ethernet => parse_ethernet,
                Link::RawIp => parse_ip,
            };
            for len in 0..=headers.len() {
                let cut = read(&headers[..len], record.wire_len.max(record.data.len() as u32));
                assert!(cut.error.is_none() || cut.error == whole.error, "{name}: {cut:?}");
                quoted(&headers[..len], &cut);
                let short = read(&headers[..len], 0);
                quoted(&headers[..len], &short);
            }
        }
    }
    assert!(seen.len() > 10_000);
}
