//! The answer to "why?": a source's score taken apart.

use crate::{
    AtThisHour, Band, Excess, Factor, Floods, Model, PairStanding, Prefix, Score, Source, Standing,
    SystemLook, Tick, Treatment,
};

/// One term of a score.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Term {
    /// Which factor.
    pub factor: Factor,
    /// How bad, 0..1 (E13's terms count as they stand in its formula: 1 = good, unclamped).
    pub value: f64,
    /// How much it counts in the model: a share of 1, or points for P11.
    pub weight: f64,
    /// What was measured, in the factor's unit.
    pub evidence: f64,
}

impl Term {
    /// The term's part in the sum.
    pub fn part(&self) -> f64 {
        self.value * self.weight
    }
}

impl Model {
    /// The factor that costs a source most: the largest part, or, where terms are 1 = good, the largest
    /// part that is missing.
    pub fn cause(self, terms: &[Term]) -> Factor {
        let cost = |term: &Term| match self {
            Self::EgressInterval => (1.0 - term.value) * term.weight,
            Self::WeightedSum | Self::Suspicion { .. } => term.part(),
        };
        let worst = terms.iter().max_by(|a, b| cost(a).total_cmp(&cost(b)));
        worst.map_or(Factor::Feed, |term| term.factor)
    }
}

/// Which rule gave a source its treatment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// An allow list names it: everything passes.
    Allowed,
    /// A deny list names it, with this confidence in percent.
    Listed(u8),
    /// The treatment of its band.
    Band(Band),
    /// It has no entry: the prior's band, as a stranger.
    Stranger(Band),
}

/// Crowds in flood that an explanation names.
pub const HELD_UP: usize = 4;

/// Services of a source that an explanation names.
pub const PAIRS: usize = 8;

/// A source's score with everything that made it, as its worker saw it at one tick.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Explanation {
    /// Who.
    pub source: Source,
    /// Whether exact state exists.
    pub tracked: bool,
    /// The stored score.
    pub score: Score,
    /// Its band.
    pub band: Band,
    /// The model that computed it.
    pub model: Model,
    /// The terms as of now, by factor; unused ones have weight 0.
    pub terms: [Term; Factor::COUNT],
    /// What the terms alone would make of it now, before decay and dwell.
    pub target: Score,
    /// Which rule decides the treatment.
    pub rule: Rule,
    /// What it gets.
    pub treatment: Treatment,
    /// The kind of packets that gets it, where not all of them do.
    pub excess: Option<Excess>,
    /// What the others get.
    pub rest: Treatment,
    /// Version of the policy that judged.
    pub policy_version: u64,
    /// Whether that policy is in shadow mode: nothing of this is done.
    pub shadow: bool,
    /// Where a new source in its place would begin, if that is below the prior: hosts of our own begin as those around them
    /// stand.
    pub begins: Option<Score>,
    /// The service it belongs to, by number.
    pub service: Option<u8>,
    /// How it stands in each of its services; nothing where the policy has none.
    pub pairs: [Option<PairStanding>; PAIRS],
    /// How it stands over all of them.
    pub standing: Option<Standing>,
    /// Mean packets per second of the source's own baseline.
    pub baseline_packets_per_s: f64,
    /// Mean bytes per second of the source's own baseline.
    pub baseline_bytes_per_s: f64,
    /// What is usual for its services at this hour of the week; `None` where that is not known.
    pub at_this_hour: Option<AtThisHour>,
    /// What the worker knows of its autonomous system; `None` = that is not known, or nothing was asked from there lately.
    pub system: Option<SystemLook>,
    /// Mitigations so far, fading.
    pub mitigations: u8,
    /// Crowds in flood, the first few, to which it has no standing to send these kinds of packets.
    pub held_up: [Option<(Prefix, Floods)>; HELD_UP],
    /// When its last packet came.
    pub last_seen: Tick,
    /// When this was answered.
    pub now: Tick,
}

/// One line of a list of sources.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SourceRow {
    /// Who.
    pub source: Source,
    /// Standing.
    pub score: Score,
    /// Band.
    pub band: Band,
    /// What it gets.
    pub treatment: Treatment,
    /// Packets per second in the window under way.
    pub packets_per_s: f32,
    /// Bytes per second in the window under way.
    pub bytes_per_s: f32,
    /// Ticks since its last packet, in ms.
    pub idle_ms: u32,
    /// The service that it is in, by number: the one that was asked for, else its first.
    pub service: Option<u8>,
    /// How it stands there; where none was asked for, over all of its services. Nothing where the policy has none.
    pub standing: Option<Standing>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(factor: Factor, value: f64, weight: f64) -> Term {
        Term { factor, value, weight, evidence: 0.0 }
    }

    #[test]
    fn the_cause_is_what_costs_most() {
        let terms =
            [term(Factor::Rate, 0.5, 0.2), term(Factor::Ports, 0.2, 0.8), term(Factor::Feed, 0.0, 1.0)];
        assert_eq!(Model::WeightedSum.cause(&terms), Factor::Ports);
        let good = [term(Factor::History, 0.9, 0.5), term(Factor::Volume, -1.0, 0.2)];
        assert_eq!(Model::EgressInterval.cause(&good), Factor::Volume);
    }
}
