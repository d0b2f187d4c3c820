//! The engine over DPDK on capture time gives the verdicts of a replay, to the byte.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use repute::replay::{self, Replay};
use repute_traffic::{Preset, capture};

const CONFIG: &str = r#"
inside = ["203.0.113.0/24", "2001:db8:1::/64"]
[ports.wire]
role = "both"
[profiles.ingress]
"#;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    replay: Replay,
}

fn generate(directory: &Path) -> PathBuf {
    let merged = directory.join("all.pcap");
    let mut plan = Preset::Demo.plan(7);
    plan.duration_us = 35_000_000;
    let outputs = capture::Outputs { merged: Some(merged.clone()), ..capture::Outputs::default() };
    capture::write(plan.events().unwrap(), &outputs).unwrap();
    merged
}

#[test]
fn dpdk_on_capture_time_is_a_replay() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let merged = generate(directory.path());
    std::fs::write(at("both.toml"), CONFIG).unwrap();
    let device = format!("wire=net_pcap0,rx_pcap={},tx_pcap={}", merged.display(), at("out.pcap").display());
    let live = Command::new(env!("CARGO_BIN_EXE_reputed"))
        .arg("run")
        .arg(at("both.toml"))
        .args(["--port", &device, "--clock", "capture", "--huge-pages", "none", "--socket"])
        .arg(at("api.sock"))
        .arg("--packets")
        .arg(at("live.tsv"))
        .arg("--account")
        .arg(at("account.json"))
        .output()
        .unwrap();
    assert!(live.status.success(), "{}", String::from_utf8_lossy(&live.stderr));

    let text = |path: PathBuf| path.display().to_string();
    let cli = Cli::parse_from([
        "replay",
        "--config",
        &text(at("both.toml")),
        "--inside",
        "203.0.113.0/24,2001:db8:1::/64",
        "--packets",
        &text(at("replay.tsv")),
        &text(merged),
    ]);
    replay::run(&cli.replay).unwrap();

    let (live, replayed) = (std::fs::read(at("live.tsv")).unwrap(), std::fs::read(at("replay.tsv")).unwrap());
    assert!(live.len() > 1_000_000, "only {} bytes of verdicts", live.len());
    assert!(String::from_utf8_lossy(&live).contains("\tdrop\tstanding\tmalicious"), "nothing was judged");
    assert!(live == replayed, "the verdicts differ");

    let account: serde_json::Value =
        serde_json::from_slice(&std::fs::read(at("account.json")).unwrap()).unwrap();
    assert_eq!(account["conserved"], true, "{account:#}");
    assert_eq!(account["ports"][0]["received"], account["ports"][0]["driver"]["received"]);
    assert!(!at("api.sock").exists(), "the socket was left over");
}
