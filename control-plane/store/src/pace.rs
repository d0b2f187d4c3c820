//! How fast a round has to go.

use std::time::Duration;

use crate::BATCH_MAX;

/// Records of a slice at least, so that a box with few sources writes seldom.
const SLICE_MIN: usize = 256;

/// Spreads a round over time so that no source's latest record is older than a window.
///
/// A source has its turn once a round and its record is on the disk at the end of its slice: with a round that takes
/// the window less one slice, a kill costs at most the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    window: Duration,
    slice: Duration,
}

impl Default for Pace {
    /// A window of 30 s in slices of 250 ms.
    fn default() -> Self {
        Self::new(Duration::from_secs(30), Duration::from_millis(250))
    }
}

impl Pace {
    /// At most `window` may be lost; a slice is written every `slice` (made to fit into half a window, and at least
    /// 1 ms).
    pub fn new(window: Duration, slice: Duration) -> Self {
        let slice = slice.min(window / 2).max(Duration::from_millis(1));
        Self { window, slice }
    }

    /// The time from one slice to the next.
    pub const fn slice(&self) -> Duration {
        self.slice
    }

    /// The time from the begin of one round to that of the next. A round that is through earlier waits.
    pub const fn round(&self) -> Duration {
        self.window.saturating_sub(self.slice)
    }

    /// Records of a slice for so many sources, at most [`BATCH_MAX`].
    pub fn records(&self, sources: usize) -> usize {
        sources.div_ceil(self.slices()).clamp(SLICE_MIN, BATCH_MAX)
    }

    /// Whether so many sources can be written within the window; beyond, rounds take longer and more may be lost.
    pub fn holds(&self, sources: usize) -> bool {
        sources <= self.slices().saturating_mul(BATCH_MAX)
    }

    fn slices(&self) -> usize {
        let slices = self.round().as_nanos() / self.slice.as_nanos();
        usize::try_from(slices).unwrap_or(usize::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_ends_one_slice_before_the_window() {
        let pace = Pace::default();
        for sources in [1usize, 255, 256, 30_000, 100_000, 1_000_000, 1_900_000] {
            let slices = sources.div_ceil(pace.records(sources)) as u32;
            assert!(pace.slice() * slices <= pace.round(), "{sources}");
            assert!(pace.holds(sources));
        }
        assert_eq!(pace.round() + pace.slice(), Duration::from_secs(30));
        assert_eq!(pace.records(1_000_000), 8404);
    }

    #[test]
    fn no_numbers_are_out_of_range() {
        for (window, slice) in [(0, 0), (0, 100), (1, 1), (10, 1000), (u64::MAX, 1)] {
            let pace = Pace::new(Duration::from_millis(window), Duration::from_millis(slice));
            for sources in [0, 1, usize::MAX] {
                assert!((SLICE_MIN..=BATCH_MAX).contains(&pace.records(sources)));
            }
        }
        assert!(!Pace::default().holds(usize::MAX));
    }
}
