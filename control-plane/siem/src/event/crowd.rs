//! Events about crowds: floods of strangers, which no single source reveals.

use std::fmt;

use repute_model::{CrowdState, Flood, Prefix, Spread};
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
    /// Who sends; none while too few do to tell.
    pub senders: Option<CrowdSenders>,
    /// Whether only strangers from the network that most come from are held up.
    pub narrow: bool,
}

/// Who sends what makes or might make a flood, estimated from samples in which every sender counts alike.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CrowdSenders {
    /// Samples behind it.
    pub samples: f64,
    /// The network that most come from; none = none stands out.
    #[serde(serialize_with = "wire::maybe_text")]
    #[schemars(with = "Option<wire::PrefixText>")]
    pub network: Option<Prefix>,
    /// Its share, 0..1.
    pub network_share: f64,
    /// The port that most go to; none = none stands out.
    pub port: Option<u16>,
    /// Its share, 0..1.
    pub port_share: f64,
    /// How widely senders are spread over networks: 0 = all in one, 1 = as evenly over many as can be told.
    pub entropy: f64,
}

impl From<Spread> for CrowdSenders {
    fn from(Spread { samples, network, port, entropy }: Spread) -> Self {
        Self {
            samples,
            network: network.map(|(network, _)| network),
            network_share: network.map_or(0.0, |(_, share)| share),
            port: port.map(|(port, _)| port),
            port_share: port.map_or(0.0, |(_, share)| share),
            entropy,
        }
    }
}

impl fmt::Display for CrowdSenders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(network) = self.network {
            write!(f, "{:.0} % from {network}, ", 100.0 * self.network_share)?;
        }
        if let Some(port) = self.port {
            write!(f, "{:.0} % to port {port}, ", 100.0 * self.port_share)?;
        }
        write!(f, "spread {:.2} of 1", self.entropy)
    }
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
        )?;
        self.senders.as_ref().map_or(Ok(()), |senders| write!(f, "; {senders}"))
    }
}
