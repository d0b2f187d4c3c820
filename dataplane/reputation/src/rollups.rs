//! How sources stand in their services, and services over their sources (E2): habits from entries and from
//! [`Pairs`](crate::Pairs), gathered by the sweep.
//!
//! Asked by the engine for explanations, lists and what it publishes. Always holds: what is shown of services is of one
//! whole round of the sweep.

use repute_model::{AtThisHour, Band, Habit, Lesson, PairStanding, Rates, RollUp, Standing, Tick, Usuals};

use crate::hours::most;
use crate::neighbours::UNSEEN;
use crate::shard::Rules;
use crate::{Flags, Hot, PAIRS_MAX, Pair, Shard, Slot, Warm};

/// A row for each service that a policy may number, and one for whatever belongs to none.
const ROWS: usize = 256;

/// One service over the sources of one worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gathered {
    /// Sources in it, by band; those in several are in each.
    pub sources: [u64; Band::ALL.len()],
    /// Their habits there.
    pub sum: RollUp,
}

impl Gathered {
    /// The share of its sources that stand badly, 0..1, as if a few more stood well: one bad one of one says little.
    pub fn bad_share(&self) -> f64 {
        let bad: u64 = self.sources[Band::Poor.index()..].iter().sum();
        bad as f64 / (self.sources.iter().sum::<u64>() as f64 + f64::from(UNSEEN))
    }
}

/// All services: the round under way, and the last one.
#[derive(Debug)]
pub struct RollUps {
    rows: [Box<[Gathered]>; 2],
    done: usize,
}

impl RollUps {
    /// Nothing gathered.
    pub fn new() -> Self {
        let rows = || vec![Gathered::default(); ROWS].into_boxed_slice();
        Self { rows: [rows(), rows()], done: 0 }
    }

    /// Ends a round and begins the next one.
    pub fn begin(&mut self) {
        self.done = 1 - self.done;
        self.rows[1 - self.done].fill(Gathered::default());
    }

    /// What the last whole round has gathered of a service.
    pub fn of(&self, service: Option<u8>) -> &Gathered {
        &self.rows[self.done][place(service)]
    }

    fn note(&mut self, service: Option<u8>, band: Band, habit: &Habit) {
        let row = &mut self.rows[1 - self.done][place(service)];
        row.sources[band.index()] += 1;
        row.sum.note(habit);
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(|rows| size_of_val(&**rows)).sum()
    }
}

impl Default for RollUps {
    fn default() -> Self {
        Self::new()
    }
}

fn place(service: Option<u8>) -> usize {
    usize::from(service.unwrap_or(u8::MAX))
}

/// What habits are measured by: the length of the window so far, in seconds, and the windows that a warm-up takes.
#[derive(Clone, Copy)]
struct Scale {
    seconds: f32,
    warm_up: u8,
}

impl Scale {
    fn known(self, samples: u8) -> u8 {
        (f32::from(samples) / f32::from(self.warm_up.max(1)) * 255.0).min(255.0) as u8
    }

    fn entry(self, hot: &Hot, warm: &Warm) -> Habit {
        Habit {
            usual_per_s: warm.bytes_mean,
            volume_per_s: hot.bytes as f32 / self.seconds,
            known: self.known(warm.samples),
            deviation: warm.deviation,
            destination: warm.destination,
        }
    }

    fn pair(self, hot: &Hot, pair: &Pair) -> Habit {
        Habit {
            usual_per_s: pair.mean,
            volume_per_s: pair.bytes(hot.bytes) as f32 / self.seconds,
            known: self.known(pair.samples),
            deviation: pair.deviation,
            destination: pair.destination,
        }
    }
}

impl Shard {
    fn scale(&self, slot: Slot, rules: Rules<'_>, now: Tick) -> Scale {
        let elapsed = now.low().wrapping_sub(self.warm(slot).window).max(rules.profile.window_ms);
        Scale { seconds: elapsed as f32 / 1e3, warm_up: rules.profile.baseline.warm_up }
    }

    /// What a source does in each of its services, its first one first; of a source in one that is what its entry says.
    pub fn habits(
        &self,
        slot: Slot,
        rules: Rules<'_>,
        now: Tick,
    ) -> [Option<(Option<u8>, Habit)>; PAIRS_MAX] {
        let (hot, warm, scale) = (self.hot(slot), self.warm(slot), self.scale(slot, rules, now));
        let mut habits = [None; PAIRS_MAX];
        habits[0] = Some((warm.service(), scale.entry(hot, warm)));
        if hot.flags.has(Flags::SEVERAL) {
            let rows = self.pairs.of(hot.fingerprint).map(|pair| (pair.service(), scale.pair(hot, pair)));
            for (place, row) in habits.iter_mut().zip(rows) {
                *place = Some(row);
            }
        }
        habits
    }

    /// How a source stands in each of its services, and over all of them.
    pub fn standings(
        &self,
        slot: Slot,
        rules: Rules<'_>,
        now: Tick,
    ) -> ([Option<PairStanding>; PAIRS_MAX], Option<Standing>) {
        if rules.policy.services.is_empty() {
            return ([None; PAIRS_MAX], None);
        }
        let (mut sum, mut criticality) = (RollUp::default(), 0.0);
        let pairs = self.habits(slot, rules, now).map(|habit| {
            let (service, habit) = habit?;
            let (before, own) = (sum.weight, rules.policy.criticality(service));
            sum.note(&habit);
            criticality += own * (sum.weight - before) as f64;
            Some(PairStanding::of(service, habit, own))
        });
        (pairs, sum.standing(criticality / sum.weight.max(1) as f64))
    }

    /// What the last whole round of the sweep has gathered of a service.
    pub fn gathered(&self, service: Option<u8>) -> &Gathered {
        self.rollups.of(service)
    }

    /// An hour begins, or more is known of it; what was usual until now goes to whoever frees it.
    pub const fn begin_hour(&mut self, usuals: Box<Usuals>) -> Box<Usuals> {
        std::mem::replace(&mut self.hours.usuals, usuals)
    }

    /// What is usual at this hour for the services of a source; of several the most.
    pub(crate) fn usual(&self, hot: &Hot, warm: &Warm) -> Option<Rates> {
        let usuals = &self.hours.usuals;
        if !hot.flags.has(Flags::SEVERAL) {
            return usuals.of(warm.service());
        }
        self.pairs.of(hot.fingerprint).map(|pair| usuals.of(pair.service())).fold(None, most)
    }

    /// What is usual for a source at this hour, and what it sends; `None` where that is not known.
    pub fn at_this_hour(&self, slot: Slot, rules: Rules<'_>, now: Tick) -> Option<AtThisHour> {
        let (hot, warm, scale) = (self.hot(slot), self.warm(slot), self.scale(slot, rules, now));
        let present = Rates {
            packets_per_s: hot.packets as f32 / scale.seconds,
            bytes_per_s: hot.bytes as f32 / scale.seconds,
        };
        Some(AtThisHour { hour: self.hours.usuals.hour?, usual: self.usual(hot, warm)?, present })
    }

    /// What the windows of a service's sources have taught.
    pub fn lesson(&self, service: Option<u8>) -> &Lesson {
        self.hours.lesson(service)
    }

    /// Adds a source to its services.
    pub(crate) fn roll_up(&mut self, slot: Slot, rules: Rules<'_>, now: Tick) {
        let band = self.hot(slot).band;
        for (service, habit) in self.habits(slot, rules, now).into_iter().flatten() {
            self.rollups.note(service, band, &habit);
        }
    }
}
