//! What a run found: one object for machines, one table for people.
//!
//! Written to `target/bench/report.json` by `main`. What always holds: a row that could not be measured is there
//! with its reason and is not ok, and a reference that was not measured in the run never makes a row ok.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::row::{Better, Outcome, Row};

/// A run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// CPU, memory, kernel.
    pub machine: String,
    /// Of the working tree; `+` = with changes.
    pub commit: String,
    /// What libdpdk calls itself.
    pub dpdk: String,
    /// The command line.
    pub command: String,
    /// In the order of the table.
    pub rows: Vec<Line>,
}

/// One row of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    /// Such as "B3".
    pub id: String,
    /// What was done.
    pub workload: String,
    /// Ours, in [`Line::unit`].
    pub ours: Option<f64>,
    /// What it is compared with, in the same unit.
    pub reference: Option<f64>,
    /// How many times faster than the reference ours is.
    pub ratio: Option<f64>,
    /// The least acceptable: of the ratio, or of ours where there is no reference.
    pub floor: Option<f64>,
    /// What beats everybody.
    pub aim: Option<f64>,
    /// Of ours and reference.
    pub unit: String,
    /// 10th and 90th percentile of what the floor is about.
    pub spread: Option<[f64; 2]>,
    /// The reference is from another run, elsewhere.
    pub derived: bool,
    /// The floor is met, or there is none.
    pub ok: bool,
    /// Whether the aim is met.
    pub aim_met: bool,
    /// What else there is to say, or why there is no number.
    pub note: String,
}

impl Line {
    /// The line of a row that was measured, or of one that could not be.
    pub fn new(row: &Row, outcome: anyhow::Result<Outcome>) -> Self {
        let mut line = Self {
            id: row.id.to_owned(),
            workload: row.workload.to_owned(),
            ours: None,
            reference: None,
            ratio: None,
            floor: row.floor,
            aim: row.aim,
            unit: row.unit.to_owned(),
            spread: None,
            derived: false,
            ok: false,
            aim_met: false,
            note: String::new(),
        };
        match outcome {
            Ok(outcome) => line.fill(row, outcome),
            Err(error) => line.note = format!("not available: {error:#}"),
        }
        line
    }

    fn fill(&mut self, row: &Row, outcome: Outcome) {
        let judged = outcome.ratio.map_or(outcome.ours, |ratio| ratio.median);
        let reaches = |bound: Option<f64>| match (bound, row.better) {
            (None, _) => true,
            (Some(bound), Better::More) => judged >= bound,
            (Some(bound), Better::Less) => judged <= bound,
        };
        self.ours = Some(outcome.ours);
        self.reference = outcome.reference;
        self.ratio = outcome.ratio.map(|ratio| ratio.median);
        self.spread = outcome.ratio.or(outcome.spread).map(|spread| [spread.low, spread.high]);
        self.derived = outcome.derived;
        self.ok = row.floor.is_none() || (reaches(row.floor) && !outcome.derived);
        self.aim_met = reaches(row.aim) && !outcome.derived;
        self.note = outcome.note;
    }

    /// "ok", "below the floor", "no number".
    pub fn state(&self) -> &'static str {
        match (self.ok, self.aim_met, self.floor, self.ours) {
            (_, _, _, None) => "NOT RUN",
            (false, ..) => "BELOW FLOOR",
            (_, true, Some(_), _) => "aim met",
            (_, _, None, _) => "reported",
            _ => "ok",
        }
    }
}

impl Report {
    /// Whether every row is ok.
    pub fn is_ok(&self) -> bool {
        self.rows.iter().all(|line| line.ok)
    }
}

/// A number for people: as many digits as mean something, `-` for none.
pub fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\ncommit {}, {}, {}\n", self.machine, self.commit, self.dpdk, self.command)?;
        writeln!(
            f,
            "{:5} {:54} {:>8} {:>8} {:13} {:>6} {:>13} {:>6} {:>6}  state",
            "row", "workload", "ours", "ref", "unit", "ratio", "p10..p90", "floor", "aim"
        )?;
        for line in &self.rows {
            let spread = line.spread.map_or("-".to_owned(), |[low, high]| {
                format!("{}..{}", number(Some(low)), number(Some(high)))
            });
            writeln!(
                f,
                "{:5} {:54} {:>8} {:>8} {:13} {:>6} {:>13} {:>6} {:>6}  {}",
                line.id,
                line.workload,
                number(line.ours),
                number(line.reference),
                line.unit,
                number(line.ratio),
                spread,
                number(line.floor),
                number(line.aim),
                line.state()
            )?;
            if !line.note.is_empty() {
                writeln!(f, "      {}", line.note)?;
            }
        }
        Ok(())
    }
}
