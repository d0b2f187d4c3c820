//! `[state]`: what survives a restart, fixed at start.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Duration, Text};

/// What survives a restart: standings, nudges, policies, explanations.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct State {
    /// The folder it is kept in, for one box alone; absent = `/var/lib/repute` for root, otherwise none is kept.
    #[schemars(with = "Text")]
    pub folder: Option<Text>,
    /// What a kill may cost: every source is written once within this time.
    pub every: Duration<1_000, 3_600_000>,
    /// How long explanations are kept.
    pub retention: Duration<3_600_000, 31_536_000_000>,
}

table!(State { folder, every, retention });
