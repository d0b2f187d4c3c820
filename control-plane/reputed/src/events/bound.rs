//! How many events of a kind are told: a token bucket, and what is left out is counted.
//!
//! Time is passed in. **Always holds:** whatever happens, no more than [`AT_ONCE`] events at once and [`PER_S`] a second
//! after that go through one bound; every other one is in the next count.

use std::time::{Duration, Instant};

/// Events at once after a quiet time.
const AT_ONCE: u32 = 1000;
/// Events a second in the long run.
const PER_S: u32 = 100;

/// The bound of one kind, as GCRA (ITU-T I.371).
#[derive(Debug, Default)]
pub struct Bound {
    /// Before now = nothing was told for a while.
    arrival: Option<Instant>,
    left_out: u64,
}

impl Bound {
    /// Whether an event may be told at `now`; if so, how many were left out before it.
    pub fn take(&mut self, now: Instant) -> Option<u64> {
        let cost = Duration::from_secs(1) / PER_S;
        let arrival = self.arrival.map_or(now, |arrival| arrival.max(now));
        if arrival - now > cost * (AT_ONCE - 1) {
            self.left_out += 1;
            return None;
        }
        self.arrival = Some(arrival + cost);
        Some(std::mem::take(&mut self.left_out))
    }

    /// Others were left out before they came here.
    pub fn missed(&mut self, count: u64) {
        self.left_out += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let (mut bound, begun) = (Bound::default(), Instant::now());
        let flood = |bound: &mut Bound, now| (0..5000).filter(|_| bound.take(now).is_some()).count();
        assert_eq!(flood(&mut bound, begun), 1000);
        bound.missed(7);
        assert_eq!(bound.take(begun + Duration::from_secs(1)), Some(4007));
        assert_eq!(flood(&mut bound, begun + Duration::from_secs(1)), 99);
        assert_eq!(bound.take(begun + Duration::from_secs(60)), Some(4901));
        assert_eq!(bound.take(begun + Duration::from_secs(60)), Some(0));
    }
}
