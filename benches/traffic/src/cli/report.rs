//! The score as a table for people or as JSON for programs.

use std::{
    error::Error,
    io::{self, Write},
};

use repute_traffic::score::{Count, Judgement, Score, Thresholds};
use serde_json::{Value, json};

/// Form of the report.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Form {
    /// A table.
    Human,
    /// One JSON object.
    Json,
}

/// Prints the report on standard output.
pub fn print(
    form: Form,
    score: &Score,
    thresholds: &Thresholds,
    judgement: &Judgement,
) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    match form {
        Form::Human => human(&mut out, score, thresholds, judgement)?,
        Form::Json => {
            serde_json::to_writer_pretty(&mut out, &document(score, thresholds, judgement))?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn human(
    out: &mut impl Write,
    score: &Score,
    thresholds: &Thresholds,
    judgement: &Judgement,
) -> io::Result<()> {
    writeln!(out, "{:<26} {:>9} {:>9} {:>9}", "label", "packets", "forwarded", "stopped")?;
    for (label, count) in &score.labels {
        row(out, &label.to_string(), count)?;
    }
    writeln!(out, "\n{:<26} {:>9} {:>9} {:>9}", "attack", "packets", "forwarded", "stopped")?;
    for (attack, count) in &score.attacks {
        row(out, attack, count)?;
    }
    let Thresholds { min_packets, min_stopped, max_harmed } = thresholds;
    let verdict = |holds| if holds { "ok" } else { "MISSED" };
    writeln!(
        out,
        "\nattack sources with more than {min_packets} packets: {}; stopped {:.2} % of their {} packets (at least {:.2} %: {}); {} of them alone below",
        judgement.judged_sources,
        100.0 * judgement.stopped,
        judgement.judged.packets,
        100.0 * min_stopped,
        verdict(judgement.stopped >= *min_stopped),
        judgement.sources_below,
    )?;
    writeln!(
        out,
        "benign packets missing: {:.3} % (at most {:.3} %: {}), from {} of {} clients",
        100.0 * judgement.harmed,
        100.0 * max_harmed,
        verdict(judgement.harmed <= *max_harmed),
        judgement.clients_harmed,
        score.clients.len(),
    )?;
    if score.unknown > 0 {
        writeln!(out, "unknown packets in the output (altered, invented or repeated): {}", score.unknown)?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, count: &Count) -> io::Result<()> {
    writeln!(out, "{name:<26} {:>9} {:>9} {:>7.2} %", count.packets, count.forwarded, 100.0 * count.stopped())
}

fn document(score: &Score, thresholds: &Thresholds, judgement: &Judgement) -> Value {
    let count = |count: &Count| json!({ "packets": count.packets, "forwarded": count.forwarded, "stopped": count.stopped() });
    let labels: serde_json::Map<String, Value> =
        score.labels.iter().map(|(label, of)| (label.to_string(), count(of))).collect();
    let attacks: serde_json::Map<String, Value> =
        score.attacks.iter().map(|(attack, of)| (attack.to_string(), count(of))).collect();
    json!({
        "labels": labels,
        "attacks": attacks,
        "unknown": score.unknown,
        "clients": score.clients.len(),
        "thresholds": thresholds,
        "judgement": judgement,
    })
}
