//! Model `egress-interval` (requirement E13), once per interval:
//!
//! `new = (0.5·old + 0.2·(1 − |volume − baseline| / baseline) + 0.15·destination +
//! 0.15·criticality) · 0.95`
//!
//! The deviation is not clamped. With a baseline of 0 it is 0 when the volume is 0 too, else 1.

use repute_model::{Factor, Score, Term};

use super::Scored;
use crate::Inputs;

/// The last factor of the formula.
pub const SCALE: f64 = 0.95;

/// `|volume − baseline| / baseline`, defined for every baseline.
pub fn deviation(volume: f64, baseline: f64) -> f64 {
    if baseline == 0.0 {
        return if volume == 0.0 { 0.0 } else { 1.0 };
    }
    (volume - baseline).abs() / baseline
}

/// The formula in full precision, on the scale 0..1 (1 = good), unclamped.
pub fn formula(old: f64, volume: f64, baseline: f64, destination: f64, criticality: f64) -> f64 {
    terms(old, volume, baseline, destination, criticality).iter().map(Term::part).sum::<f64>() * SCALE
}

/// Scores one interval; every term is 1 = good and stands as in the formula.
pub fn score(inputs: &Inputs, old: Score) -> Scored {
    let four =
        terms(old.unit(), inputs.volume, inputs.volume_baseline, inputs.destination, inputs.criticality);
    let mut terms = std::array::from_fn(|i| Term {
        factor: Factor::ALL[i],
        value: 0.0,
        weight: 0.0,
        evidence: inputs.evidence[i],
    });
    for term in four {
        terms[term.factor.index()] = term;
    }
    let unit = four.iter().map(Term::part).sum::<f64>() * SCALE;
    Scored { terms, score: Score::from_unit(unit) }
}

fn terms(old: f64, volume: f64, baseline: f64, destination: f64, criticality: f64) -> [Term; 4] {
    let deviation = deviation(volume, baseline);
    let term = |factor, weight, value, evidence| Term { factor, value, weight, evidence };
    [
        term(Factor::History, 0.5, old, old),
        term(Factor::Volume, 0.2, 1.0 - deviation, deviation),
        term(Factor::Destination, 0.15, destination, destination),
        term(Factor::Criticality, 0.15, criticality, criticality),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_term_by_term() {
        let parts = terms(0.8, 150.0, 100.0, 0.6, 0.4).map(|term| term.part());
        assert_eq!(parts, [0.4, 0.1, 0.09, 0.06]);
        assert_eq!(Score::from_unit(formula(0.8, 150.0, 100.0, 0.6, 0.4)), Score::new(6175));
    }

    #[test]
    fn golden_deviation_is_not_clamped() {
        let parts = terms(0.8, 300.0, 100.0, 1.0, 1.0).map(|term| term.part());
        assert_eq!(parts, [0.4, -0.2, 0.15, 0.15]);
        assert_eq!(Score::from_unit(formula(0.8, 300.0, 100.0, 1.0, 1.0)), Score::new(4750));
    }

    #[test]
    fn a_baseline_of_zero_is_defined() {
        assert_eq!(deviation(0.0, 0.0), 0.0);
        assert_eq!(deviation(7.0, 0.0), 1.0);
        assert_eq!(deviation(0.0, 100.0), 1.0);
    }
}
