//! From evidence to score: three models, each computed as written, in `f64`.

pub mod egress_interval;
mod stranger;
pub mod suspicion;
pub mod weighted_sum;

use repute_model::{Factor, Model, Profile, Score, Term};

use crate::Inputs;
pub use stranger::{Circumstances, stranger};

/// A model's result with the terms that made it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scored {
    /// The terms by factor; unused ones have weight 0.
    pub terms: [Term; Factor::COUNT],
    /// What they make, quantised.
    pub score: Score,
}

impl Scored {
    /// The most that lists leave a source: E13 has no term for them, so they cap its result.
    pub(crate) fn ceiling(&self) -> Score {
        Score::from_unit(1.0 - self.terms[Factor::Feed.index()].evidence)
    }

    /// The stored score once these terms are known: evidence counts at once, but only for the worse.
    /// No evidence at all says nothing, so that a score above the prior stays until it decays.
    pub fn lowers(&self, old: Score, profile: &Profile) -> Score {
        let nothing = profile.model == Model::WeightedSum && self.score == profile.prior;
        if nothing { old } else { old.min(self.score) }
    }
}

/// Scores a source that stood at `old`.
pub fn score(profile: &Profile, inputs: &Inputs, old: Score) -> Scored {
    match profile.model {
        Model::WeightedSum => weighted_sum::score(profile, inputs),
        Model::EgressInterval => {
            let scored = egress_interval::score(inputs, old);
            Scored { score: scored.score.min(scored.ceiling()), ..scored }
        }
        Model::Suspicion { decay } => suspicion::score(profile, inputs, decay),
    }
}

/// The terms of the ramped factors.
fn ramped(profile: &Profile, inputs: &Inputs) -> [Term; Factor::COUNT] {
    std::array::from_fn(|i| {
        let weighting = &profile.factors[i];
        let evidence = inputs.evidence[i];
        Term {
            factor: Factor::ALL[i],
            value: weighting.ramp.value(evidence),
            weight: if Factor::ALL[i].is_of_strangers() && !inputs.is_stranger {
                0.0
            } else {
                weighting.weight
            },
            evidence,
        }
    })
}
