//! What the verdicts of a batch have in common: most batches have one fate.

use repute_model::Verdict;

/// Which verdicts occur in a batch, and which of its packets have another one than to go on; a bit each.
#[derive(Clone, Copy, Debug)]
pub struct Verdicts {
    kinds: u8,
    rest: u64,
}

impl Verdicts {
    /// No packet was judged.
    pub const NONE: Self = Self { kinds: 0, rest: 0 };

    /// The verdict on `packets`, a bit each.
    #[inline(always)]
    pub fn add(&mut self, verdict: Verdict, packets: u64) {
        self.kinds |= 1 << verdict as u8;
        if verdict != Verdict::Forward {
            self.rest |= packets;
        }
    }

    /// Whether there are some and they are all the same.
    pub const fn are_all(&self, verdict: Verdict) -> bool {
        self.kinds == 1 << verdict as u8
    }

    /// The packets that do not go on at once, a bit each.
    pub const fn rest(&self) -> u64 {
        self.rest
    }
}
