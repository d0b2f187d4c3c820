//! Running `repute replay` and reading what it wrote.

use std::path::{Path, PathBuf};

use clap::Parser;
use repute::replay::{self, Replay};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    replay: Replay,
}

/// What a replay wrote.
pub struct Outcome {
    /// The packets file.
    pub packets: String,
    /// The sources file.
    pub sources_text: String,
    /// The crowds file.
    crowds_text: String,
}

impl Outcome {
    /// The crowds that entered a flood, with its kind.
    pub fn floods(&self) -> Vec<String> {
        let rows: Vec<serde_json::Value> = serde_json::from_str(&self.crowds_text).unwrap();
        let floods = rows.iter().filter(|row| row["to"] == "flood");
        floods
            .map(|row| format!("{} {}", row["crowd"].as_str().unwrap(), row["flood"].as_str().unwrap()))
            .collect()
    }

    /// The row of one source.
    pub fn source(&self, source: &str) -> serde_json::Value {
        let rows: Vec<serde_json::Value> = serde_json::from_str(&self.sources_text).unwrap();
        rows.into_iter().find(|row| row["source"] == source).unwrap_or_else(|| panic!("{source} is missing"))
    }
}

/// One line of the packets file, the columns that tests ask for.
#[derive(Debug)]
pub struct Row {
    /// Both ends of a flow.
    pub flow: [String; 4],
    pub l3: String,
    pub error: String,
    pub verdict: String,
    pub reason: String,
}

/// Where the corpus is, or a message that it is missing.
pub fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("REPUTE_CORPUS").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = named.unwrap_or_else(|| root.join("../shared/corpus"));
    let there = path.join("labels/PCAP_LABELS.tsv").exists();
    if !there {
        eprintln!("skipped: no corpus at {}; set REPUTE_CORPUS", path.display());
    }
    there.then_some(path)
}

/// The shipped ingress policy.
pub fn ingress() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/ingress.toml")
}

/// The shipped DNS policy.
pub fn dns() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/dns.toml")
}

/// Replays captures, each by a fresh engine.
pub fn replay(config: &Path, args: &[&str], captures: &[PathBuf]) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let (packets, sources) = (directory.path().join("p.tsv"), directory.path().join("s.json"));
    let text = |path: &Path| path.display().to_string();
    let mut line = vec!["replay".to_owned(), "--config".into(), text(config)];
    let crowds = directory.path().join("c.json");
    line.extend(["--crowds".into(), text(&crowds)]);
    line.extend(["--packets".into(), text(&packets), "--sources".into(), text(&sources)]);
    line.extend(args.iter().map(|arg| (*arg).to_owned()));
    line.extend(captures.iter().map(|capture| text(capture)));
    replay::run(&Cli::parse_from(line).replay).unwrap();
    let read = |path| std::fs::read_to_string(path).unwrap();
    Outcome { packets: read(packets), sources_text: read(sources), crowds_text: read(crowds) }
}

/// The packets file taken apart by its header.
pub fn rows(outcome: &Outcome) -> Vec<Row> {
    let mut lines = outcome.packets.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let [l3, error, verdict, reason] = ["l3", "error", "verdict", "reason"].map(column);
    let ends = ["src", "dst", "sport", "dport"].map(column);
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let field = |i: usize| fields[i].to_owned();
            let flow = ends.map(field);
            Row { flow, l3: field(l3), error: field(error), verdict: field(verdict), reason: field(reason) }
        })
        .collect()
}
