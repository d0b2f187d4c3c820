//! What is usual for the sources of a service at one hour of the week: how it is shown, and what workers are told of it.
//!
//! Workers add up [`Lesson`]s, the control plane makes of them what is usual at each hour, and tells workers [`Usuals`]
//! whenever an hour begins. Always holds: where nothing is known there is no rate, rather than a rate of nothing.

use crate::Hour;

/// What one source sends.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rates {
    /// Packets per second.
    pub packets_per_s: f32,
    /// Bytes per second.
    pub bytes_per_s: f32,
}

/// How weeks are learnt.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HourTerms {
    /// How many weeks make what is usual: the newest has a weight of one in so many. At least 1.
    pub weeks: u8,
    /// Weeks that an hour was seen in before it says anything. At least 1.
    pub warm_up: u8,
    /// Less than this is as good as this: not worth a suspicion. Above 0.
    pub least: Rates,
}

/// What the windows of a service's sources have shown, added up.
///
/// Each window counts by its own rate: the mean is the rate of the window that an average byte (or packet) was sent in. A
/// plain mean would be that of the many who do nothing, and hide the one who does the work of the hour.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Lesson {
    /// Windows that ended with traffic, of sources in good standing.
    pub windows: u64,
    /// Those of sources that stood poor or worse: they teach nothing.
    pub bad: u64,
    /// The sum of packets per second, and that of their squares.
    pub packets: [f64; 2],
    /// The same of bytes per second.
    pub bytes: [f64; 2],
}

impl Lesson {
    /// Adds one window with traffic.
    pub fn note(&mut self, rates: Rates) {
        let add = |[sum, squares]: &mut [f64; 2], rate: f32| {
            *sum += f64::from(rate);
            *squares += f64::from(rate) * f64::from(rate);
        };
        self.windows += 1;
        add(&mut self.packets, rates.packets_per_s);
        add(&mut self.bytes, rates.bytes_per_s);
    }

    /// Adds what others have added up.
    pub fn add(&mut self, other: &Self) {
        self.windows += other.windows;
        self.bad += other.bad;
        for (mine, others) in [(&mut self.packets, other.packets), (&mut self.bytes, other.bytes)] {
            mine.iter_mut().zip(others).for_each(|(sum, add)| *sum += add);
        }
    }

    /// What came since an earlier state of the same sums.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let less = |now: [f64; 2], then: [f64; 2]| [0, 1].map(|i| (now[i] - then[i]).max(0.0));
        Self {
            windows: self.windows.saturating_sub(earlier.windows),
            bad: self.bad.saturating_sub(earlier.bad),
            packets: less(self.packets, earlier.packets),
            bytes: less(self.bytes, earlier.bytes),
        }
    }

    /// The mean, each window by its rate; nothing of no window.
    pub fn rates(&self) -> Rates {
        let mean = |[sum, squares]: [f64; 2]| if sum > 0.0 { (squares / sum) as f32 } else { 0.0 };
        Rates { packets_per_s: mean(self.packets), bytes_per_s: mean(self.bytes) }
    }
}

/// What is usual at one hour, for a source of each service that a policy may number.
#[derive(Clone, PartialEq, Debug)]
pub struct Usuals {
    /// Which hour; `None` = nobody has said yet.
    pub hour: Option<Hour>,
    rates: [Option<Rates>; Self::SERVICES],
}

impl Usuals {
    /// Services at most.
    const SERVICES: usize = 255;
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { hour: None, rates: [None; Self::SERVICES] };

    /// What is usual at an hour, by the services' numbers; those after the last one are not known.
    pub fn at(hour: Hour, rates: impl IntoIterator<Item = Option<Rates>>) -> Self {
        let mut usuals = Self { hour: Some(hour), ..Self::UNKNOWN };
        usuals.rates.iter_mut().zip(rates).for_each(|(place, rates)| *place = rates);
        usuals
    }

    /// What is usual for a source of a service; `None` where that is not known, and for whatever belongs to none.
    #[inline]
    pub fn of(&self, service: Option<u8>) -> Option<Rates> {
        self.rates.get(usize::from(service?)).copied().flatten()
    }
}

/// What is usual for a source at this hour, and what it sends: for explanations.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AtThisHour {
    /// Which one.
    pub hour: Hour,
    /// What sources of its service usually send then; of several the most.
    pub usual: Rates,
    /// What it sends in the window under way.
    pub present: Rates,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rates(packets_per_s: f32, bytes_per_s: f32) -> Rates {
        Rates { packets_per_s, bytes_per_s }
    }

    #[test]
    fn the_one_who_does_the_work_is_not_hidden_by_many_who_do_nothing() {
        let mut lesson = Lesson::default();
        (0..99).for_each(|_| lesson.note(rates(1.0, 100.0)));
        lesson.note(rates(10_000.0, 10_000_000.0));
        let Rates { packets_per_s, bytes_per_s } = lesson.rates();
        assert!(packets_per_s > 9_900.0 && bytes_per_s > 9_900_000.0, "{packets_per_s} {bytes_per_s}");
        let mut same = Lesson::default();
        (0..7).for_each(|_| same.note(rates(3.0, 40.0)));
        assert_eq!((same.rates(), Lesson::default().rates()), (rates(3.0, 40.0), rates(0.0, 0.0)));
    }

    #[test]
    fn sums_are_taken_apart_as_they_were_put_together() {
        let (mut early, mut late) = (Lesson { bad: 2, ..Lesson::default() }, Lesson::default());
        early.note(rates(1.0, 2.0));
        late.note(rates(3.0, 4.0));
        let mut both = early;
        both.add(&late);
        assert_eq!(both.since(&early), late);
        assert_eq!((both.windows, both.bad), (2, 2));
    }

    #[test]
    fn whatever_is_in_no_service_has_no_usual() {
        let usuals = Usuals::at(Hour::since_1970(0), [None, Some(rates(1.0, 2.0))]);
        assert_eq!(usuals.of(Some(1)), Some(rates(1.0, 2.0)));
        assert_eq!([usuals.of(None), usuals.of(Some(0)), usuals.of(Some(255))], [None; 3]);
    }
}
