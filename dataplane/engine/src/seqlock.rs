//! A few words that one thread replaces as a whole and others copy as a whole: a sequence lock.
//!
//! Written by a worker, read by whoever wants to know; the writer never waits. The orderings are those of
//! Boehm, "Can seqlocks get along with programming language memory models?" (2012). Always holds: the number
//! is odd while the words change, and a copy counts only if the number was even and the same on both sides
//! of it.

use crossbeam::utils::CachePadded;

use crate::sync::{AtomicU64, Ordering, fence, spin_loop};

/// `WORDS` words under a sequence lock with one writer, zeros at first.
///
/// Padded, so that its readers never share a cache line with anything else the writer writes.
#[derive(Debug)]
pub struct SeqLock<const WORDS: usize> {
    sequence: CachePadded<AtomicU64>,
    words: CachePadded<[AtomicU64; WORDS]>,
}

impl<const WORDS: usize> Default for SeqLock<WORDS> {
    fn default() -> Self {
        Self {
            sequence: CachePadded::new(AtomicU64::new(0)),
            words: CachePadded::new(std::array::from_fn(|_| AtomicU64::new(0))),
        }
    }
}

impl<const WORDS: usize> SeqLock<WORDS> {
    /// Replaces the words. Only one thread may call this.
    pub fn write(&self, words: &[u64; WORDS]) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (to, from) in self.words.iter().zip(words) {
            to.store(*from, Ordering::Relaxed);
        }
        self.sequence.store(sequence + 2, Ordering::Release);
    }

    /// A number that changes with every replacement; even while nobody is writing.
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// Copies the words; whether the copy is whole. If not, the writer was writing.
    pub fn try_read(&self, words: &mut [u64; WORDS]) -> bool {
        let before = self.sequence.load(Ordering::Acquire);
        for (to, from) in words.iter_mut().zip(self.words.iter()) {
            *to = from.load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        before.is_multiple_of(2) && before == self.sequence.load(Ordering::Relaxed)
    }

    /// Copies words that were written as a whole; tries again while the writer is writing.
    pub fn read(&self, words: &mut [u64; WORDS]) {
        while !self.try_read(words) {
            spin_loop();
        }
    }
}
