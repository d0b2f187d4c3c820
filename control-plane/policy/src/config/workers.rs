//! `[workers]`: the threads that move packets.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Int, keywords};

keywords! {
    /// What a worker does when its queues are empty.
    Idle {
        /// Polls on: least delay, one core fully used.
        Busy = "busy",
        /// Sleeps for ever longer moments, far below a millisecond: little power, a little more delay.
        Adaptive = "adaptive",
    }
}

/// The threads that move packets.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Workers {
    /// How many.
    pub count: Int<1, 64>,
    /// The CPU core of each worker; absent = chosen at start.
    #[schemars(with = "Vec<Int<0, 4095>>")]
    pub cores: Option<Vec<Int<0, 4095>>>,
    /// What a worker does when its queues are empty.
    pub idle: Idle,
}

table!(Workers { count, cores, idle });
