//! What happened to crowds in a replay, for other tools.

use std::path::Path;

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
    };
    rehearsal.crowds.iter().map(row).collect()
}
