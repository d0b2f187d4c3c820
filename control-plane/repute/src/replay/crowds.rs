//! What happened to crowds in a replay, for other tools.

use std::path::Path;

use repute_model::Spread;
use serde::Serialize;

use super::rehearsal::Rehearsal;

/// One change of a crowd's state.
#[derive(Serialize)]
pub struct Row {
    /// The capture, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Seconds since the first packet.
    at_s: f64,
    /// Which destinations.
    crowd: String,
    /// What kind of flood.
    flood: &'static str,
    from: &'static str,
    to: &'static str,
    /// What has come together beyond what is usual, and what makes a flood.
    excess: f64,
    limit: f64,
    per_s: f64,
    completed_per_s: f64,
    usual_per_s: f64,
    /// Whether the crowd itself was heard.
    heard: bool,
    /// Who sends; absent while too few do to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    senders: Option<Senders>,
    /// Whether only strangers from that network are held up.
    narrow: bool,
}

/// Who sends, estimated from samples.
#[derive(Serialize)]
struct Senders {
    samples: f64,
    /// The network that most come from and its share, the port that most go to and its share.
    network: Option<(String, f64)>,
    port: Option<(u16, f64)>,
    /// 0 = all in one network, 1 = spread over many.
    entropy: f64,
}

impl From<Spread> for Senders {
    fn from(Spread { samples, network, port, entropy }: Spread) -> Self {
        let network = network.map(|(network, share)| (network.to_string(), share));
        Self { samples, network, port, entropy }
    }
}

/// All changes, in order.
pub fn rows(rehearsal: &Rehearsal, file: Option<&Path>) -> Vec<Row> {
    let row = |change: &repute_model::CrowdChange| Row {
        file: file.map(|file| file.display().to_string()),
        at_s: change.at.0 as f64 / 1e3,
        crowd: change.crowd.to_string(),
        flood: change.flood.name(),
        from: change.from.name(),
        to: change.to.name(),
        excess: change.numbers.excess,
        limit: change.numbers.limit,
        per_s: change.numbers.per_s,
        completed_per_s: change.numbers.completed_per_s,
        usual_per_s: change.numbers.usual_per_s,
        heard: change.numbers.heard,
        senders: change.numbers.senders.map(Senders::from),
        narrow: change.numbers.narrow,
    };
    rehearsal.crowds.iter().map(row).collect()
}
