//! `[profiles.*.bands]`: where bands begin, and how long a source stays in one.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Duration, Share};

/// Least scores of the four upper bands, strictly falling; below `poor` is malicious.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Bands {
    /// Least score of an excellent source.
    pub excellent: Share,
    /// Least score of a good source.
    pub good: Share,
    /// Least score of a neutral source.
    pub neutral: Share,
    /// Least score of a poor source.
    pub poor: Share,
    /// How far above a threshold a score must climb before the better band is entered.
    pub hysteresis: Share,
    /// How long a source stays before it enters a worse band.
    pub dwell_worse: Duration<0, 86_400_000>,
    /// How long a source stays before it enters a better band.
    pub dwell_better: Duration<0, 86_400_000>,
}

table!(Bands { excellent, good, neutral, poor, hysteresis, dwell_worse, dwell_better });

impl Bands {
    /// The thresholds with the keys they stand at, best first.
    pub fn thresholds(&self) -> [(&'static str, Share); 4] {
        [("excellent", self.excellent), ("good", self.good), ("neutral", self.neutral), ("poor", self.poor)]
    }
}
