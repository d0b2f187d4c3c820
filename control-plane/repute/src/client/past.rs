//! `repute explain SOURCE --history` and `--at TIME`: what was explained before.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use repute_proto::v1;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::table::{Cell, Table};
use super::units::{brief, measured, ms_ago};

/// Which part of the past.
#[derive(Args, Debug)]
pub struct Past {
    /// Explain how it stood then: a time such as 2026-01-31T23:59:00Z, or 10m, 2h, 3d ago
    #[arg(long, value_name = "TIME", conflicts_with = "history")]
    at: Option<Moment>,
    /// List every change of its limits that is kept, the latest first
    #[arg(long)]
    history: bool,
}

/// A point in time, in ms since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Moment(u64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        at(text, now).ok_or_else(|| {
            "expected a time such as 2026-01-31T23:59:00Z, or how long ago: 90s, 10m, 2h, 3d".to_owned()
        })
    }
}

fn at(text: &str, now: Duration) -> Option<Moment> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return u64::try_from(time.as_millisecond()).ok().map(Moment);
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let ago = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?);
    u64::try_from(now.saturating_sub(ago).as_millis()).ok().map(Moment)
}

impl Past {
    /// Whether the past is meant at all.
    pub fn is_asked_for(&self) -> bool {
        self.history || self.at.is_some()
    }
}

/// Prints what was kept.
pub async fn run(past: &Past, source: &str, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let asked = v1::ScoreHistoryRequest {
        source: source.to_owned(),
        from_unix_ms: 0,
        to_unix_ms: past.at.map(|Moment(at)| at),
        max: u32::from(past.at.is_some()),
    };
    let found = connection.scores().history(asked).await.map_err(refused)?.into_inner().explanations;
    match (past.at, found.first()) {
        (Some(_), Some(one)) => output.one(one, human),
        (Some(_), None) => bail!("nothing is kept about {source} from that time or before; see --history"),
        (None, _) if output == Output::Json => found.iter().try_for_each(json_line),
        (None, None) => text("nothing is kept: it was never limited within the retention time\n"),
        (None, _) => text(&table(&found).render()),
    }
}

fn human(one: &v1::PastExplanation) -> String {
    let head = format!(
        "{} was {} (score {} of 10000) {} ago: {}, by policy version {}.\n\n",
        one.source,
        one.band().name(),
        one.score,
        brief(ms_ago(one.at_unix_ms)),
        one.treatment,
        one.policy_version
    );
    let mut table = Table::new(["<FACTOR", ">VALUE", ">WEIGHT", ">PART"]);
    for term in &one.terms {
        let [value, weight, part] = [term.value, term.weight, term.part].map(measured);
        table.row([term.factor.clone(), value, weight, part].map(Cell::from));
    }
    head + &table.render()
}

fn table(found: &[v1::PastExplanation]) -> Table {
    let mut table = Table::new([">AGO", "<BAND", ">SCORE", "<TREATMENT", "<BECAUSE"]);
    for one in found {
        let causes = one.terms.iter().filter(|term| term.part > 0.0).take(3);
        let because: Vec<_> = causes.map(|term| term.factor.as_str()).collect();
        table.row([
            brief(ms_ago(one.at_unix_ms)).into(),
            Cell::band(one.band()),
            one.score.into(),
            (&one.treatment).into(),
            because.join(", ").into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_ago() {
        let now = Duration::from_secs(1_000_000);
        for (text, ms) in [
            ("1970-01-02T00:00:00Z", Some(86_400_000)),
            ("1970-01-02T01:00:00.5+01:00", Some(86_400_500)),
            ("90s", Some(999_910_000)),
            ("10m", Some(999_400_000)),
            ("2h", Some(992_800_000)),
            ("3d", Some(740_800_000)),
            ("999d", Some(0)),
            ("", None),
            ("m", None),
            ("-1m", None),
            ("yesterday", None),
            ("99999999999999999999d", None),
            ("1ü", None),
        ] {
            assert_eq!(at(text, now), ms.map(Moment), "{text}");
        }
    }
}
