//! Model `suspicion` (requirement P11): `min(100, max(0, (Σ factor·weight) · decay))`.
//!
//! Factors are 0..1, weights are points. 0 = trusted, 100 = suspicious: the edge's view of the one
//! axis, so the stored score is `1 − suspicion / 100`.

use repute_model::{Profile, Score};

use super::{Scored, ramped};
use crate::Inputs;

/// The formula in full precision, 0..=100.
pub fn formula(weighted: impl Iterator<Item = (f64, f64)>, decay: f64) -> f64 {
    let sum: f64 = weighted.map(|(value, points)| value * points).sum();
    (sum * decay).clamp(0.0, 100.0)
}

/// Scores by points of suspicion.
pub fn score(profile: &Profile, inputs: &Inputs, decay: f64) -> Scored {
    let terms = ramped(profile, inputs);
    let suspicion = formula(terms.iter().map(|term| (term.value, term.weight)), decay);
    Scored { terms, score: Score::from_unit(1.0 - suspicion / 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_term_by_term() {
        let terms = [(0.6, 70.0), (0.3, 50.0)];
        assert_eq!(terms.map(|(value, points)| value * points), [42.0, 15.0]);
        let suspicion = formula(terms.into_iter(), 0.9);
        assert!((suspicion - 51.3).abs() < 1e-12);
        assert_eq!(Score::from_unit(1.0 - suspicion / 100.0), Score::new(4870));
    }

    #[test]
    fn stays_between_trusted_and_suspicious() {
        assert_eq!(formula([(1.0, 500.0)].into_iter(), 1.0), 100.0);
        assert_eq!(formula([(1.0, -5.0)].into_iter(), 1.0), 0.0);
    }
}
