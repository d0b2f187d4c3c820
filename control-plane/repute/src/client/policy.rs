//! `repute policy`: the config that changes while packets flow.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use repute_policy::Config;
use repute_proto::v1;
use repute_proto::v1::diff_request::To;

use super::connect::{Connection, refused};
use super::output::{Output, text};
use super::policy_check::{Check, complain, read};
use super::table::Table;
use super::units::{ms_ago, ms_until, span};

/// Check, apply, compare and roll back policies
#[derive(Subcommand, Debug)]
pub enum Policy {
    Check(Check),
    Apply(Apply),
    /// Keep a policy that was applied with --confirm-within
    Confirm {
        /// The version that waits [default: whichever waits]
        version: Option<u64>,
    },
    /// Print the text of a version
    Show {
        /// The version [default: the one in force]
        version: Option<u64>,
    },
    /// List the versions that are kept, the latest first
    History {
        /// Versions at most
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    Rollback(Rollback),
    Diff(Diff),
}

/// Put a config file in force on every worker
#[derive(Args, Debug)]
pub struct Apply {
    /// The config, TOML
    file: PathBuf,
    #[command(flatten)]
    guard: Guard,
}

/// Bring an older version back
#[derive(Args, Debug)]
pub struct Rollback {
    /// The version [default: the one before the one in force]
    version: Option<u64>,
    #[command(flatten)]
    guard: Guard,
}

/// What keeps a change from doing harm.
#[derive(Args, Debug)]
struct Guard {
    /// Only if this version is in force
    #[arg(long, value_name = "VERSION")]
    expect: Option<u64>,
    /// Go back by itself unless `repute policy confirm` comes within this time (60s, 5m, 1h)
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    confirm_within: Option<u32>,
}

/// Show what changes from one version to another, or to a file
#[derive(Args, Debug)]
pub struct Diff {
    /// The newer side: a config file
    #[arg(required_unless_present = "to")]
    file: Option<PathBuf>,
    /// The newer side: a version
    #[arg(long, value_name = "VERSION", conflicts_with = "file")]
    to: Option<u64>,
    /// The older side [default: the version in force]
    #[arg(long, value_name = "VERSION", default_value_t = 0, hide_default_value = true)]
    from: u64,
}

/// Reads `60s`, `5m`, `1h` or plain seconds, at most a day.
fn seconds(text: &str) -> Result<u32, String> {
    let expected = || format!("`{text}` is no time from 1s to 24h; expected such as 60s, 5m or 1h");
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(expected()),
    };
    let seconds = digits.parse::<u32>().ok().and_then(|number| number.checked_mul(factor));
    seconds.filter(|seconds| (1..=86_400).contains(seconds)).ok_or_else(expected)
}

/// Runs the subcommand; `check` is offline and not for here.
pub async fn run(args: Policy, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let mut client = connection.policies();
    match args {
        Policy::Check(check) => super::policy_check::run(&check, output),
        Policy::Apply(args) => apply(args, connection, output).await,
        Policy::Confirm { version } => {
            let asked = v1::ConfirmRequest { version: version.unwrap_or(0) };
            let kept = client.confirm(asked).await.map_err(refused)?.into_inner();
            output.one(&kept, |kept| format!("version {} stays\n", kept.version))
        }
        Policy::Show { version } => {
            let asked = v1::ShowRequest { version: version.unwrap_or(0) };
            let shown = client.show(asked).await.map_err(refused)?.into_inner();
            output.one(&shown, |shown| shown.text.clone())
        }
        Policy::History { limit } => {
            let asked = v1::HistoryRequest { max: limit };
            let history = client.history(asked).await.map_err(refused)?.into_inner();
            output.one(&history, |history| versions(&history.versions).render())
        }
        Policy::Rollback(args) => {
            let asked = v1::RollbackRequest {
                version: args.version.unwrap_or(0),
                expected_version: args.guard.expect,
                confirm_within_s: args.guard.confirm_within.unwrap_or(0),
                who: who(),
            };
            finish(&client.rollback(asked).await.map_err(refused)?.into_inner(), output)
        }
        Policy::Diff(args) => diff(args, connection, output).await,
    }
}

async fn apply(args: Apply, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let (name, toml) = read(&args.file)?;
    // Here the mistakes can be shown in full.
    if let Err(diagnostics) = Config::parse(&name, &toml) {
        complain(&diagnostics);
        bail!("{name} was not accepted; nothing was changed");
    }
    let asked = v1::ApplyRequest {
        text: toml,
        name,
        expected_version: args.guard.expect,
        confirm_within_s: args.guard.confirm_within.unwrap_or(0),
        who: who(),
    };
    finish(&connection.policies().apply(asked).await.map_err(refused)?.into_inner(), output)
}

/// Reports a change; a worker that lags is a failure to be seen by scripts.
fn finish(applied: &v1::Applied, output: Output) -> anyhow::Result<()> {
    output.one(applied, outcome)?;
    if applied.lagging.is_empty() {
        return Ok(());
    }
    let lagging: Vec<_> = applied.lagging.iter().map(u32::to_string).collect();
    bail!(
        "version {} is not yet on worker {} of {}: it will take it with its next breath; see `repute status`",
        applied.version,
        lagging.join(", "),
        applied.workers
    )
}

fn outcome(applied: &v1::Applied) -> String {
    if applied.unchanged {
        return format!("nothing changes: version {} means the same\n", applied.version);
    }
    let mut text = lines(&applied.changes);
    if applied.lagging.is_empty() {
        text.push_str(&format!("version {} is in force on every worker\n", applied.version));
    }
    if let Some(until) = applied.confirm_until_unix_ms {
        let left = span(ms_until(until));
        text.push_str(&format!("it goes away in {left} unless you run `repute policy confirm`\n"));
    }
    text
}

async fn diff(args: Diff, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let (name, to) = match (args.file, args.to) {
        (Some(file), _) => {
            let (name, toml) = read(&file)?;
            (name, To::ToText(toml))
        }
        (None, version) => (String::new(), To::ToVersion(version.unwrap_or(0))),
    };
    let asked = v1::DiffRequest { from_version: args.from, to: Some(to), name };
    let differ = connection.policies().diff(asked).await.map_err(refused)?.into_inner();
    if output == Output::Human && differ.changes.is_empty() {
        return text("both mean the same\n");
    }
    output.one(&differ, |differ| lines(&differ.changes))
}

fn lines(changes: &[v1::Change]) -> String {
    changes.iter().map(|change| line(change) + "\n").collect()
}

fn line(change: &v1::Change) -> String {
    let restart = if change.restart { " (needs a restart)" } else { "" };
    let path = &change.path;
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("~ {path}: {before} -> {after}{restart}"),
        (None, Some(after)) => format!("+ {path}: {after}{restart}"),
        (Some(before), None) => format!("- {path}: {before}{restart}"),
        (None, None) => format!("~ {path}{restart}"),
    }
}

fn versions(versions: &[v1::PolicyVersion]) -> Table {
    let mut table = Table::new([">VERSION", "<STATE", ">AGE", "<WHO", "<NAME", "<DIGEST"]);
    for info in versions {
        let name = match info.restores {
            Some(version) => format!("{} (version {version})", info.name),
            None => info.name.clone(),
        };
        table.row([
            info.version.into(),
            info.state().name().into(),
            span(ms_ago(info.applied_unix_ms)).into(),
            (&info.who).into(),
            name.into(),
            info.digest.get(..12).unwrap_or(&info.digest).into(),
        ]);
    }
    table
}

/// Who asks, for the history.
fn who() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    user.filter(|user| !user.is_empty()).unwrap_or_else(|| "command line".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_units() {
        for (text, s) in [("60s", 60), ("5m", 300), ("24h", 86_400), ("90", 90)] {
            assert_eq!(seconds(text), Ok(s));
        }
        for bad in ["", "0s", "25h", "1d", "-1s", "5mm", "99999999999h"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
