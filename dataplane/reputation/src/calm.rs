//! What certainly means nothing: counts so low that no factor can come of them under one profile.
//!
//! Worked out once an installation; asked by the sweep for every source and by the short way before it has a
//! score computed. Always holds: for an entry that is calm, the model would find no suspicion but what is the
//! same for everybody, so nothing is lost by not computing it.

use repute_model::{Factor, Model, Profile};

use crate::{Flags, Hot, Warm};

/// The most that means nothing, per window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Calm {
    packets: u32,
    bytes: u32,
    syns: u16,
    /// Packets nobody answered, at the most sceptical reading.
    pub unanswered: u32,
    /// Whether anything is calm at all: only in a model without terms that are always there.
    applies: bool,
}

impl Calm {
    /// No profile is known yet: everything has to be looked at.
    pub const NOTHING: Self = Self { packets: 0, bytes: 0, syns: 0, unanswered: 0, applies: false };

    /// What is calm under a profile.
    pub fn under(profile: &Profile) -> Self {
        let window = f64::from(profile.window_ms) / 1e3;
        let from = |factor: Factor| profile.factors[factor.index()].ramp.from;
        let criticality = profile.factors[Factor::Criticality.index()];
        Self {
            packets: (profile.baseline.floor_packets_per_s * window) as u32,
            bytes: (profile.baseline.floor_bytes_per_s * window) as u32,
            syns: (from(Factor::Connections) * window) as u16,
            unanswered: from(Factor::Unanswered) as u32,
            applies: profile.model == Model::WeightedSum && criticality.weight == 0.0,
        }
    }

    /// Whether an entry's counts mean nothing.
    #[inline]
    pub fn covers(&self, hot: &Hot, warm: &Warm) -> bool {
        let counts = hot.packets <= self.packets
            && hot.bytes <= self.bytes
            && hot.unanswered <= self.unanswered
            && hot.syns <= self.syns;
        let past = hot.has_no_evidence() && warm.mitigations == 0 && warm.destination == 0;
        self.applies && counts && past && !hot.flags.has(Flags::LISTED)
    }
}
