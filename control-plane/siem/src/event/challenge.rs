//! Events about challenges that are passed off the wire.

use std::fmt;

use repute_model::{Score, Source};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Happening, Severity, wire};

/// Somebody has passed the challenge at the walled garden's page, and a worker took note of it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ChallengePassed {
    /// At whose address.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::SourceText")]
    pub source: Source,
    /// Its score before.
    #[serde(serialize_with = "wire::score")]
    #[schemars(with = "wire::ScoreNumber")]
    pub before: Score,
    /// Its score after.
    #[serde(serialize_with = "wire::score")]
    #[schemars(with = "wire::ScoreNumber")]
    pub after: Score,
}

impl Happening for ChallengePassed {
    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn source(&self) -> Option<Source> {
        Some(self.source)
    }
}

impl fmt::Display for ChallengePassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, before, after } = self;
        write!(f, "{source} has passed the challenge at the walled garden: score {before} -> {after}")
    }
}
