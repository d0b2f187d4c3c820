//! The file that the name model is kept in.
//!
//! Written by the trainer, read at start. Always holds: what is read is complete and finite, or refused; the same
//! weights give the same bytes.

use super::features::{COUNTS, GRAMS};

/// The weights of a model: numbers, no names.
#[derive(Clone, PartialEq, Debug)]
pub struct Weights {
    /// One of each n-gram, in steps of `step`.
    pub grams: Box<[i8]>,
    /// What a weight of 1 among `grams` stands for.
    pub step: f32,
    /// Those of the counts; the first is the bias.
    pub counts: [f32; COUNTS],
}

/// Why bytes are no model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TableError {
    /// They start with something else.
    #[error("not a name model of version 1: train it anew with `repute-names train`")]
    Kind,
    /// They are too few or too many.
    #[error(
        "a name model has {expected} bytes, this has {found}: it was cut or is of another version; take a whole copy"
    )]
    Length {
        /// Bytes that it should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
    /// A weight is not a number.
    #[error(
        "a weight of the name model is infinite or not a number: train it anew with `repute-names train`"
    )]
    Weight,
}

const MAGIC: &[u8; 16] = b"repute names v1\n";
const FLOATS: usize = 1 + COUNTS;
const LEN: usize = MAGIC.len() + 4 * FLOATS + GRAMS;

impl Weights {
    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// Bytes of another kind or length, or weights that are no numbers.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TableError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(TableError::Kind)?;
        let wrong = TableError::Length { expected: LEN, found: bytes.len() };
        let (floats, grams) = rest.split_at_checked(4 * FLOATS).ok_or(wrong)?;
        if grams.len() != GRAMS {
            return Err(wrong);
        }
        let mut numbers = floats.as_chunks::<4>().0.iter().map(|&number| f32::from_le_bytes(number));
        let step = numbers.next().unwrap_or(f32::NAN);
        let mut counts = [f32::NAN; COUNTS];
        counts.iter_mut().zip(numbers).for_each(|(count, number)| *count = number);
        if !counts.iter().chain([&step]).all(|number| number.is_finite()) {
            return Err(TableError::Weight);
        }
        Ok(Self { grams: grams.iter().map(|&byte| byte as i8).collect(), step, counts })
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let floats = [self.step].into_iter().chain(self.counts).flat_map(f32::to_le_bytes);
        let grams = self.grams.iter().map(|&weight| weight as u8);
        MAGIC.iter().copied().chain(floats).chain(grams).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Weights {
        let grams = (0..GRAMS).map(|i| (i % 251) as i8).collect();
        Weights { grams, step: 0.25, counts: [1.5; COUNTS] }
    }

    #[test]
    fn there_and_back() {
        assert_eq!(Weights::from_bytes(&weights().to_bytes()), Ok(weights()));
    }

    #[test]
    fn damage_is_refused() {
        let bytes = weights().to_bytes();
        assert_eq!(Weights::from_bytes(b"something else"), Err(TableError::Kind));
        for len in [16, 20, 43, bytes.len() - 1] {
            let expected = TableError::Length { expected: bytes.len(), found: len };
            assert_eq!(Weights::from_bytes(&bytes[..len]), Err(expected));
        }
        assert!(Weights::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let endless = Weights { step: f32::INFINITY, ..weights() };
        assert_eq!(Weights::from_bytes(&endless.to_bytes()), Err(TableError::Weight));
    }
}
