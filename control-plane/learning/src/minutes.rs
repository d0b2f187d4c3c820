//! The minutes of one service's hour: what went on for a while, and not for a moment.
//!
//! Filled by [`Learner`](crate::Learner) look by look, asked by it when the hour ends. Always holds: there are sixty at most.

use repute_model::{Lesson, Rates};

/// A rate is usual for an hour that sources had in so many of its minutes: not one that comes in bursts, nor in what ran on
/// from the hour before.
const GOES_ON: usize = 5;
/// An hour in which more than one in so many windows was one of a source that stood badly teaches nothing.
const BAD_ONE_IN: u64 = 10;

/// One service's hour so far.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Minutes {
    /// The minute under way.
    now: Lesson,
    /// Those that are over.
    over: Vec<Rates>,
    /// Windows of the hour, and those of sources that stood badly.
    windows: [u64; 2],
}

impl Minutes {
    /// Adds what came since the last look.
    pub fn add(&mut self, came: &Lesson) {
        self.now.add(came);
        self.windows[0] += came.windows;
        self.windows[1] += came.bad;
    }

    /// A minute is over; it counts if it was `watched` to its end.
    pub fn turn(&mut self, watched: bool) {
        let minute = std::mem::take(&mut self.now);
        if watched && self.over.len() < 60 {
            self.over.push(minute.rates());
        }
    }

    /// What the hour teaches; `None` where its sources stood badly.
    pub fn teach(self) -> Option<Rates> {
        let [windows, bad] = self.windows;
        let of = |rate: fn(&Rates) -> f32| {
            let mut minutes: Vec<_> = self.over.iter().map(rate).collect();
            minutes.sort_unstable_by(|a, b| b.total_cmp(a));
            minutes.get(GOES_ON - 1).copied().unwrap_or_default()
        };
        (bad * BAD_ONE_IN <= windows + bad).then(|| Rates {
            packets_per_s: of(|rates| rates.packets_per_s),
            bytes_per_s: of(|rates| rates.bytes_per_s),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(bytes_per_s: &[f32]) -> Minutes {
        let mut minutes = Minutes::default();
        for &bytes_per_s in bytes_per_s {
            let mut lesson = Lesson::default();
            lesson.note(Rates { packets_per_s: bytes_per_s / 100.0, bytes_per_s });
            minutes.add(&lesson);
            minutes.turn(true);
        }
        minutes
    }

    #[test]
    fn what_goes_on_for_some_minutes_is_what_the_hour_was_like() {
        let of = |loud: usize| {
            let all: Vec<_> = (0..60).map(|minute| if minute < loud { 1e7 } else { 2e3 }).collect();
            minutes(&all).teach().unwrap()
        };
        assert_eq!([0, 4, 5, 60].map(|loud| of(loud).bytes_per_s), [2e3, 2e3, 1e7, 1e7]);
        assert_eq!(of(5).packets_per_s, 1e5);
        assert_eq!(minutes(&[1e7; 4]).teach(), Some(Rates::default()));
    }

    #[test]
    fn a_minute_that_nobody_watched_is_left_out() {
        let mut unwatched = minutes(&[1e4; 4]);
        unwatched.add(&Lesson { windows: 1, packets: [1.0, 1.0], bytes: [1e9, 1e18], bad: 0 });
        unwatched.turn(false);
        unwatched.turn(true);
        assert_eq!(unwatched.teach().unwrap().bytes_per_s, 0.0);
    }

    #[test]
    fn who_stands_badly_spoils_the_hour() {
        let with = |bad: u64| {
            let mut minutes = minutes(&[1e4; 45]);
            minutes.add(&Lesson { bad, ..Lesson::default() });
            minutes.teach()
        };
        assert!(with(5).is_some() && with(6).is_none());
    }
}
