//! Proof of work: a counter whose hash with the task begins with so many zero bits (hashcash, Back 2002).
//!
//! The page does the same in JavaScript. One block of SHA-256: 32 bytes of seed, 8 of counter, big-endian.

use aws_lc_rs::digest::{SHA256, digest};

/// Least work of a task, in bits: some 256 hashes.
pub const WORK_MIN: u8 = 8;
/// Most work of a task, in bits: some 67 million hashes, minutes on a telephone.
pub const WORK_MAX: u8 = 26;

/// What is hashed with the counter: the SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    pub fn of(token: &str) -> Self {
        Self(hash(token.as_bytes()))
    }

    /// Whether the counter solves a task of so many bits, at most 32.
    pub fn is_solved_by(&self, counter: u64, bits: u8) -> bool {
        let mut message = [0; 40];
        message[..32].copy_from_slice(&self.0);
        message[32..].copy_from_slice(&counter.to_be_bytes());
        let [a, b, c, d, ..] = hash(&message);
        u32::from_be_bytes([a, b, c, d]).leading_zeros() >= u32::from(bits)
    }
}

/// Solves a task as the page does: for clients that have no browser, and for tests.
pub fn solve(token: &str, bits: u8) -> Option<u64> {
    let seed = Seed::of(token);
    (0..=u64::from(u32::MAX)).find(|&counter| seed.is_solved_by(counter, bits))
}

fn hash(message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, message).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn a_solution_is_one_by_another_implementation_too() {
        let counter = solve("a task", 12).unwrap();
        let seed = Sha256::digest("a task");
        let found = Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        assert_eq!((found[0], found[1] >> 4), (0, 0));
        let before = (0..counter).all(|counter| !Seed::of("a task").is_solved_by(counter, 12));
        assert!(before, "the first one that is");
        assert!(!Seed::of("another").is_solved_by(counter, 12));
        assert!(Seed::of("a task").is_solved_by(0, 0));
    }
}
