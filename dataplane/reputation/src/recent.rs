//! What was seen a moment ago: a memory of keys with their age, of one cache line a look.
//!
//! Asked for SYNs that were withheld (their retransmission comes a second later, RFC 6298) and for datagrams whose
//! first fragment passed. A cell is two bytes: 12 bits of the key and the 400 ms in which it was noted, modulo 16. Always
//! holds: a key is remembered until 32 newer ones fell into its block, or 6 s have passed; a key that was never noted is
//! taken for one with a probability of at most `32 / 4096 · (part of the ages asked for)`, 0.5 % for half of them.

use repute_memory::Table;
use repute_model::Tick;

/// Cells in a block of one cache line.
const CELLS: usize = 32;
/// Time is kept in units of so many ms, modulo [`UNITS`].
const UNIT_MS: u64 = 400;
const UNITS: u16 = 16;

/// A bounded memory of keys.
#[derive(Debug)]
pub struct Recent {
    blocks: Table<Block>,
}

/// One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Block {
    /// The key's bits in the upper 12, the time in the lower 4; 0 = free.
    cells: [u16; CELLS],
}

impl Recent {
    /// A memory for `keys` keys, a power of two, at least one block.
    pub fn new(keys: u32) -> Self {
        let blocks = (keys as usize / CELLS).max(1).next_power_of_two();
        Self { blocks: Table::new(blocks, Block { cells: [0; CELLS] }) }
    }

    /// Notes a key, in place of the oldest of its block.
    pub fn note(&mut self, key: u64, now: Tick) {
        let (at, tag) = self.place(key);
        let unit = unit(now);
        let block = &mut self.blocks[at];
        let age = |cell: u16| if cell == 0 { UNITS } else { unit.wrapping_sub(cell) % UNITS };
        let oldest = (0..CELLS).max_by_key(|&i| age(block.cells[i])).unwrap_or(0);
        block.cells[oldest] = tag | unit;
    }

    /// Whether a key was noted between `from` and `to` units of 400 ms ago, both included.
    pub fn was_noted(&self, key: u64, now: Tick, from: u16, to: u16) -> bool {
        let (at, tag) = self.place(key);
        let unit = unit(now);
        self.blocks[at].cells.iter().any(|&cell| {
            let age = unit.wrapping_sub(cell) % UNITS;
            cell & !(UNITS - 1) == tag && from <= age && age <= to
        })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.blocks.bytes()
    }

    fn place(&self, key: u64) -> (usize, u16) {
        let tag = ((key >> 48) as u16 & !(UNITS - 1)).max(UNITS);
        (key as usize & (self.blocks.len() - 1), tag)
    }
}

fn unit(now: Tick) -> u16 {
    (now.0 / UNIT_MS) as u16 % UNITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use repute_model::Address;

    fn key(i: u32) -> u64 {
        Secret::from_seed(5).address(Address::v4(i))
    }

    #[test]
    fn a_key_is_known_by_its_age() {
        let mut recent = Recent::new(1024);
        recent.note(key(1), Tick(10_000));
        let retries = |ms| recent.was_noted(key(1), Tick(ms), 2, 10);
        assert!(!retries(10_000) && !retries(10_300));
        assert!(retries(11_000) && retries(13_000));
        assert!(!retries(14_500));
        assert!(!recent.was_noted(key(2), Tick(11_000), 2, 10));
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut recent = Recent::new(32);
        (0..32).for_each(|i| recent.note(key(i), Tick(u64::from(i) * 100)));
        recent.note(key(99), Tick(3_200));
        let known = (0..32).filter(|&i| recent.was_noted(key(i), Tick(3_200), 0, 15)).count();
        assert!((28..=31).contains(&known), "{known}");
        assert!(recent.was_noted(key(99), Tick(3_200), 0, 0));
    }

    #[test]
    fn strangers_are_rarely_taken_for_somebody() {
        let mut recent = Recent::new(65_536);
        (0..200_000).for_each(|i| recent.note(key(i), Tick(u64::from(i) / 50)));
        let known = (1_000_000..1_100_000).filter(|&i| recent.was_noted(key(i), Tick(4_000), 2, 10)).count();
        assert!(known < 700, "{known} of 100000");
    }

    #[test]
    fn a_flood_below_its_room_pushes_nobody_out() {
        let mut recent = Recent::new(524_288);
        (0..200_000).for_each(|i| recent.note(key(i), Tick(u64::from(i) / 200)));
        let kept = (0..200_000).filter(|&i| recent.was_noted(key(i), Tick(1_400), 1, 10)).count();
        assert!(kept > 199_000, "{kept}");
    }
}
