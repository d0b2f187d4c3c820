//! From names to the weights of the model.
//!
//! Called by the program, the card and the test that trains anew. Always holds: nothing is learned from a name that
//! is kept for judging, nor from the family that is left out.

use repute_reputation::names::features::{COUNTS, GRAMS};
use repute_reputation::names::{NameModel, Weights, own_label};

use crate::corpus::{Corpus, Name};
use crate::fit::Samples;
use crate::synthetic;

/// A name of a provider of dynamic addresses counts half: the list is long and of one kind.
const DYNAMIC: f64 = 0.5;
/// So does a label of pure chance.
const SYNTHETIC: f64 = 0.5;

/// What to learn from.
#[derive(Clone, Copy, Default, Debug)]
pub struct Choice<'a> {
    /// A family of algorithms that is left out.
    pub without: Option<&'a str>,
}

impl Choice<'_> {
    fn takes(&self, name: &Name) -> bool {
        let is_left_out = name.made && self.without == Some(name.group.as_str());
        !name.is_test() && !is_left_out
    }
}

/// Trains a model: fits, calibrates on names that nothing was fitted to, fits again to all, and rounds.
pub fn train(corpus: &Corpus, choice: Choice<'_>) -> Weights {
    let taken = || corpus.names.iter().filter(|name| choice.takes(name));
    let apart = rounded(&fit(taken().filter(|name| !name.calibrates())), [1.0, 0.0]);
    let model = NameModel::new(apart);
    let kept = taken().filter(|name| name.calibrates());
    let scored: Vec<(f64, bool)> =
        kept.map(|name| (f64::from(model.label(label(name))), name.made)).collect();
    rounded(&fit(taken()), calibration(&scored))
}

/// How likely a model takes a whole name for an algorithm's.
pub fn score(model: &NameModel, name: &Name) -> f32 {
    model.probability(name.labels().into_iter())
}

fn fit<'a>(names: impl Iterator<Item = &'a Name>) -> Vec<f64> {
    let mut samples = Samples::default();
    for name in names {
        samples.push(label(name), name.made, if name.group == "dynamic-dns" { DYNAMIC } else { 1.0 });
    }
    for label in synthetic::labels() {
        samples.push(&label, true, SYNTHETIC);
    }
    samples.fit()
}

/// The label to learn from: of an algorithm's name what the algorithm made, which is in front; of others the own one.
fn label(name: &Name) -> &[u8] {
    let labels = name.labels();
    let own = if name.made { None } else { own_label(labels.iter().copied()) };
    own.unwrap_or(labels[0])
}

/// Slope and offset that turn log-odds into those that hold (Platt 1999), by Newton's method.
fn calibration(scored: &[(f64, bool)]) -> [f64; 2] {
    let (mut slope, mut offset) = (1.0, 0.0);
    for _ in 0..25 {
        let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for &(odds, made) in scored {
            let p = 1.0 / (1.0 + (-(slope * odds + offset)).exp());
            let (off, spread) = (p - f64::from(u8::from(made)), p * (1.0 - p));
            g = [g[0] + off * odds, g[1] + off];
            h = [h[0] + spread * odds * odds, h[1] + spread * odds, h[2] + spread];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        slope -= (h[2] * g[0] - h[1] * g[1]) / determinant;
        offset -= (h[0] * g[1] - h[1] * g[0]) / determinant;
    }
    [slope, offset]
}

/// Weights in the steps that a byte has, after calibration.
fn rounded(weights: &[f64], [slope, offset]: [f64; 2]) -> Weights {
    let (grams, counts) = weights.split_at(GRAMS);
    let most = grams.iter().fold(f64::MIN_POSITIVE, |most, weight| most.max(weight.abs()));
    let step = most / 127.0;
    let grams = grams.iter().map(|weight| (weight / step).round() as i8).collect();
    let mut scaled = [0.0; COUNTS];
    scaled.iter_mut().zip(counts).for_each(|(to, weight)| *to = (slope * weight) as f32);
    scaled[0] += offset as f32;
    Weights { grams, step: (slope * step) as f32, counts: scaled }
}
