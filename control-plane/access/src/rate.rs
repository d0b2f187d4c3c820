//! How many requests an identity may make: a token bucket each, as GCRA (ITU-T I.371; one time per identity).
//!
//! Asked by [`Access`](crate::Access), where who comes by the unix socket is counted like everybody else, and by the walled
//! garden, whose visitors are sources.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::identity::Identity;

/// Most identities with a bucket of their own. When so many are busy at once, newcomers share one bucket
/// until others fall idle.
pub const IDENTITIES_MAX: usize = 4096;

/// How many requests one identity may make.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateConfig {
    /// Requests per second in the long run, 1..=1 000 000; default 50.
    pub requests_per_s: u32,
    /// Requests at once after a pause, 1..=1 000 000; default 200.
    pub burst: u32,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self { requests_per_s: 50, burst: 200 }
    }
}

/// What is wrong with the rate.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{key}` is {value}; expected 1..=1000000")]
pub struct RateError {
    key: &'static str,
    value: u32,
}

/// The buckets, one for each identity, or for whatever else tells those apart who ask.
#[derive(Debug)]
pub struct Rates<K = Identity> {
    /// Time that one request uses up.
    cost: Duration,
    /// How far ahead of now an arrival may be accounted for.
    depth: Duration,
    buckets: Mutex<Buckets<K>>,
}

/// Theoretical arrival times: before now = idle.
#[derive(Debug)]
struct Buckets<K> {
    own: HashMap<K, Instant>,
    shared: Option<Instant>,
}

impl Rates {
    /// Buckets that are all full.
    ///
    /// # Errors
    /// A value out of its range.
    pub fn new(config: RateConfig) -> Result<Self, RateError> {
        for (key, value) in [("requests_per_s", config.requests_per_s), ("burst", config.burst)] {
            if !(1..=1_000_000).contains(&value) {
                return Err(RateError { key, value });
            }
        }
        Ok(Self::every(Duration::from_secs(1) / config.requests_per_s, config.burst))
    }
}

impl<K: Eq + Hash + Clone> Rates<K> {
    /// Buckets that are all full: one every `cost`, `burst` (1 or more) after a pause.
    pub fn every(cost: Duration, burst: u32) -> Self {
        let buckets = Mutex::new(Buckets { own: HashMap::new(), shared: None });
        Self { cost, depth: cost.saturating_mul(burst.saturating_sub(1)), buckets }
    }

    /// Takes one request out of the bucket.
    ///
    /// # Errors
    /// It is empty; so long until it no longer is.
    pub fn take(&self, identity: &K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let arrival = buckets.arrival(identity, now);
        let ahead = arrival.saturating_duration_since(now);
        if ahead > self.depth {
            return Err(ahead - self.depth);
        }
        *arrival = (*arrival).max(now) + self.cost;
        Ok(())
    }
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// The arrival time that counts for somebody.
    fn arrival(&mut self, identity: &K, now: Instant) -> &mut Instant {
        if self.own.len() >= IDENTITIES_MAX && !self.own.contains_key(identity) {
            self.own.retain(|_, arrival| *arrival > now);
            if self.own.len() >= IDENTITIES_MAX {
                return self.shared.get_or_insert(now);
            }
        }
        self.own.entry(identity.clone()).or_insert(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn rates(requests_per_s: u32, burst: u32) -> Rates {
        Rates::new(RateConfig { requests_per_s, burst }).unwrap()
    }

    #[test]
    fn burst_then_rate() {
        let (rates, begin) = (rates(10, 3), Instant::now());
        let at = |ms| rates.take(&Identity::Uid(7), begin + Duration::from_millis(ms));
        assert_eq!([at(0), at(0), at(0)], [Ok(()); 3]);
        assert_eq!(at(0), Err(Duration::from_millis(100)));
        assert_eq!(at(40), Err(Duration::from_millis(60)));
        assert_eq!([at(100), at(200)], [Ok(()); 2]);
        assert!(at(250).is_err());
        // Others have their own.
        assert_eq!(rates.take(&Identity::Uid(8), begin), Ok(()));
    }

    #[test]
    fn bounded() {
        let (rates, begin) = (rates(1, 1), Instant::now());
        for uid in 0..IDENTITIES_MAX as u32 {
            assert_eq!(rates.take(&Identity::Uid(uid), begin), Ok(()));
        }
        // All are busy: the next two share a bucket of one.
        assert_eq!(rates.take(&Identity::Uid(1 << 20), begin), Ok(()));
        assert!(rates.take(&Identity::Uid(1 << 21), begin).is_err());
        assert_eq!(rates.buckets.lock().unwrap().own.len(), IDENTITIES_MAX);
        // All are idle: their places are free.
        assert_eq!(rates.take(&Identity::Uid(1 << 21), begin + Duration::from_secs(1)), Ok(()));
        assert_eq!(rates.buckets.lock().unwrap().own.len(), 1);
    }

    #[test]
    fn ranges() {
        assert!(Rates::new(RateConfig { requests_per_s: 0, burst: 1 }).is_err());
        let error = Rates::new(RateConfig { requests_per_s: 1, burst: 1_000_001 }).unwrap_err();
        assert_eq!(error.to_string(), "`burst` is 1000001; expected 1..=1000000");
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(0x5eed), ..ProptestConfig::default() })]

        /// Against the token bucket as textbooks have it. Whole microseconds a request keep both exact.
        #[test]
        fn as_a_token_bucket(
            per_s in prop::sample::select(vec![1, 4, 10, 50, 125, 1000]),
            burst in 1u32..=20,
            gaps in prop::collection::vec(0u64..20_000, 1..200),
        ) {
            let (cost, rates, begin) = (u64::from(1_000_000 / per_s), rates(per_s, burst), Instant::now());
            let full = u64::from(burst) * cost;
            let (mut us, mut tokens) = (0, full);
            for gap in gaps {
                us += gap;
                tokens = (tokens + gap).min(full);
                let taken = rates.take(&Identity::Uid(1), begin + Duration::from_micros(us)).is_ok();
                prop_assert_eq!(taken, tokens >= cost);
                tokens -= if taken { cost } else { 0 };
            }
        }
    }
}
