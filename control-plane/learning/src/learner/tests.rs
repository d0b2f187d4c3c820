//! Weeks of looks at counts, against a plain model of them.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use repute_model::Rates;

use super::*;

const LEAST: Rates = Rates { packets_per_s: 10.0, bytes_per_s: 1000.0 };
const TERMS: HourTerms = HourTerms { weeks: 4, warm_up: 3, least: LEAST };
const HOUR_S: u64 = 3600;
const WEEK_S: u64 = 7 * 24 * HOUR_S;
/// A Monday, 00:00 UTC.
const MONDAY: u64 = 4 * 24 * HOUR_S;

fn services() -> Vec<String> {
    ["archive", "web"].map(str::to_owned).to_vec()
}

/// A box with one worker, whose two services send what they are told to.
struct Lab {
    learner: Learner,
    shown: Shown,
}

impl Lab {
    fn new() -> Self {
        let lessons = vec![Lesson::default(); 2];
        Self { learner: Learner::default(), shown: Shown { since: 0, lessons, others: 0 } }
    }

    /// Looks every ten seconds from one time to another, in each of which a window of either service ends.
    fn run(&mut self, from: u64, to: u64, bytes_per_s: [f32; 2]) {
        for now in (from..to).step_by(10) {
            for (lesson, bytes_per_s) in self.shown.lessons.iter_mut().zip(bytes_per_s) {
                if bytes_per_s > 0.0 {
                    lesson.note(Rates { packets_per_s: bytes_per_s / 1000.0, bytes_per_s });
                }
            }
            self.look(now);
        }
    }

    fn look(&mut self, now: u64) -> bool {
        self.learner.look(now, &TERMS, &services(), std::slice::from_ref(&self.shown))
    }

    fn slot(&self, service: usize, hours: u64) -> Slot {
        let week = self.learner.weeks().get(&services()[service]);
        week.map_or(Slot::default(), |week| *week.slot(Hour::since_1970(hours + MONDAY / HOUR_S)))
    }
}

#[test]
fn each_hour_is_learnt_by_itself() {
    let mut here = Lab::new();
    for week in 0..3 {
        let monday = MONDAY + week * WEEK_S;
        here.run(monday + 2 * HOUR_S, monday + 3 * HOUR_S, [2e3, 5e4]);
        here.run(monday + 3 * HOUR_S, monday + 4 * HOUR_S, [1e7, 5e4]);
        here.run(monday + 4 * HOUR_S, monday + 5 * HOUR_S, [2e3, 5e4]);
        here.look(monday + 5 * HOUR_S);
    }
    let bytes = |service, hour| here.slot(service, hour).usual(&TERMS).map(|rates| rates.bytes_per_s.round());
    // Looks that fall a little into the next hour make no difference.
    assert_eq!([2, 3, 4, 5].map(|hour| bytes(0, hour)), [Some(2e3), Some(1e7), Some(2e3), None]);
    assert_eq!([2, 3, 4].map(|hour| bytes(1, hour)), [Some(5e4); 3]);
}

#[test]
fn what_is_usual_now_is_told_by_number() {
    let mut here = Lab::new();
    for week in 0..3 {
        let monday = MONDAY + week * WEEK_S;
        here.run(monday, monday + HOUR_S, [1e6, 0.0]);
        assert!(here.look(monday + HOUR_S), "the hour is over");
        assert!(!here.look(monday + HOUR_S + 5));
    }
    here.look(MONDAY + 3 * WEEK_S + 7);
    let usuals = here.learner.usuals(&TERMS, &services());
    assert_eq!(usuals.hour.unwrap().to_string(), "Mon 00:00");
    assert_eq!(usuals.of(Some(0)).unwrap().bytes_per_s.round(), 1e6);
    // It was silent, which was seen as well.
    assert_eq!(usuals.of(Some(1)), Some(LEAST));
    assert_eq!(usuals.of(Some(2)), None);
}

#[test]
fn an_hour_that_was_hardly_watched_teaches_nothing() {
    let mut here = Lab::new();
    // A box that starts late in the hour, one whose clock is set, one that nobody looks at.
    here.run(MONDAY + 3000, MONDAY + HOUR_S + 1, [1e6, 1e6]);
    assert_eq!(here.slot(0, 0).weeks, 0);
    here.look(MONDAY + 90 * WEEK_S);
    here.look(MONDAY + 10);
    here.look(MONDAY + 5 * HOUR_S);
    assert!(here.learner.weeks().is_empty());
    // Half an hour is enough.
    here.run(MONDAY + 5 * HOUR_S, MONDAY + 5 * HOUR_S + 1800, [1e6, 1e6]);
    here.look(MONDAY + 6 * HOUR_S);
    assert_eq!(here.slot(0, 5).weeks, 1);
}

#[test]
fn an_hour_without_a_packet_is_no_quiet_hour() {
    let mut here = Lab::new();
    here.run(MONDAY, MONDAY + HOUR_S + 1, [0.0, 0.0]);
    assert!(here.learner.weeks().is_empty(), "the cable may have been out");
    here.shown.others += 1;
    here.run(MONDAY + HOUR_S, MONDAY + 2 * HOUR_S + 1, [0.0, 0.0]);
    assert_eq!((here.slot(0, 0).weeks, here.slot(0, 1).weeks), (0, 1));
}

#[test]
fn an_hour_of_bad_sources_teaches_nothing() {
    let mut here = Lab::new();
    here.run(MONDAY, MONDAY + 1800, [1e6, 1e6]);
    here.shown.lessons[0].bad += 30;
    here.shown.lessons[1].bad += 10;
    here.run(MONDAY + 1800, MONDAY + HOUR_S + 1, [1e6, 1e6]);
    assert_eq!([0, 1].map(|service| here.slot(service, 0).weeks), [1, 1], "under a tenth of 360 windows");
    here.shown.lessons[0].bad += 100;
    here.run(MONDAY + HOUR_S, MONDAY + 2 * HOUR_S + 1, [1e6, 1e6]);
    assert_eq!([0, 1].map(|service| here.slot(service, 1).weeks), [0, 1]);
}

#[test]
fn a_worker_that_begins_anew_or_lags_is_not_counted_twice() {
    let mut here = Lab::new();
    here.run(MONDAY, MONDAY + 1800, [1e6, 1e6]);
    let windows = |here: &Lab| here.learner.under_way.as_ref().unwrap().windows;
    let before = windows(&here);
    // It counts for other services for a moment, and then from zero.
    here.learner.look(MONDAY + 1800, &TERMS, &services(), &[Shown::default()]);
    here.shown = Shown { since: 77, ..Lab::new().shown };
    here.run(MONDAY + 1810, MONDAY + 1860, [1e6, 1e6]);
    assert_eq!(windows(&here), before + 2 * 5);
}

#[test]
fn services_that_there_are_no_more_are_forgotten() {
    let mut here = Lab::new();
    here.run(MONDAY, MONDAY + HOUR_S + 1, [1e6, 1e6]);
    assert_eq!(here.learner.weeks().len(), 2);
    let shown = Shown { lessons: vec![Lesson::default()], ..here.shown.clone() };
    here.learner.look(MONDAY + 2 * HOUR_S, &TERMS, &services()[1..], &[shown]);
    assert!(here.learner.weeks().keys().eq(["web"]));
}

proptest! {
    #![proptest_config(Config { cases: 64, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..Config::default() })]

    /// However looks fall, an hour teaches what a list of all its windows says, put into minutes and these into order.
    #[test]
    fn it_learns_what_a_list_of_all_windows_says(
        steps in proptest::collection::vec((1..25u64, 0..4u8, 0.0..1e8f32), 500..1500),
    ) {
        let mut here = Lab::new();
        let (mut now, mut model) = (MONDAY, Week::new());
        here.look(now);
        let mut windows: Vec<(u64, f64)> = Vec::new();
        for (seconds, count, bytes_per_s) in steps {
            let before = now;
            now += seconds;
            for _ in 0..count {
                here.shown.lessons[0].note(Rates { packets_per_s: bytes_per_s / 100.0, bytes_per_s });
                windows.push((before / 60, f64::from(bytes_per_s)));
            }
            here.look(now);
            if before / HOUR_S != now / HOUR_S {
                let mean = |minute: u64| {
                    let of_it = windows.iter().filter(|(at, _)| *at == minute).map(|(_, rate)| *rate);
                    let (sum, squares) = of_it.fold((0.0, 0.0), |(s, q), rate| (s + rate, q + rate * rate));
                    if sum > 0.0 { squares / sum } else { 0.0 }
                };
                let first = before / HOUR_S * 60;
                let mut minutes: Vec<_> = (first..first + 60).map(mean).collect();
                minutes.sort_by(|a, b| b.total_cmp(a));
                let bytes_per_s = minutes[4] as f32;
                let seen = Rates { packets_per_s: bytes_per_s / 100.0, bytes_per_s };
                model.learn(Hour::since_1970(before / HOUR_S), seen, &TERMS);
                windows.clear();
            }
        }
        let learnt = here.learner.weeks().get("archive").cloned().unwrap_or_default();
        for (got, expected) in learnt.slots().iter().zip(model.slots()) {
            prop_assert_eq!(got.weeks, expected.weeks);
            let near = |got: f32, expected: f32| (got - expected).abs() <= 1e-3 * expected;
            prop_assert!(near(got.rates.bytes_per_s, expected.rates.bytes_per_s), "{:?} {:?}", got, expected);
        }
    }
}
