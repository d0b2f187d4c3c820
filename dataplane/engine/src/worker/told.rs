//! How much of one kind is told in a tick, whatever happens in it: the rest is counted, and said with what is told next.

/// Of each kind told in a tick at most.
const PER_TICK: u32 = 4;

/// The bound of one kind.
#[derive(Debug, Default)]
pub(super) struct Told {
    left: u32,
    untold: u32,
}

impl Told {
    /// A tick begins.
    pub const fn renew(&mut self) {
        self.left = PER_TICK;
    }

    /// Whether one more may be told; if so, how many were not before it.
    pub fn take(&mut self) -> Option<u32> {
        if self.left == 0 {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.untold))
    }
}
