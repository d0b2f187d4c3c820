//! What certainly means nothing: counts so low that no factor can come of them under one profile.
//!
//! Worked out once an installation; asked by the sweep for every source and by the short way before it has a
//! score computed. Always holds: for an entry that is calm, the model would find no suspicion but what is the
//! same for everybody, so nothing is lost by not computing it.

use repute_model::{Factor, Model, Profile};

use crate::{Flags, Hot, Tally, Warm};

/// The most that means nothing, per window.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Calm {
    packets: u32,
    bytes: u32,
    syns: u16,
    /// Packets nobody answered, at the most sceptical reading.
    pub unanswered: u32,
    /// Evidence, as [`Hot::tallies`] has it but for connections used, which only excuse others.
    open: Tally,
    destinations: Tally,
    ports: Tally,
    icmp_errors: Tally,
    unsolicited: Tally,
    mitigations: u8,
    /// The share of bad neighbours of a stranger.
    pub neighbours: f64,
    /// Whether anything is calm at all: only in a model without terms that are always there.
    applies: bool,
}

impl Calm {
    /// No profile is known yet: everything has to be looked at.
    pub const NOTHING: Self = Self {
        packets: 0,
        bytes: 0,
        syns: 0,
        unanswered: 0,
        open: Tally::ZERO,
        destinations: Tally::ZERO,
        ports: Tally::ZERO,
        icmp_errors: Tally::ZERO,
        unsolicited: Tally::ZERO,
        mitigations: 0,
        neighbours: 0.0,
        applies: false,
    };

    /// What is calm under a profile.
    pub fn under(profile: &Profile) -> Self {
        let window = f64::from(profile.window_ms) / 1e3;
        let from = |factor: Factor| profile.factors[factor.index()].ramp.from;
        let tally = |factor: Factor| Tally::at_most(from(factor));
        let criticality = profile.factors[Factor::Criticality.index()];
        Self {
            packets: (profile.baseline.floor_packets_per_s * window) as u32,
            bytes: (profile.baseline.floor_bytes_per_s * window) as u32,
            syns: (from(Factor::Connections) * window) as u16,
            unanswered: from(Factor::Unanswered) as u32,
            open: tally(Factor::SynAck),
            destinations: tally(Factor::Destinations),
            ports: tally(Factor::Ports),
            icmp_errors: tally(Factor::IcmpErrors),
            unsolicited: tally(Factor::Unsolicited),
            mitigations: from(Factor::Mitigations) as u8,
            neighbours: from(Factor::Neighbours),
            applies: profile.model == Model::WeightedSum && criticality.weight == 0.0,
        }
    }

    /// Whether an entry's counts mean nothing.
    #[inline]
    pub fn covers(&self, hot: &Hot, warm: &Warm) -> bool {
        let counts = (hot.packets <= self.packets)
            & (hot.bytes <= self.bytes)
            & (hot.unanswered <= self.unanswered)
            & (hot.syns <= self.syns);
        let evidence = (hot.open <= self.open)
            & (hot.destinations <= self.destinations)
            & (hot.ports <= self.ports)
            & (hot.icmp_errors <= self.icmp_errors)
            & (hot.unsolicited <= self.unsolicited);
        let past = (warm.mitigations <= self.mitigations) & !warm.has_evidence();
        self.applies & counts & evidence & past & !hot.flags.has(Flags::LISTED)
    }
}
