//! The hour of the week: what is ordinary for a source then, and what its windows teach about it.
//!
//! Asked by the sweep and by whoever scores. What is usual comes from the control plane, which makes it of the lessons that
//! the sweep adds up here. Always holds: where nothing is known of the hour a source is measured by its own past alone; more
//! volume is never more ordinary.

use repute_model::{Band, Lesson, Rates, Usuals};

use crate::{Flags, Hot};

/// A row for each service that a policy may number, and one for whatever belongs to none.
const ROWS: usize = 256;
/// A source's own mean counts up to so many times what is usual at the hour: nobody makes the unusual his own normal by
/// keeping on with it.
const SLACK: f64 = 8.0;
/// Where the hour is known a deviation is this share of what is ordinary at least: sources of a service are not all alike.
const SPREAD: f64 = 0.5;

/// What is ordinary for one source: all rates between two.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ordinary {
    /// The least: its own mean, as far as that counts.
    pub from: f64,
    /// The most: its own mean, or what is usual for its services at this hour if that is more.
    pub to: f64,
    /// The least that a standard deviation may be here.
    pub spread: f64,
}

impl Ordinary {
    /// For a source with this mean, where so much is usual at this hour for its services, if that is known. Rates up to
    /// `floor` are not worth a suspicion, so that less than that is never what is usual.
    #[inline]
    pub fn of(own: f64, usual: Option<f32>, floor: f64) -> Self {
        let Some(usual) = usual else { return Self { from: own, to: own, spread: 0.0 } };
        let usual = f64::from(usual).max(floor);
        let to = own.clamp(usual, SLACK * usual);
        Self { from: own.min(to), to, spread: SPREAD * to }
    }

    /// The ordinary rate that is nearest to this one: what a deviation in either direction is measured from.
    pub const fn nearest(self, rate: f64) -> f64 {
        rate.clamp(self.from, self.to)
    }
}

/// What is usual now, and what all windows have taught.
#[derive(Debug)]
pub struct Hours {
    /// What is usual for services at this hour.
    pub usuals: Box<Usuals>,
    lessons: Box<[Lesson]>,
}

impl Hours {
    /// Nothing is known, and nothing taught.
    pub fn new() -> Self {
        let lessons = vec![Lesson::default(); ROWS].into_boxed_slice();
        Self { usuals: Box::new(Usuals::UNKNOWN), lessons }
    }

    /// Services have other numbers from now on.
    pub fn forget(&mut self) {
        *self.usuals = Usuals::UNKNOWN;
        self.lessons.fill(Lesson::default());
    }

    /// What the windows of a service's sources have taught since its services were last numbered.
    pub fn lesson(&self, service: Option<u8>) -> &Lesson {
        &self.lessons[place(service)]
    }

    /// A window of a source in a service has ended with traffic. Who stands badly teaches nothing, nor does who is not
    /// judged at all.
    pub fn teach(&mut self, service: Option<u8>, hot: &Hot, rates: Rates) {
        let lesson = &mut self.lessons[place(service)];
        if hot.band >= Band::Poor {
            lesson.bad += 1;
        } else if !hot.flags.has(Flags::ALLOWED) {
            lesson.note(rates);
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Usuals>() + size_of_val(&*self.lessons)
    }
}

impl Default for Hours {
    fn default() -> Self {
        Self::new()
    }
}

/// The more of each of two rates, where either is known.
pub fn most(one: Option<Rates>, other: Option<Rates>) -> Option<Rates> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Rates {
            packets_per_s: one.packets_per_s.max(other.packets_per_s),
            bytes_per_s: one.bytes_per_s.max(other.bytes_per_s),
        }),
        (one, other) => one.or(other),
    }
}

fn place(service: Option<u8>) -> usize {
    usize::from(service.unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    use super::*;

    const FLOOR: f64 = 1000.0;

    #[test]
    fn without_an_hour_it_is_the_own_mean() {
        let ordinary = Ordinary::of(70.0, None, FLOOR);
        assert_eq!((ordinary.from, ordinary.to, ordinary.spread), (70.0, 70.0, 0.0));
        assert_eq!([10.0, 70.0, 900.0].map(|rate| ordinary.nearest(rate)), [70.0; 3]);
    }

    #[test]
    fn the_hour_lifts_what_is_ordinary_and_bounds_what_the_past_says() {
        // The nightly backup in its hour, and the same when hardly anything is usual.
        let backup = Ordinary::of(2_000.0, Some(5e6), FLOOR);
        assert_eq!((backup.from, backup.to, backup.spread), (2_000.0, 5e6, 2.5e6));
        assert_eq!([500.0, 1e6, 9e6].map(|rate| backup.nearest(rate)), [2_000.0, 1e6, 5e6]);
        let noon = Ordinary::of(5e6, Some(3_000.0), FLOOR);
        assert_eq!((noon.from, noon.to), (24_000.0, 24_000.0));
        // Below the floor nothing is worth a suspicion.
        assert_eq!(Ordinary::of(0.0, Some(1.0), FLOOR).to, FLOOR);
    }

    #[test]
    fn who_stands_badly_or_is_not_judged_teaches_nothing() {
        let mut hours = Hours::new();
        let rates = Rates { packets_per_s: 10.0, bytes_per_s: 1000.0 };
        let mut hot = Hot { fingerprint: 1, ..Hot::FREE };
        hours.teach(Some(3), &hot, rates);
        hot.flags.set(Flags::ALLOWED, true);
        hours.teach(Some(3), &hot, rates);
        hours.teach(Some(3), &Hot { band: Band::Poor, ..Hot::FREE }, rates);
        let lesson = hours.lesson(Some(3));
        assert_eq!((lesson.windows, lesson.bad, lesson.rates()), (1, 1, rates));
        hours.forget();
        assert_eq!(*hours.lesson(Some(3)), Lesson::default());
    }

    proptest! {
        #![proptest_config(Config { cases: 512, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..Config::default() })]

        /// More is never more ordinary; the more is usual or was the own past, the more is ordinary; and the hour moves
        /// what is ordinary to the usual, never past it.
        #[test]
        fn it_is_monotone_and_bounded(
            own in 0.0..1e9f64, usual in 0.0..1e9f32, more in 1.0..10.0f64, rate in 0.0..1e10f64,
        ) {
            let of = |own, usual| Ordinary::of(own, Some(usual), FLOOR);
            let ordinary = of(own, usual);
            let beyond = |ordinary: Ordinary, rate: f64| (rate - ordinary.nearest(rate)).max(0.0);
            prop_assert!(ordinary.from <= ordinary.to);
            prop_assert!(beyond(ordinary, rate * more) >= beyond(ordinary, rate));
            prop_assert!(beyond(of(own * more, usual), rate) <= beyond(ordinary, rate));
            prop_assert!(beyond(of(own, usual * more as f32), rate) <= beyond(ordinary, rate));
            let floored = f64::from(usual).max(FLOOR);
            prop_assert!((floored..=SLACK * floored).contains(&ordinary.to));
        }
    }
}
