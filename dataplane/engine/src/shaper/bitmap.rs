//! Which slots of the wheel hold something: one bit a slot, and 64-way summaries above.
//!
//! Used by the wheel alone. Always holds: a bit of a level is set exactly if the word of 64 bits below it is
//! not zero, so that finding the next bit looks at five words at most, however far away it is.

/// Levels, each 64 times smaller than the one below it.
const LEVELS: usize = 3;
/// Bits in a word, as a shift.
const WORD: u32 = u64::BITS.trailing_zeros();

/// A set of numbers below its size.
#[derive(Debug)]
pub struct Bitmap {
    levels: [Box<[u64]>; LEVELS],
}

impl Bitmap {
    /// Bits that the levels reach.
    pub const MAX: usize = 1 << (WORD as usize * LEVELS);

    /// An empty set of numbers below `bits`, 1..=[`Self::MAX`].
    pub fn new(bits: usize) -> Self {
        let words = |level: usize| bits.div_ceil(1 << (WORD as usize * (level + 1)));
        Self { levels: std::array::from_fn(|level| vec![0; words(level)].into()) }
    }

    /// Adds a number.
    pub fn set(&mut self, bit: usize) {
        let mut at = bit;
        for level in &mut self.levels {
            level[at >> WORD] |= mask(at);
            at >>= WORD;
        }
    }

    /// Takes a number out.
    pub fn clear(&mut self, bit: usize) {
        let mut at = bit;
        for level in &mut self.levels {
            let word = &mut level[at >> WORD];
            *word &= !mask(at);
            if *word != 0 {
                return;
            }
            at >>= WORD;
        }
    }

    /// The least number that is not below `from`.
    pub fn next(&self, from: usize) -> Option<usize> {
        let mut at = from;
        for (level, words) in self.levels.iter().enumerate() {
            let word = words.get(at >> WORD)? & !(mask(at) - 1);
            if word != 0 {
                return Some(self.descend(level, first(at >> WORD, word)));
            }
            at = (at >> WORD) + 1;
        }
        None
    }

    /// The least number below a bit of a level.
    fn descend(&self, level: usize, bit: usize) -> usize {
        self.levels[..level].iter().rev().fold(bit, |bit, words| first(bit, words[bit]))
    }
}

/// A number's bit within its word.
const fn mask(bit: usize) -> u64 {
    1 << (bit & (u64::BITS as usize - 1))
}

/// The number of the lowest bit of the `index`th word.
const fn first(index: usize, word: u64) -> usize {
    index << WORD | word.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn finds_what_an_ordered_set_finds() {
        for bits in [64, 1024, 1 << 14, Bitmap::MAX] {
            let (mut bitmap, mut set, mut x) = (Bitmap::new(bits), BTreeSet::new(), 1u64);
            for _ in 0..4_000 {
                x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                let (bit, from) = ((x >> 40) as usize % bits, (x >> 20) as usize % bits);
                if x >> 63 == 0 && set.len() < 40 {
                    bitmap.set(bit);
                    set.insert(bit);
                } else if let Some(gone) = set.range(bit..).next().copied() {
                    bitmap.clear(gone);
                    set.remove(&gone);
                }
                assert_eq!(bitmap.next(from), set.range(from..).next().copied(), "from {from} of {bits}");
            }
        }
    }

    #[test]
    fn ends_are_found_and_nothing_beyond_them() {
        for bits in [64, 4096, Bitmap::MAX] {
            let mut bitmap = Bitmap::new(bits);
            assert_eq!(bitmap.next(0), None);
            bitmap.set(bits - 1);
            assert_eq!(bitmap.next(0), Some(bits - 1));
            bitmap.set(0);
            assert_eq!(bitmap.next(0), Some(0));
            assert_eq!(bitmap.next(1), Some(bits - 1));
            bitmap.clear(bits - 1);
            assert_eq!(bitmap.next(1), None);
        }
    }
}
