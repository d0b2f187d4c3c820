//! Numbers that nobody outside can tell beforehand: ports and ids of queries (RFC 5452, 9.2).
//!
//! SipHash-2-4 of a counter under a key from the worker's seed. Always holds: the same seed gives the same numbers, so that a
//! worker repeats itself to the byte.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// A worker's numbers.
#[derive(Clone, Copy)]
pub struct Random {
    key: (u64, u64),
    drawn: u64,
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Random").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}

impl Random {
    /// The numbers of a seed, of `worker` among those who share it.
    pub const fn new(seed: u64, worker: u16) -> Self {
        Self { key: (seed, seed.rotate_left(31) ^ worker as u64), drawn: 0 }
    }

    /// The next one.
    pub fn draw(&mut self) -> u64 {
        self.drawn += 1;
        let mut hasher = SipHasher24::new_with_keys(self.key.0, self.key.1);
        hasher.write_u64(self.drawn);
        hasher.finish()
    }
}
