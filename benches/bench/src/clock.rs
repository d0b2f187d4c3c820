//! The engine's own time: it passes only while the engine runs.
//!
//! Contenders take turns in slices. Without this the engine would have to catch up with everybody else's time in
//! its own slices, and its sweep would be charged several times over.

use dpdk::Cycles;
use repute_model::Tick;

/// Ticks of 1 ms, counted by the time stamp counter while the clock is running.
#[derive(Clone, Copy, Debug)]
pub struct OwnClock {
    per_tick: u64,
    /// Cycles that passed in earlier slices.
    passed: u64,
    /// The counter at the begin of this slice.
    since: u64,
}

impl OwnClock {
    /// A clock at its first tick.
    pub fn new(cycles: Cycles) -> Self {
        Self { per_tick: (cycles.hz() / 1000).max(1), passed: 0, since: 0 }
    }

    /// Goes on at counter value `now`.
    pub fn start(&mut self, now: u64) {
        self.since = now;
    }

    /// Stands still from counter value `now` on.
    pub fn stop(&mut self, now: u64) {
        self.passed += now.saturating_sub(self.since);
        self.since = now;
    }

    /// The tick at counter value `now` of a running clock; the first one is 1.
    #[inline]
    pub fn tick(&self, now: u64) -> Tick {
        Tick((self.passed + now.saturating_sub(self.since)) / self.per_tick + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_between_slices_does_not_pass() {
        let mut clock = OwnClock { per_tick: 10, passed: 0, since: 0 };
        clock.start(1000);
        assert_eq!(clock.tick(1009), Tick(1));
        clock.stop(1015);
        clock.start(9000);
        assert_eq!((clock.tick(9000), clock.tick(9005)), (Tick(2), Tick(3)));
        clock.stop(9025);
        assert_eq!(clock.passed, 40);
    }
}
