//! Defaults of `[garden]`.

use crate::config::Garden;
use crate::value::{Duration, Int, Share};

impl Default for Garden {
    fn default() -> Self {
        Self {
            listen: None,
            work: Int::new(18),
            life: Duration::new(10 * 60_000),
            lift: Share::new(0.1),
            passes: Int::new(6),
            proxies: Vec::new(),
            connections: Int::new(256),
        }
    }
}
