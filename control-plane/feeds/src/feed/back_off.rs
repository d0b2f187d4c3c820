//! When to try again: exponential, with jitter, so that many boxes do not ask at once.

use std::time::Duration;

/// The first wait after a failure; shorter where the feed is refreshed more often.
const FIRST: Duration = Duration::from_secs(60);
/// The longest wait after failures; longer where the feed is refreshed less often.
const LONGEST: Duration = Duration::from_secs(3600);
/// After so many failures in a row waits grow no more.
const DOUBLINGS_MAX: u32 = 16;

/// A stream of random numbers from a seed (SplitMix64), for jitter and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, in 0..1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Up to a tenth more than `wait`.
    pub fn around(&mut self, wait: Duration) -> Duration {
        wait.mul_f64(1.0 + 0.1 * self.share())
    }

    /// How long to wait after `failures` (1 or more) in a row: from half of the doubled wait to all of it.
    pub fn after(&mut self, failures: u32, refresh: Duration) -> Duration {
        let doubled = FIRST.min(refresh) * (1 << (failures.clamp(1, DOUBLINGS_MAX) - 1));
        doubled.min(LONGEST.max(refresh)).mul_f64(0.5 + 0.5 * self.share())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_differ() {
        let mut jitter = Jitter::new(1);
        let day = Duration::from_secs(86_400);
        let mut ceiling = 60;
        for failures in 1..100 {
            let wait = jitter.after(failures, day).as_secs_f64();
            assert!(wait >= f64::from(ceiling) / 2.0 && wait <= f64::from(ceiling), "{failures}: {wait}");
            ceiling = (ceiling * 2).min(86_400);
        }
        assert!(jitter.after(99, Duration::from_secs(10)) <= LONGEST);
        assert!(jitter.after(1, Duration::from_secs(10)) <= Duration::from_secs(10));
        assert_ne!(Jitter::new(1).around(day), Jitter::new(2).around(day));
    }
}
