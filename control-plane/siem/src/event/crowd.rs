//! Events about crowds: floods of strangers, which no single source reveals.

use std::fmt;

use repute_model::{CrowdState, Flood, Prefix};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Happening, Severity, wire};

/// A crowd went to another state for one kind of flood.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CrowdChanged {
    /// Which destinations: an address or prefix, with its length.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::PrefixText")]
    pub crowd: Prefix,
    /// The kind of flood.
    #[serde(serialize_with = "wire::flood")]
    #[schemars(with = "wire::FloodName")]
    pub flood: Flood,
    /// The state it left.
    #[serde(serialize_with = "wire::crowd_state")]
    #[schemars(with = "wire::CrowdStateName")]
    pub from: CrowdState,
    /// The state it entered.
    #[serde(serialize_with = "wire::crowd_state")]
    #[schemars(with = "wire::CrowdStateName")]
    pub to: CrowdState,
    /// What has come together beyond what is usual.
    pub excess: f64,
    /// The excess that makes a flood.
    pub limit: f64,
    /// Openings or strays per second.
    pub per_s: f64,
    /// Completions per second; 0 for kinds that know none.
    pub completed_per_s: f64,
    /// Failures per second that it takes without an excess.
    pub usual_per_s: f64,
    /// Whether packets from the crowd itself are seen.
    pub heard: bool,
}

impl Happening for CrowdChanged {
    fn severity(&self) -> Severity {
        match self.to {
            CrowdState::Flood => Severity::Error,
            CrowdState::Suspect => Severity::Notice,
            CrowdState::Recovering | CrowdState::Calm => Severity::Info,
        }
    }
}

impl fmt::Display for CrowdChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { crowd, flood, from, to, excess, limit, per_s, completed_per_s, usual_per_s, .. } = self;
        write!(
            f,
            "{crowd} went from {} to {} for {}: {per_s:.1}/s, {completed_per_s:.1}/s completed, usual \
             {usual_per_s:.1}/s, excess {excess:.1} of {limit:.1}",
            from.name(),
            to.name(),
            flood.name()
        )
    }
}
