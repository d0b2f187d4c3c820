//! Time as the engine knows it: a grid of 1 ms ticks that never runs backwards.

/// Milliseconds since the worker's own beginning of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// Ticks from `earlier` to here; 0 where `earlier` lies ahead.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The start of this tick in nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0 * 1_000_000
    }

    /// The low 32 bits: what entries keep (wraps after 49 days; differences stay right).
    pub const fn low(self) -> u32 {
        self.0 as u32
    }
}
