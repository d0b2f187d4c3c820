//! Draws of clients that were made beforehand and are read in order: by Zipf's law, or among a list of them.

use std::sync::Arc;

use repute_traffic::rng::{Rng, mix};

/// Draws in the ring.
const DRAWS: usize = 1 << 20;

/// A ring of client numbers; clones share the draws, not the place.
#[derive(Clone, Debug)]
pub struct Ring {
    draws: Arc<[u32]>,
    at: usize,
}

impl Ring {
    /// Draws among `clients` by Zipf's law with exponent 1.0: the k-th most frequent is k times as rare as the first.
    /// Ranks are scattered over the numbers, which must be a power of two.
    pub fn zipf(clients: u32) -> Self {
        let cumulated = cumulated(clients);
        let total = cumulated.last().copied().unwrap_or(1.0);
        let mut rng = Rng::new(0x21bf, 0);
        let draw = |_| {
            let drawn = rng.unit() * total;
            scatter(cumulated.partition_point(|&sum| sum <= drawn) as u32, clients)
        };
        Self { draws: (0..DRAWS).map(draw).collect(), at: 0 }
    }

    /// These clients in this order, again and again.
    pub fn in_order(clients: &[u32]) -> Self {
        Self { draws: clients.into(), at: 0 }
    }

    /// Draws among these clients, each as likely as the other.
    pub fn among(clients: &[u32]) -> Self {
        let mut rng = Rng::new(0xa_11ce, 0);
        Self { draws: (0..DRAWS).map(|_| rng.pick(clients)).collect(), at: 0 }
    }

    /// The next client.
    #[inline]
    pub fn next(&mut self) -> u32 {
        let drawn = self.draws[self.at];
        self.at = if self.at + 1 == self.draws.len() { 0 } else { self.at + 1 };
        drawn
    }
}

/// The harmonic sums up to each rank.
fn cumulated(clients: u32) -> Vec<f64> {
    let weights = (1..=clients).map(|rank| 1.0 / f64::from(rank));
    weights
        .scan(0.0, |sum, weight| {
            Some({
                *sum += weight;
                *sum
            })
        })
        .collect()
}

/// A bijection of the numbers below a power of two: frequent clients are not neighbours.
fn scatter(rank: u32, clients: u32) -> u32 {
    (u64::from(rank).wrapping_mul(mix(1) | 1) % u64::from(clients.next_power_of_two())) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sends_twice_as_often_as_the_second() {
        let ring = Ring::zipf(1 << 10);
        let count =
            |rank| ring.draws.iter().filter(|&&client| client == scatter(rank, 1 << 10)).count() as f64;
        let ratio = count(0) / count(1);
        assert!((1.95..2.05).contains(&ratio), "{ratio}");
        assert!(ring.draws.iter().all(|&client| client < 1 << 10));
    }

    #[test]
    fn scattering_loses_nobody() {
        let mut all: Vec<_> = (0..1024).map(|rank| scatter(rank, 1024)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..1024).collect::<Vec<_>>());
    }
}
