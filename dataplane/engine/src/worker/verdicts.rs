//! What the verdicts of a batch have in common: most batches have one fate.

use repute_model::Verdict;

/// Which verdicts occur in a batch, a bit each.
#[derive(Clone, Copy, Debug)]
pub struct Verdicts(u8);

impl Verdicts {
    /// No packet was judged.
    pub const NONE: Self = Self(0);

    /// One more.
    #[inline(always)]
    pub const fn add(&mut self, verdict: Verdict) {
        self.0 |= 1 << verdict as u8;
    }

    /// Whether there are some and they are all the same.
    pub const fn are_all(&self, verdict: Verdict) -> bool {
        self.0 == 1 << verdict as u8
    }
}
