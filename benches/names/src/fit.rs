//! Logistic regression over the features of labels.
//!
//! Called by `train`. Always holds: the features are those of the scorer, computed by its own code.

use repute_reputation::names::features::{COUNTS, GRAMS, counts, grams, weight_of_grams};

use crate::lbfgs::minimise;

/// Weights that are fitted: those of n-grams, then those of counts.
const SIZE: usize = GRAMS + COUNTS;
/// How much a weight costs: half its square, so many times. What liblinear calls C = 1.
const RIDGE: f64 = 1.0;
/// Counts are made small, so that weights on them are dear: what they tell of the families at hand (this one has
/// twelve letters, that one many vowels) does not hold for the next family.
const COUNTS_SCALE: f64 = 0.4;
/// More steps change nothing that can be measured.
const STEPS: usize = 60;

/// Labels, as the sparse rows of a matrix.
#[derive(Default)]
pub(crate) struct Samples {
    indices: Vec<u32>,
    rows: Vec<Row>,
}

struct Row {
    from: usize,
    to: usize,
    /// What each n-gram of the label counts.
    each: f64,
    counts: [f64; COUNTS],
    /// 1 for an algorithm's, −1 for a benign one.
    sign: f64,
    weight: f64,
}

impl Samples {
    /// Adds a label.
    pub(crate) fn push(&mut self, label: &[u8], made: bool, weight: f64) {
        let from = self.indices.len();
        grams(label, |index| self.indices.push(index as u32));
        self.rows.push(Row {
            from,
            to: self.indices.len(),
            each: weight_of_grams(label).into(),
            counts: counts(label).map(f64::from),
            sign: if made { 1.0 } else { -1.0 },
            weight,
        });
    }

    /// The weights that fit best. Those of counts are for counts as the scorer has them.
    pub(crate) fn fit(&self) -> Vec<f64> {
        let mut weights = minimise(SIZE, STEPS, |weights, gradient| self.loss(weights, gradient));
        weights[GRAMS..].iter_mut().for_each(|weight| *weight *= COUNTS_SCALE);
        weights
    }

    fn loss(&self, weights: &[f64], gradient: &mut [f64]) -> f64 {
        let mut loss = 0.0;
        for (slope, weight) in gradient.iter_mut().zip(weights) {
            *slope = RIDGE * weight;
            loss += RIDGE * weight * weight / 2.0;
        }
        for row in &self.rows {
            let indices = &self.indices[row.from..row.to];
            let sum: f64 = indices.iter().map(|&index| weights[index as usize]).sum();
            let counted: f64 =
                row.counts.iter().zip(&weights[GRAMS..]).map(|(count, weight)| count * weight).sum();
            let margin = row.sign * (row.each * sum + COUNTS_SCALE * counted);
            loss += row.weight * softplus(-margin);
            let pull = -row.sign * row.weight / (1.0 + margin.exp());
            for &index in indices {
                gradient[index as usize] += pull * row.each;
            }
            for (slope, count) in gradient[GRAMS..].iter_mut().zip(&row.counts) {
                *slope += pull * COUNTS_SCALE * count;
            }
        }
        loss
    }
}

/// ln(1 + e^x), without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
