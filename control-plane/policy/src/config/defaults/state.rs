//! Defaults of `[state]`.

use crate::config::State;
use crate::value::Duration;

impl Default for State {
    fn default() -> Self {
        Self { folder: None, every: Duration::new(30_000), retention: Duration::new(30 * 24 * 3_600_000) }
    }
}
