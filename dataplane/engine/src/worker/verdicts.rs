//! What the verdicts of a batch have in common: most batches have one fate.

use repute_model::Verdict;

/// The verdicts of a batch, counted and laid over each other.
#[derive(Clone, Copy, Debug)]
pub struct Verdicts {
    len: usize,
    /// Bits of verdicts that occur, a bit each.
    seen: u8,
}

impl Verdicts {
    /// No packet was judged.
    pub const NONE: Self = Self { len: 0, seen: 0 };

    /// One more.
    #[inline(always)]
    pub const fn add(&mut self, verdict: Verdict) {
        self.len += 1;
        self.seen |= 1 << verdict as u8;
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are some and they are all the same.
    pub const fn are_all(&self, verdict: Verdict) -> bool {
        self.seen == 1 << verdict as u8
    }
}
