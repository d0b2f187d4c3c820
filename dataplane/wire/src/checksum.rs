//! The Internet checksum (RFC 1071), for headers that are written here.
//!
//! Called by `vxlan`, `answer`, `soften`, `readdress` and `echo`. Always holds: it is computed, never judged; what arrives keeps the one it came
//! with, or, where one of its words is changed, one that is as right or wrong as before.

/// A ones' complement sum in network order, not yet folded. Holds 2^32 bytes at least.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// What a sum of words of 16 or 32 bits comes to.
    pub const fn of(words: u64) -> Self {
        Self(words)
    }

    /// The sum with these bytes behind the others. Every piece but the last has an even length; an odd byte at the
    /// end is padded with zero.
    ///
    /// Words of 32 bits: carries beyond 16 come back when it is folded (RFC 1071, 2 (C)).
    #[must_use]
    #[inline]
    pub fn with(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<4>();
        let words: u64 = words.iter().map(|&word| u64::from(u32::from_be_bytes(word))).sum();
        let rest = (0..).zip(rest).map(|(i, &byte)| u64::from(byte) << (24 - 8 * i)).sum::<u64>();
        Self(self.0 + words + rest)
    }

    /// The sum of what both are sums of, each from an even place on.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// What goes into the checksum field, which was zero when it was summed.
    #[must_use]
    pub const fn checksum(self) -> u16 {
        let mut sum = (self.0 & 0xffff_ffff) + (self.0 >> 32);
        // 33 bits become 18, these 17 with at most two above 16, and these 16.
        let mut folds = 0;
        while folds < 3 {
            sum = (sum & 0xffff) + (sum >> 16);
            folds += 1;
        }
        !(sum as u16)
    }
}

/// What has changed in the words that a checksum covers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change(Sum);

impl Change {
    /// These bytes in place of those, which are as many and begin at an even place; an odd byte at the end is padded with
    /// zero.
    #[must_use]
    pub fn with(self, old: &[u8], new: &[u8]) -> Self {
        debug_assert_eq!(old.len(), new.len(), "bytes take the place of as many");
        let taken = Sum::default().with(old).checksum();
        Self(Sum(self.0.0 + u64::from(taken)).with(new))
    }

    /// The checksum after the change, of the one before (RFC 1624, equation 3): as right or wrong as that was.
    #[must_use]
    pub const fn of(self, checksum: u16) -> u16 {
        Sum(self.0.0 + !checksum as u64).checksum()
    }
}

/// The checksum after one of the words that it covers has changed (RFC 1624, equation 3).
#[must_use]
pub const fn updated(checksum: u16, old: u16, new: u16) -> u16 {
    Change(Sum(!old as u64 + new as u64)).of(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1624() {
        assert_eq!(updated(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    #[test]
    fn a_changed_word_changes_the_checksum_as_if_it_were_made_anew() {
        for (old, new) in [(0, 0xffff), (0xffff, 0), (0x1234, 0x1233), (1, 1), (0xfffe, 0xffff)] {
            let bytes = |word: u16| [[0x45, 0x00], word.to_be_bytes(), [0xff, 0xfe]].concat();
            let before = Sum::default().with(&bytes(old)).checksum();
            let after = updated(before, old, new);
            assert_eq!(Sum::default().with(&bytes(new)).with(&after.to_be_bytes()).checksum(), 0);
        }
    }

    #[test]
    fn the_example_of_the_rfc() {
        let sum = Sum::default().with(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.checksum(), !0xddf2);
    }

    #[test]
    fn pieces_sum_to_the_whole_and_an_odd_end_is_padded() {
        let bytes: Vec<u8> = (0..=254).rev().collect();
        let plain: u64 =
            bytes.iter().zip([8, 0].iter().cycle()).map(|(&byte, by)| u64::from(byte) << by).sum();
        let whole = !(plain % 0xffff) as u16;
        assert_eq!(Sum::default().with(&bytes).checksum(), whole);
        for piece in [100, 102] {
            assert_eq!(Sum::default().with(&bytes[..piece]).with(&bytes[piece..]).checksum(), whole);
        }
        assert_eq!(Sum::default().with(&bytes).with(&[0; 8]).checksum(), whole);
        let padded = [&bytes[..], &[0]].concat();
        assert_eq!(Sum::default().with(&padded).checksum(), whole);
    }

    #[test]
    fn what_carries_its_checksum_sums_to_zero() {
        let mut bytes = [0xff; 20];
        bytes[10..12].fill(0);
        let checksum = Sum::default().with(&bytes).checksum();
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(Sum::default().with(&bytes).checksum(), 0);
    }
}
