//! Minimises a smooth convex function: limited-memory BFGS (Nocedal 1980; Nocedal and Wright, algorithm 7.5).
//!
//! Called by `fit`. Always holds: no randomness, a bounded number of steps, and every step goes down.

use std::collections::VecDeque;

/// Pairs of steps and changes of the gradient that the curvature is guessed from.
const MEMORY: usize = 10;
/// Halvings of a step before it is given up.
const HALVINGS: usize = 30;
/// The share of the promised descent that a step has to keep (Armijo).
const KEPT: f64 = 1e-4;

/// Minimises `function`, which gives its value at a place and writes the gradient there, in at most `steps` steps
/// from zero.
pub(crate) fn minimise(
    size: usize,
    steps: usize,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Vec<f64> {
    let (mut place, mut gradient) = (vec![0.0; size], vec![0.0; size]);
    let mut value = function(&place, &mut gradient);
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    let (mut next, mut next_gradient) = (vec![0.0; size], vec![0.0; size]);
    for _ in 0..steps {
        let direction = direction(&gradient, &pairs);
        let slope = dot(&direction, &gradient);
        // The first step has no curvature to go by: as long as the gradient would be much too far.
        let mut length = if pairs.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let mut found = false;
        for _ in 0..HALVINGS {
            next.iter_mut().zip(&place).zip(&direction).for_each(|((to, at), by)| *to = at + length * by);
            let there = function(&next, &mut next_gradient);
            if there <= value + KEPT * length * slope {
                (value, found) = (there, true);
                break;
            }
            length /= 2.0;
        }
        if !found {
            break;
        }
        remember(&mut pairs, Pair::new(&place, &next, &gradient, &next_gradient));
        std::mem::swap(&mut place, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
    }
    place
}

/// A step, the change of the gradient along it, and one over their product.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    inverse: f64,
}

impl Pair {
    fn new(from: &[f64], to: &[f64], before: &[f64], after: &[f64]) -> Self {
        let less = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let (step, change) = (less(to, from), less(after, before));
        let inverse = 1.0 / dot(&step, &change);
        Self { step, change, inverse }
    }
}

/// Keeps a pair that shows curvature.
fn remember(pairs: &mut VecDeque<Pair>, pair: Pair) {
    if pair.inverse.is_finite() && pair.inverse > 0.0 {
        if pairs.len() == MEMORY {
            pairs.pop_front();
        }
        pairs.push_back(pair);
    }
}

/// Where to go: down the gradient, bent by the remembered curvature (the two-loop recursion).
fn direction(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut way: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(MEMORY);
    for pair in pairs.iter().rev() {
        let share = pair.inverse * dot(&pair.step, &way);
        add(&mut way, -share, &pair.change);
        shares.push(share);
    }
    if let Some(last) = pairs.back() {
        let scale = 1.0 / (last.inverse * dot(&last.change, &last.change));
        way.iter_mut().for_each(|part| *part *= scale);
    }
    for (pair, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let back = pair.inverse * dot(&pair.change, &way);
        add(&mut way, share - back, &pair.step);
    }
    way
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_valley() {
        // Sum of i · (x_i − i)², which plain descent crosses back and forth.
        let found = minimise(50, 200, |at, gradient| {
            let parts = at.iter().zip(gradient).enumerate().map(|(i, (x, slope))| {
                let (weight, off) = (1.0 + i as f64, x - i as f64);
                *slope = 2.0 * weight * off;
                weight * off * off
            });
            parts.sum()
        });
        assert!(found.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn at_the_bottom_it_stays() {
        assert_eq!(
            minimise(3, 10, |_, gradient| {
                gradient.fill(0.0);
                7.0
            }),
            [0.0; 3]
        );
    }
}
