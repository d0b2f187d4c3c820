//! `repute policy check`: every mistake in a config, without a server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use repute_model::RpzTrigger;
use repute_policy::{Checked, Config, Diagnostics, ZoneReport};
use serde_json::json;

use super::output::{Output, text};

/// Check a config file: every mistake at once, without a server
#[derive(Args, Debug)]
pub struct Check {
    /// The config, TOML
    file: PathBuf,
}

/// Runs the subcommand.
///
/// # Errors
/// A file that cannot be read; a config with mistakes, after they were printed.
pub fn run(check: &Check, output: Output) -> anyhow::Result<()> {
    let (name, toml) = read(&check.file)?;
    let outcome = Config::parse(&name, &toml);
    match (&outcome, output) {
        (Ok(checked), Output::Human) => text(&format!("{name}: no mistakes; {checked}\n{}", zones(checked)))?,
        (_, Output::Json) => text(&(serde_json::to_string_pretty(&as_json(&name, &outcome))? + "\n"))?,
        (Err(diagnostics), Output::Human) => complain(diagnostics),
    }
    if outcome.is_err() { bail!("{name} was not accepted") } else { Ok(()) }
}

/// A config file with the name that messages give it.
pub fn read(file: &PathBuf) -> anyhow::Result<(String, String)> {
    let name = file.display().to_string();
    let toml = std::fs::read_to_string(file).with_context(|| format!("{name}: cannot read the config"))?;
    Ok((name, toml))
}

/// Shows mistakes on standard error, in colour on a terminal.
pub fn complain(diagnostics: &Diagnostics) {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        eprintln!("{}\n", diagnostics.coloured());
    } else {
        eprintln!("{diagnostics}\n");
    }
}

/// What has become of the policy zones, and what of them is not enforced as it is written.
fn zones(checked: &Checked) -> String {
    let told = |zone: &ZoneReport| {
        let notes: String = zone.notes().iter().map(|note| format!("  {note}\n")).collect();
        format!("{zone}\n{notes}")
    };
    checked.zone_reports().iter().map(told).collect()
}

fn as_json(name: &str, outcome: &Result<Checked, Diagnostics>) -> serde_json::Value {
    match outcome {
        Ok(checked) => {
            let digest: String = checked.digest().iter().map(|byte| format!("{byte:02x}")).collect();
            let zones = checked.zone_reports().iter().map(|zone| {
                let rules =
                    RpzTrigger::ALL.iter().map(|trigger| (trigger.name(), zone.rules[trigger.index()]));
                let rules: BTreeMap<_, _> = rules.collect();
                json!({ "name": zone.name, "file": zone.file, "rules": rules, "notes": zone.notes() })
            });
            let zones: Vec<_> = zones.collect();
            json!({ "file": name, "ok": true, "digest": digest, "errors": [], "more": 0, "zones": zones })
        }
        Err(found) => {
            let errors = found.items().iter().map(|item| {
                let (line, column) = found.position(item);
                json!({ "line": line, "column": column, "message": item.message(), "help": item.way_out() })
            });
            json!({ "file": name, "ok": false, "errors": errors.collect::<Vec<_>>(), "more": found.more() })
        }
    }
}
