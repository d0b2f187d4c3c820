//! The secret of the Toeplitz hash, given to every port and to the software alike.
//!
//! Made at boot by the daemon.

use std::fmt;

use arrayvec::ArrayVec;

use crate::Width;

/// Lengths that NICs know, in bytes.
const LENGTHS: [usize; 2] = [40, 52];

/// A Toeplitz key of 40 or 52 bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key(ArrayVec<u8, 52>);

/// A key length that no NIC has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyError(pub usize);

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a Toeplitz key of {} bytes; NICs take 40 or 52", self.0)
    }
}

impl std::error::Error for KeyError {}

impl Key {
    /// A key as it stands.
    ///
    /// # Errors
    /// Any other length than 40 or 52 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if !LENGTHS.contains(&bytes.len()) {
            return Err(KeyError(bytes.len()));
        }
        Ok(Self(bytes.iter().copied().collect()))
    }

    /// The key of `len` bytes that repeats every 16 bits, so that both directions of a flow hash alike
    /// (Woo and Park, 2012).
    ///
    /// # Errors
    /// Any other length than 40 or 52 bytes.
    pub fn symmetric(len: usize) -> Result<Self, KeyError> {
        let bytes: Vec<u8> = [0x6d, 0x5a].into_iter().cycle().take(len).collect();
        Self::new(&bytes)
    }

    /// This key, changed so that all addresses of one source meet the same entry of a table of 2^`index_bits`
    /// entries, 1..=11, although the hash is over the whole address.
    ///
    /// NICs hash all 128 bits of an IPv6 address, while a source outside is a /64. The hash adds 32 bits of
    /// key for each bit of the address, and the table looks at the last of them only: where those are zero for
    /// all bits behind the prefix, these have no say. The one in front of the zeros gives the last bit of the
    /// prefix a say for certain. Widths are as [`Width`] allows.
    #[must_use]
    pub fn for_sources(mut self, width: Width, index_bits: u32) -> Self {
        for (width, family) in [(width.v6, 128), (width.v4, 32)] {
            let first = usize::from(width) + 32 - index_bits as usize;
            self.set(first - 1, true);
            let unseen = if usize::from(width) < family { first..family + 31 } else { 0..0 };
            unseen.for_each(|bit| self.set(bit, false));
        }
        self
    }

    /// The bytes, as a port is given them.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Bytes of input that the key is long enough for.
    pub fn input_max(&self) -> usize {
        self.0.len() - 4
    }

    /// The 32 bits that begin at a bit, which is below 8 · [`Self::input_max`].
    pub(super) fn window(&self, bit: usize) -> u32 {
        let five = self.0[bit / 8..].iter().take(5).fold(0u64, |word, &byte| word << 8 | u64::from(byte));
        (five >> (8 - bit % 8)) as u32
    }

    fn set(&mut self, bit: usize, one: bool) {
        let mask = 0x80 >> (bit % 8);
        let byte = &mut self.0[bit / 8];
        *byte = if one { *byte | mask } else { *byte & !mask };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_nics() {
        for len in [0, 16, 39, 41, 64] {
            assert_eq!(Key::new(&vec![1; len]), Err(KeyError(len)));
            assert_eq!(Key::symmetric(len), Err(KeyError(len)));
        }
        assert_eq!(Key::symmetric(52).unwrap().bytes().len(), 52);
        assert!(KeyError(16).to_string().contains("40 or 52"));
    }

    #[test]
    fn windows_slide_bit_by_bit() {
        let mut bytes = [0; 40];
        (bytes[0], bytes[4], bytes[39]) = (0x81, 0xc0, 0x01);
        let key = Key::new(&bytes).unwrap();
        assert_eq!(key.window(0), 0x8100_0000);
        assert_eq!(key.window(1), 0x0200_0001);
        assert_eq!(key.window(7), 0x8000_0060);
        assert_eq!(key.window(36 * 8 - 1), 0);
        assert_eq!(Key::new(&[0xff; 40]).unwrap().window(287), u32::MAX);
    }
}
