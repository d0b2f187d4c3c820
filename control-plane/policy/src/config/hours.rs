//! `[profiles.egress.hours]`: what is usual at each hour of the week.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Int, keywords};

keywords! {
    /// Whether the hour of the week counts.
    HoursMode {
        /// What is usual for a service at an hour is learnt, and sources are judged by it.
        On = "on",
        /// Sources are judged by their own past alone.
        Off = "off",
    }
}

/// What is usual for the sources of each service at each hour of the week (UTC).
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Hours {
    /// Whether it counts.
    pub mode: HoursMode,
    /// How many weeks make what is usual: the newest has a weight of one in so many.
    pub weeks: Int<1, 52>,
    /// Weeks that an hour was seen in before it says anything.
    pub warm_up: Int<1, 52>,
}

table!(Hours { mode, weeks, warm_up });
