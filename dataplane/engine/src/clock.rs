//! From microsecond stamps to the grid of ticks, and from a stream of ticks to batches.
//!
//! Live polling, capture time and replay all go through here: that is what makes them one engine.

use repute_model::{BATCH, Tick};

/// A gap longer than this is a jump: it decays what decays in one bounded step and teaches the
/// baselines nothing. Shorter gaps are walked tick by tick.
pub const JUMP_MS: u64 = 60_000;

/// The key of the hash tables on capture time: fixed, so that a replay repeats itself to the byte, over DPDK
/// as well.
pub const REPLAY_SEED: u64 = 0x7265_7075_7465;

/// Maps stamps to ticks: the first stamp's millisecond is tick 1, and time never runs backwards.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grid {
    origin_ms: Option<u64>,
    last: Tick,
}

impl Grid {
    /// The tick of a stamp in µs since any epoch.
    pub fn tick(&mut self, stamp_us: u64) -> Tick {
        let ms = stamp_us / 1000;
        let origin = *self.origin_ms.get_or_insert(ms);
        self.last = self.last.max(Tick(ms.saturating_sub(origin) + 1));
        self.last
    }

    /// The start of a tick in µs since the stamps' epoch; `None` before the first stamp.
    pub fn stamp_us(&self, tick: Tick) -> Option<u64> {
        self.origin_ms.map(|origin| (origin + tick.0.saturating_sub(1)) * 1000)
    }
}

/// How many of the packets waiting with these ticks make the next batch: those of the first one's
/// tick, at most [`BATCH`].
pub fn batch_len(ticks: impl IntoIterator<Item = Tick>) -> usize {
    let mut ticks = ticks.into_iter();
    let Some(first) = ticks.next() else { return 0 };
    1 + ticks.take(BATCH - 1).take_while(|&tick| tick == first).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_begin_at_one_and_never_run_backwards() {
        let mut grid = Grid::default();
        let ticks = [1_700_000_000_000_999, 1_700_000_000_001_000, 5, 1_700_000_000_003_500];
        assert_eq!(ticks.map(|stamp| grid.tick(stamp).0), [1, 2, 2, 4]);
        assert_eq!(grid.stamp_us(Tick(4)), Some(1_700_000_000_003_000));
    }

    #[test]
    fn a_batch_is_one_tick_and_at_most_its_size() {
        assert_eq!(batch_len([]), 0);
        assert_eq!(batch_len([1, 1, 2, 2].map(Tick)), 2);
        assert_eq!(batch_len([Tick(7); 200]), BATCH);
    }
}
