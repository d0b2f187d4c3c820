//! What destinations without a row did, at most: a count-min sketch with conservative update (Cormode and
//! Muthukrishnan 2005; Estan and Varghese 2002), anew every 64 ms.
//!
//! Called by [`super::Crowds`]. Always holds: an estimate is never less than what was counted of that
//! destination in the window under way; with `w` cells a line it is more by over `4/w` of what all of them
//! together did with a probability of at most 1/16 (Markov's inequality, two independent lines), and by less
//! where a few did most of it.

use repute_memory::Table;
use repute_model::Tick;

use super::Counts;
use super::row::window;

/// Half a cache line: counters, and the window that they are from.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Cell {
    counts: Counts,
    window: u32,
}

/// Two lines of cells.
#[derive(Debug)]
pub(super) struct Sketch {
    lines: [Table<Cell>; 2],
    window: u32,
}

impl Sketch {
    /// `cells` cells a line, a power of two.
    pub fn new(cells: u32) -> Self {
        let line = || Table::new(cells as usize, Cell { counts: Counts::default(), window: 0 });
        Self { lines: [line(), line()], window: 0 }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.lines.iter().map(Table::bytes).sum()
    }

    /// Time has moved on: a new window makes all counts of the old one void, without touching them.
    pub fn advance(&mut self, now: Tick) {
        self.window = window(now);
    }

    /// Counts; the estimate with it.
    #[inline]
    pub fn count(&mut self, hash: u64, counts: Counts) -> Counts {
        let estimate = self.estimate(hash).plus(counts);
        let window = self.window;
        for cell in self.cells_mut(hash) {
            let old = cell.counts_in(window);
            *cell = Cell { counts: old.with(estimate, u32::max, u16::max), window };
        }
        estimate
    }

    /// What the destination with this hash did at most in the window under way.
    #[inline]
    pub fn estimate(&self, hash: u64) -> Counts {
        let [a, b] = self.places(hash);
        let (a, b) = (&self.lines[0][a], &self.lines[1][b]);
        a.counts_in(self.window).with(b.counts_in(self.window), u32::min, u16::min)
    }

    fn cells_mut(&mut self, hash: u64) -> [&mut Cell; 2] {
        let [a, b] = self.places(hash);
        let [first, second] = &mut self.lines;
        [&mut first[a], &mut second[b]]
    }

    fn places(&self, hash: u64) -> [usize; 2] {
        let mask = self.lines[0].len() - 1;
        [hash as usize & mask, (hash >> 32) as usize & mask]
    }
}

impl Cell {
    #[inline(always)]
    fn counts_in(&self, window: u32) -> Counts {
        if self.window == window { self.counts } else { Counts::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};
    use repute_model::Address;

    use super::*;
    use crate::Secret;
    use crate::crowds::{Fact, Happening};

    const CELLS: u32 = 256;

    fn cases() -> Config {
        Config { cases: 48, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..Config::default() }
    }

    #[test]
    fn two_cells_share_a_line() {
        assert_eq!((size_of::<Cell>(), align_of::<Cell>()), (32, 32));
    }

    #[test]
    fn a_window_ends_with_its_64_ms() {
        let mut sketch = Sketch::new(16);
        for now in [0, 63, 64, 64, 127, 1000] {
            sketch.advance(Tick(now));
            sketch.count(7, Counts::of(Fact::Syn.into(), 100));
        }
        assert_eq!(sketch.estimate(7).bytes, 100);
        sketch.advance(Tick(1024));
        assert_eq!(sketch.estimate(7), Counts::default());
    }

    proptest! {
        #![proptest_config(cases())]

        /// Never less than the truth, and more by over 4/w of all for no more than one in sixteen.
        #[test]
        fn errs_upwards_within_its_bound(
            seed in any::<u64>(),
            packets in proptest::collection::vec((0..2_000u32, 0..=Happening::ALL.0, 0..1500u32), 500..6_000),
        ) {
            let secret = Secret::from_seed(seed);
            let mut sketch = Sketch::new(CELLS);
            let (mut exact, mut all) = (BTreeMap::<u32, Counts>::new(), Counts::default());
            for (who, what, bytes) in packets {
                let counts = Counts::of(Happening(what), bytes);
                let told = sketch.count(secret.address(Address::v4(who)), counts);
                let here = exact.entry(who).or_default();
                (*here, all) = (here.plus(counts), all.plus(counts));
                prop_assert_eq!(told, sketch.estimate(secret.address(Address::v4(who))));
            }
            let (mut over, allowed) = (0, all.with(all, |n, _| 4 * n / CELLS, |n, _| (4 * u32::from(n) / CELLS) as u16));
            for (who, exact) in &exact {
                let estimate = sketch.estimate(secret.address(Address::v4(*who)));
                let least = estimate.with(*exact, u32::min, u16::min);
                prop_assert_eq!(least, *exact);
                let error = estimate.with(*exact, |a, b| a - b, |a, b| a - b);
                over += usize::from(error.with(allowed, u32::max, u16::max) != allowed);
            }
            prop_assert!(over <= exact.len() / 16, "{} of {}", over, exact.len());
        }
    }
}
