//! The hours of a week: what people and machines do, they do again a week later.
//!
//! Counted by the control plane and by replays from their own clocks; workers are told which one it is. Always holds: hours
//! are those of UTC, so that each comes once a week and none twice.

use std::fmt;

/// Hours from the Monday that began the week of 1970-01-01, a Thursday.
const EPOCH: u64 = 3 * 24;
/// Days of a week, the first one first (ISO 8601).
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// One of the 168 hours of a week, from Monday 00:00 UTC on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Hour(u8);

impl Hour {
    /// How many there are.
    pub const COUNT: usize = 168;

    /// The hour of the week that is the given one since 1970-01-01 00:00 UTC.
    pub const fn since_1970(hours: u64) -> Self {
        Self(((hours % Self::COUNT as u64 + EPOCH) % Self::COUNT as u64) as u8)
    }

    /// All of them, the first one first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }

    /// Its position in arrays by hour, 0..[`Hour::COUNT`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// `Tue 03:00`.
impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:00", DAYS[self.index() / 24], self.0 % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_days() {
        // 1970-01-01 00:00, 2024-02-29 13:59:59, 2026-11-30 01:23 UTC.
        for (seconds, name) in [
            (0, "Thu 00:00"),
            (1_709_215_199, "Thu 13:00"),
            (1_796_001_780, "Mon 01:00"),
            (302_400, "Sun 12:00"),
        ] {
            assert_eq!(Hour::since_1970(seconds / 3600).to_string(), name);
        }
        assert_eq!(Hour::since_1970(u64::MAX).index(), 87);
    }

    #[test]
    fn each_comes_once_a_week() {
        let week: Vec<_> = (1000..1168).map(|hours| Hour::since_1970(hours).index()).collect();
        let mut sorted = week.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..Hour::COUNT));
        assert!(Hour::all().map(Hour::index).eq(0..Hour::COUNT));
    }
}
