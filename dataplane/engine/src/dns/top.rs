//! Who asks most, and what most is asked for: heavy hitters among keys that nobody could count all of.
//!
//! Told of every query and of every name that does not exist; read when an operator asks. Sets of four rows by Misra and Gries
//! (1982): who is not there takes from the least of its set, and takes its place once that has nothing left. Always holds: a
//! count is never too high, and is too low by what others took; it is of the last eight to sixteen seconds.

use repute_memory::Table;
use repute_model::{Asking, Tick};

const WAYS: usize = 4;
/// Rows for requesters, and as many for domains.
const ROWS: usize = 512;
/// A window, as a power of two of milliseconds.
const WINDOW_BITS: u32 = 13;

/// How often one key was asked for.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Row {
    /// 0 = free.
    key: u64,
    /// The window that is counted.
    window: u32,
    /// Queries, and those of them for names that do not exist: in this window, in the one before.
    now: [u32; 2],
    before: [u32; 2],
}

/// The rows; what they are about stands apart, where counting does not come.
#[derive(Debug)]
pub struct Top<V: Copy> {
    sets: Table<[Row; WAYS]>,
    values: Table<[V; WAYS]>,
}

impl<V: Copy> Top<V> {
    /// Nobody asks; `nothing` fills free rows.
    pub fn new(nothing: V) -> Self {
        let free = Row { key: 0, window: 0, now: [0; 2], before: [0; 2] };
        Self { sets: Table::new(ROWS / WAYS, [free; WAYS]), values: Table::new(ROWS / WAYS, [nothing; WAYS]) }
    }

    /// Counts `times` queries of `key`, of which `value` tells where it is new.
    pub fn count(&mut self, key: u64, times: u16, now: Tick, value: impl FnOnce() -> V) {
        let (key, times, window) = (key.max(1), u32::from(times), window(now));
        let set = key as usize % (ROWS / WAYS);
        let rows = &mut self.sets[set];
        if let Some(row) = rows.iter_mut().find(|row| row.key == key) {
            row.turn(window);
            row.now[0] = row.now[0].saturating_add(times);
            return;
        }
        rows.iter_mut().for_each(|row| row.turn(window));
        let Some((way, least)) = rows.iter_mut().enumerate().min_by_key(|(_, row)| row.queries()) else {
            return;
        };
        let mut left = times;
        for place in [&mut least.before, &mut least.now] {
            let taken = left.min(place[0]);
            (place[0], left) = (place[0] - taken, left - taken);
            place[1] = place[1].min(place[0]);
        }
        if left > 0 {
            *least = Row { key, window, now: [left, 0], before: [0; 2] };
            self.values[set][way] = value();
        }
    }

    /// Counts that a name does not exist which `key` asked for, if it is here.
    pub fn miss(&mut self, key: u64, now: Tick) {
        let key = key.max(1);
        let rows = &mut self.sets[key as usize % (ROWS / WAYS)];
        if let Some(row) = rows.iter_mut().find(|row| row.key == key) {
            row.turn(window(now));
            row.now[1] = row.now[1].saturating_add(1);
        }
    }

    /// Gives the busiest to `each`, at most `most`, the busiest first.
    pub fn best(&self, most: usize, now: Tick, mut each: impl FnMut(&V, Asking)) {
        let all = || self.sets.iter().flatten().zip(self.values.iter().flatten());
        let rows = || all().map(|(row, value)| (row.as_of(window(now)), value));
        // Where the last one stood: by how much it asks, and by its key.
        let mut last = (u32::MAX, u64::MAX);
        for _ in 0..most {
            let behind = rows().filter(|(row, _)| row.queries() > 0 && (row.queries(), row.key) < last);
            let Some((row, value)) = behind.max_by_key(|(row, _)| (row.queries(), row.key)) else { break };
            last = (row.queries(), row.key);
            each(value, row.asking(now));
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes() + self.values.bytes()
    }
}

impl Row {
    fn queries(&self) -> u32 {
        self.now[0].saturating_add(self.before[0])
    }

    /// Begins to count anew with every window.
    fn turn(&mut self, window: u32) {
        match window.wrapping_sub(self.window) {
            0 => return,
            1 => self.before = self.now,
            _ => self.before = [0; 2],
        }
        (self.window, self.now) = (window, [0; 2]);
    }

    fn as_of(&self, window: u32) -> Self {
        let mut row = *self;
        row.turn(window);
        row
    }

    fn asking(&self, now: Tick) -> Asking {
        let begun = now.0 & ((1 << WINDOW_BITS) - 1);
        let counted_ms = if self.before[0] > 0 { begun + (1 << WINDOW_BITS) } else { begun.max(1000) };
        let misses = self.now[1].saturating_add(self.before[1]);
        Asking {
            queries_per_s: self.queries() as f32 * 1000.0 / counted_ms as f32,
            nxdomain: (misses as f32 / self.queries().max(1) as f32).min(1.0),
        }
    }
}

const fn window(now: Tick) -> u32 {
    (now.0 >> WINDOW_BITS) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// Keys and their queries per second, rounded.
    fn best(top: &Top<u64>, most: usize, now: u64) -> Vec<(u64, u32)> {
        let mut found = Vec::new();
        top.best(most, Tick(now), |key, asking| found.push((*key, asking.queries_per_s.round() as u32)));
        found
    }

    #[test]
    fn the_busiest_come_first_and_are_forgotten() {
        let mut top = Top::new(0);
        for at in 0..8192 {
            let key = [7, 7, 7, 9][at as usize % 4];
            top.count(key, 1, Tick(at), || key);
            if key == 9 {
                top.miss(key, Tick(at));
            }
        }
        assert_eq!(best(&top, 9, 8191), [(7, 750), (9, 250)]);
        assert_eq!(best(&top, 1, 8191).len(), 1);
        top.best(9, Tick(8191), |key, asking| assert_eq!(asking.nxdomain, f32::from(*key == 9)));
        assert_eq!(best(&top, 9, 12_288).len(), 2);
        assert_eq!(best(&top, 9, 16_384), []);
    }

    #[test]
    fn whoever_asks_much_outlasts_those_who_ask_once() {
        let mut top = Top::new(0);
        for n in 0..8000u64 {
            // Each of the others comes once; a hundred of them share a set with the busy one in a second.
            top.count(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1, Tick(n), || n);
            if n % 16 == 0 {
                top.count(5, 16, Tick(n), || 5);
            }
        }
        assert_eq!(best(&top, 1, 8000)[0].0, 5);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// Nothing is counted too high, and with room for all nothing too low.
        #[test]
        fn as_a_map(keys in prop::collection::vec((1u64..2000, 1u16..20), 0..400), few in any::<bool>()) {
            let (mut top, mut plain) = (Top::new(0), BTreeMap::new());
            for (key, times) in keys {
                let key = if few { key % 100 + 1 } else { key };
                top.count(key, times, Tick(5), || key);
                *plain.entry(key).or_insert(0u32) += u32::from(times);
            }
            let found = best(&top, usize::MAX, 5);
            prop_assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            for (key, per_s) in &found {
                prop_assert!(*per_s <= plain[key]);
                prop_assert!(!few || *per_s == plain[key]);
            }
            prop_assert!(!few || found.len() == plain.len());
        }
    }
}
