//! A row of the table: what is measured, against what, and what it must reach.

use crate::bench::Bench;
use crate::stats::Spread;

/// Which way a number is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Ratios of packets per second.
    More,
    /// Seconds, bytes, losses.
    Less,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Such as "B3".
    pub id: &'static str,
    /// What is done, and against what.
    pub workload: &'static str,
    /// The least acceptable; none: the number is only reported.
    pub floor: Option<f64>,
    /// What beats everybody.
    pub aim: Option<f64>,
    /// Of the two numbers compared.
    pub unit: &'static str,
    /// Of the ratio, or of ours where there is no reference.
    pub better: Better,
    /// Measures it.
    pub run: fn(&mut Bench) -> anyhow::Result<Outcome>,
}

/// What a row found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// In the row's unit.
    pub ours: f64,
    /// In the row's unit.
    pub reference: Option<f64>,
    /// Times faster than the reference; none where there is no reference.
    pub ratio: Option<Spread>,
    /// Of ours, where there is no ratio.
    pub spread: Option<Spread>,
    /// The reference is from another run, elsewhere.
    pub derived: bool,
    /// What else there is to say.
    pub note: String,
}

impl Outcome {
    /// Costs per packet against costs per packet, round by round: the ratio is that of packets per second.
    pub fn compared(ours: &[f64], reference: &[f64]) -> Self {
        let ratios: Vec<_> = reference.iter().zip(ours).map(|(reference, ours)| reference / ours).collect();
        Self {
            ours: crate::stats::median(ours),
            reference: Some(crate::stats::median(reference)),
            ratio: Some(Spread::of(&ratios)),
            spread: None,
            derived: false,
            note: String::new(),
        }
    }

    /// A number without a reference.
    pub fn reported(ours: f64, spread: Option<Spread>, note: String) -> Self {
        Self { ours, reference: None, ratio: None, spread, derived: false, note }
    }

    /// The same with a remark.
    #[must_use]
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}
