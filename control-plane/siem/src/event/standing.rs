//! Events about the standing of sources.

use std::fmt;
use std::time::{Duration, SystemTime};

use repute_model::{Band, Factor, Score, Source, Treatment};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Happening, Severity, wire};

/// A source moved to another band.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct BandChanged {
    /// Who.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::SourceText")]
    pub source: Source,
    /// Its band until now.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::BandName")]
    pub from: Band,
    /// Its band from now on.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::BandName")]
    pub to: Band,
    /// Its score, 0 (no trust) to 10 000.
    #[serde(serialize_with = "wire::score")]
    #[schemars(with = "wire::ScoreNumber")]
    pub score: Score,
    /// The factor that weighs most.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::FactorName")]
    pub cause: Factor,
}

impl Happening for BandChanged {
    fn severity(&self) -> Severity {
        match self.to {
            Band::Malicious => Severity::Warning,
            Band::Poor => Severity::Notice,
            _ => Severity::Info,
        }
    }

    fn source(&self) -> Option<Source> {
        Some(self.source)
    }
}

impl fmt::Display for BandChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, from, to, score, cause } = self;
        write!(f, "{source} went from {from} to {to}: score {score}, mostly for {cause}")
    }
}

/// Where a mitigation stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The source is limited from now on.
    Began,
    /// It is limited in another way or for another reason.
    Changed,
    /// It is limited no more.
    Ended,
}

/// A mitigation began, changed or ended.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Mitigation {
    /// What of the three.
    pub phase: Phase,
    /// Who.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::SourceText")]
    pub source: Source,
    /// The band it is, or was last, limited in.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::BandName")]
    pub band: Band,
    /// Its score when it entered that band.
    #[serde(serialize_with = "wire::score")]
    #[schemars(with = "wire::ScoreNumber")]
    pub score: Score,
    /// What it gets, or got last: `treatment` (names) and `limits` (numbers) in JSON.
    #[serde(flatten, serialize_with = "wire::treatment")]
    #[schemars(flatten, with = "wire::TreatmentForm")]
    pub treatment: Treatment,
    /// The factor that weighed most when it entered that band.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::FactorName")]
    pub cause: Factor,
    /// When it began.
    #[serde(serialize_with = "wire::time")]
    #[schemars(with = "wire::Time")]
    pub began: SystemTime,
    /// How long it lasts so far, or lasted, in ms.
    #[serde(rename = "duration_ms", serialize_with = "wire::ms")]
    #[schemars(with = "u64")]
    pub duration: Duration,
    /// Whether it is only told: the policy is in shadow mode, and the source is not limited.
    pub shadow: bool,
}

impl Happening for Mitigation {
    fn severity(&self) -> Severity {
        match self.phase {
            Phase::Ended => Severity::Info,
            _ if self.shadow => Severity::Notice,
            _ if self.treatment.drop || self.treatment.block_new => Severity::Warning,
            _ => Severity::Notice,
        }
    }

    fn source(&self) -> Option<Source> {
        Some(self.source)
    }
}

impl fmt::Display for Mitigation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, band, score, treatment, cause, .. } = self;
        if self.shadow {
            f.write_str("shadow mode, not done: ")?;
        }
        match self.phase {
            Phase::Began => write!(f, "{source} gets {treatment}: {band}, score {score}, mostly for {cause}"),
            Phase::Changed => {
                write!(f, "{source} now gets {treatment}: {band}, score {score}, mostly for {cause}")
            }
            Phase::Ended => {
                let seconds = self.duration.as_secs_f64();
                write!(f, "{source} is limited no more, after {seconds:.1} s of {treatment} for {cause}")
            }
        }
    }
}
