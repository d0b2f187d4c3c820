//! From a worker's ticks to the time of day.
//!
//! Ticks say how much later something was, not when: the difference to the wall clock is learnt from the messages themselves.
//! Always holds: none is dated after it was read; a message that waited is dated when it was seen, as long as others
//! waited less in the last minutes.

use std::time::{Duration, SystemTime};

use repute_model::Tick;

/// How much the two clocks may drift apart: 200 millionths.
const DRIFT_ONE_IN: u32 = 5_000;
/// A difference that is no drift: somebody has set the wall clock.
const STEP: Duration = Duration::from_secs(2);

/// One worker's clock.
#[derive(Debug, Default)]
pub struct Wall {
    /// When tick 0 was, and when that was last looked at.
    zero: Option<(SystemTime, SystemTime)>,
}

impl Wall {
    /// When `at` was, for a message read at `now`.
    pub fn time(&mut self, at: Tick, now: SystemTime) -> SystemTime {
        let since = Duration::from_millis(at.0);
        let latest = now.checked_sub(since).unwrap_or(SystemTime::UNIX_EPOCH);
        let zero = match self.zero {
            Some((zero, seen)) => {
                let drift = now.duration_since(seen).unwrap_or_default() / DRIFT_ONE_IN;
                let drifted = zero + drift;
                let is_step = latest.duration_since(drifted).is_ok_and(|later| later > STEP);
                if is_step { latest } else { drifted.min(latest) }
            }
            None => latest,
        };
        self.zero = Some((zero, now));
        zero + since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + ms)
    }

    #[test]
    fn what_waited_is_dated_when_it_was_seen() {
        let mut wall = Wall::default();
        assert_eq!(wall.time(Tick(100), at(120)), at(120), "nothing is known yet");
        assert_eq!(wall.time(Tick(200), at(205)), at(205), "this one waited less");
        let late = wall.time(Tick(300), at(900));
        assert!(late >= at(305) && late < at(306), "{late:?}");
        assert!(wall.time(Tick(2_000), at(1_900)) <= at(1_900), "never in the future");
    }

    #[test]
    fn clocks_drift_and_are_set() {
        let mut wall = Wall::default();
        wall.time(Tick(0), at(0));
        // The worker's clock is slower by 100 millionths: after ten thousand seconds by one.
        let mut last = at(0);
        for second in 1..=10_000u64 {
            last = wall.time(Tick(second * 1_000 - second / 10), at(second * 1_000));
        }
        assert!(at(10_000_000).duration_since(last).unwrap() < Duration::from_millis(5));
        let set = wall.time(Tick(10_000_000), at(20_000_000));
        assert_eq!(set, at(20_000_000), "forward");
        assert_eq!(wall.time(Tick(10_000_100), at(5_000_000)), at(5_000_000), "and back");
    }
}
