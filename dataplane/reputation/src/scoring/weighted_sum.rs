//! The default model: `prior · (1 − min(1, Σ weight·value))`.
//!
//! Weights are shares of the whole suspicion: one factor of weight 0.8 at its full value leaves a fifth
//! of the prior. Decay is not part of the sum: see [`decayed`] and [`crate::Shard`].

use repute_model::{Profile, Score};

use super::{Scored, ramped};
use crate::Inputs;

/// Scores by the weighted sum of the ramped factors.
pub fn score(profile: &Profile, inputs: &Inputs) -> Scored {
    let terms = ramped(profile, inputs);
    let suspicion: f64 = terms.iter().map(|term| term.part()).sum();
    let unit = profile.prior.unit() * (1.0 - suspicion.clamp(0.0, 1.0));
    Scored { terms, score: Score::from_unit(unit) }
}

/// `score` after `elapsed_ms` on its way to `prior` with a half-life.
pub fn decayed(score: Score, prior: Score, elapsed_ms: u64, half_life_ms: u64) -> Score {
    let share = (-(elapsed_ms as f64) / half_life_ms.max(1) as f64).exp2();
    Score::from_unit(prior.unit() + (score.unit() - prior.unit()) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_way_in_a_half_life() {
        let (prior, low, high) = (Score::new(7500), Score::new(1500), Score::new(9500));
        assert_eq!(decayed(low, prior, 600_000, 600_000), Score::new(4500));
        assert_eq!(decayed(high, prior, 600_000, 600_000), Score::new(8500));
        assert_eq!(decayed(low, prior, 0, 600_000), low);
        assert_eq!(decayed(low, prior, 600_000_000, 600_000), prior);
    }
}
