//! The counting bloom filter in front of the table: who has been seen before gets exact state.
//!
//! Blocked (Putze, Sanders, Singler 2007): the four 4-bit counters of a key lie in one cache line. It is
//! asked and updated only when the table misses. It ages by the number of insertions, never by time, so
//! that a flood shortens its memory in place of filling it up; how long that memory is in seconds
//! follows from the rate of insertions.

use repute_memory::{Table, prefetch};

/// 4-bit counters in one 64-byte block.
const COUNTERS: u64 = 128;
const MAX: u64 = 15;

/// Counts how often keys were offered, with a bounded, fading memory.
#[derive(Debug)]
pub struct Prefilter {
    blocks: Table<[u64; 8]>,
    insertions: u64,
    /// The block whose counters are halved next.
    hand: usize,
}

impl Prefilter {
    /// A filter of about 4 bytes for each of `keys` (at least one block).
    pub fn new(keys: u32) -> Self {
        let blocks = (u64::from(keys) / 16).next_power_of_two();
        Self { blocks: Table::new(blocks as usize, [0; 8]), insertions: 0, hand: 0 }
    }

    /// Counts `key` and returns how often it has been seen, this time included; 1..=15, never too
    /// low but for ageing, too high with the filter's error rate.
    #[inline]
    pub fn count(&mut self, key: u64) -> u32 {
        self.count_below(key, u32::MAX).unwrap_or(MAX as u32)
    }

    /// Counts `key` if it has been seen less than `times`, this time included, and says how often that was; leaves
    /// everything as it was otherwise.
    #[inline]
    pub fn count_below(&mut self, key: u64, times: u32) -> Option<u32> {
        let place = self.place(key);
        let block = &mut self.blocks[place];
        let least = least(block, key);
        let seen = (least + 1).min(MAX) as u32;
        if seen >= times {
            return None;
        }
        if least < MAX {
            // Conservative update: only the smallest counters grow (Estan and Varghese 2002).
            for position in positions(key) {
                let is_least = nibble(block, position) == least;
                block[(position / 16) as usize] += u64::from(is_least) << (position % 16 * 4);
            }
        }
        self.age();
        Some(seen)
    }

    /// How often `key` was offered, as far as it is remembered: 0..=15.
    pub fn sightings(&self, key: u64) -> u32 {
        least(&self.blocks[self.place(key)], key) as u32
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.blocks.bytes()
    }

    /// Asks the CPU for the block of a key.
    #[inline]
    pub fn prefetch(&self, key: u64) {
        prefetch(&self.blocks[self.place(key)]);
    }

    #[inline]
    fn place(&self, key: u64) -> usize {
        (key >> 28) as usize & (self.blocks.len() - 1)
    }

    /// Insertions since the beginning.
    pub fn insertions(&self) -> u64 {
        self.insertions
    }

    /// After this many insertions a single one is forgotten.
    pub fn window(&self) -> u64 {
        self.blocks.len() as u64 * INSERTIONS_PER_BLOCK
    }

    /// Halves one block every few insertions: each is halved once a window.
    #[inline]
    fn age(&mut self) {
        self.insertions += 1;
        if self.insertions.is_multiple_of(INSERTIONS_PER_BLOCK) {
            for word in &mut self.blocks[self.hand] {
                *word = *word >> 1 & 0x7777_7777_7777_7777;
            }
            self.hand = (self.hand + 1) & (self.blocks.len() - 1);
        }
    }
}

/// Keys of a block between two halvings: 128 counters at 4 a key stay below a quarter full. Whoever is taken for somebody
/// seen before may push out an entry, which costs more than twice the memory.
const INSERTIONS_PER_BLOCK: u64 = 8;

#[inline(always)]
const fn positions(key: u64) -> [u64; 4] {
    [key % COUNTERS, (key >> 7) % COUNTERS, (key >> 14) % COUNTERS, (key >> 21) % COUNTERS]
}

/// The smallest of a key's counters.
#[inline(always)]
fn least(block: &[u64; 8], key: u64) -> u64 {
    let [a, b, c, d] = positions(key);
    nibble(block, a).min(nibble(block, b)).min(nibble(block, c).min(nibble(block, d)))
}

#[inline(always)]
fn nibble(block: &[u64; 8], position: u64) -> u64 {
    block[(position / 16) as usize] >> (position % 16 * 4) & MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u64) -> u64 {
        let wide = u128::from(i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (wide >> 64) as u64 ^ wide as u64
    }

    #[test]
    fn counts_and_saturates() {
        let mut filter = Prefilter::new(1 << 16);
        for expected in 1..=15 {
            assert_eq!(filter.sightings(key(7)), expected - 1);
            assert_eq!(filter.count(key(7)), expected);
        }
        assert_eq!(filter.count(key(7)), 15);
    }

    #[test]
    fn strangers_are_rarely_taken_for_known() {
        let mut filter = Prefilter::new(1 << 16);
        let half = filter.window() / 2;
        for i in 0..half {
            filter.count(key(i));
        }
        let wrong = (0..10_000).filter(|i| filter.count(key(1 << 40 | i)) > 1).count();
        assert!(wrong < 50, "{wrong} of 10000");
    }

    #[test]
    fn ageing_forgets_by_insertions() {
        let mut filter = Prefilter::new(1 << 12);
        filter.count(key(1));
        for i in 0..2 * filter.window() {
            filter.count(key(1 << 30 | i));
        }
        let remembered = (0..1000).filter(|i| {
            // Counting is also asking; fresh keys show the background of wrong answers.
            filter.count(key(1 << 50 | i)) > 1
        });
        assert!(remembered.count() < 200);
    }
}
