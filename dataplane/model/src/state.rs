//! What is known of a source beyond the packets of the moment: what a snapshot hands out and a restore takes back.
//!
//! Made by a worker for the control plane, and by the control plane for a worker. **Always holds:** a worker that takes
//! back what it has just handed out judges the source as before.

use crate::{Band, Score, Source};

/// States of one restore at most.
pub const RESTORE_MAX: usize = 256;
/// States of one snapshot page at most.
pub const SNAPSHOT_MAX: u16 = 512;

/// One source, without what only the packets of its last moments say.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SourceState {
    /// Who.
    pub source: Source,
    /// Standing.
    pub score: Score,
    /// The band it stands in.
    pub band: Band,
    /// An allow list names it.
    pub allowed: bool,
    /// A deny list names it.
    pub listed: bool,
    /// It has been answered and has gone on talking.
    pub proven: bool,
    /// Mean packets per second of its own baseline.
    pub packets_mean: f32,
    /// Variance of that.
    pub packets_variance: f32,
    /// Mean bytes per second.
    pub bytes_mean: f32,
    /// Windows learnt, saturating.
    pub samples: u8,
    /// Mitigations so far, fading.
    pub mitigations: u8,
    /// The service it belongs to, by number.
    pub service: Option<u8>,
    /// How bad its destinations were, 0..=255, as a moving mean.
    pub destination: u8,
    /// Fading counts in 1/256: open, used, destinations, ports, ICMP errors, unsolicited.
    pub tallies: [u16; 6],
    /// What inspection has found, fading, in 1/256.
    pub hits: u16,
    /// Since its last packet, ms.
    pub idle_ms: u32,
    /// Since it was last let fade, ms.
    pub unfaded_ms: u32,
    /// Since it entered its band, ms.
    pub in_band_ms: u32,
    /// Since the measuring window under way began, ms.
    pub in_window_ms: u32,
}

impl SourceState {
    /// A source about which nothing is known: it stands at the prior.
    pub const fn new(source: Source, prior: Score, band: Band) -> Self {
        Self {
            source,
            score: prior,
            band,
            allowed: false,
            listed: false,
            proven: false,
            packets_mean: 0.0,
            packets_variance: 0.0,
            bytes_mean: 0.0,
            samples: 0,
            mitigations: 0,
            service: None,
            destination: 0,
            tallies: [0; 6],
            hits: 0,
            idle_ms: 0,
            unfaded_ms: 0,
            in_band_ms: Self::LONG_MS,
            in_window_ms: 0,
        }
    }

    /// Longer ago than anything asks for, and far from where 32 bits of ms wrap.
    pub const LONG_MS: u32 = 1 << 30;
}
