//! `repute policy check`: every mistake in a config, without a server.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use repute_policy::{Checked, Config, Diagnostics};
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
        (Ok(checked), Output::Human) => text(&format!("{name}: no mistakes; {checked}\n"))?,
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

fn as_json(name: &str, outcome: &Result<Checked, Diagnostics>) -> serde_json::Value {
    match outcome {
        Ok(checked) => {
            let digest: String = checked.digest().iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "file": name, "ok": true, "digest": digest, "errors": [], "more": 0 })
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
