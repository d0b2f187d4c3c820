//! How much the store keeps.

use std::time::Duration;

/// Maxima; what happens where one is reached stands with each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of the file, which grows by doubling. Beyond, writes fail as if the disk were full and what was stored
    /// stays. Sources take the room of two rounds: 64 bytes each in both.
    pub file_bytes: u64,
    /// Records in one round of snapshots. Beyond, [`crate::Round::add`] refuses.
    pub sources: u64,
    /// Explanations of all sources together. Beyond, the oldest go.
    pub explanations: u64,
    /// Explanations of one source. Beyond, its oldest go.
    pub explanations_per_source: u64,
    /// How long explanations are kept ([`crate::Store::expire_explanations`]).
    pub retention: Duration,
}

impl Default for Limits {
    /// 4 GiB, four million sources, a million explanations, 256 of one source, 30 days.
    fn default() -> Self {
        Self {
            file_bytes: 4 << 30,
            sources: 4_194_304,
            explanations: 1_000_000,
            explanations_per_source: 256,
            retention: Duration::from_secs(30 * 24 * 3600),
        }
    }
}
