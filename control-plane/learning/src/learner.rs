//! Hour by hour: from what workers have counted so far to what is usual.
//!
//! Shown by whoever owns a clock what all workers publish, every few seconds. Always holds: what is usual for an hour went
//! on for some minutes of it; an hour teaches only if it was watched for long enough, its sources stood well, and anything
//! passed the box at all; a clock that is set teaches nothing.

use std::collections::BTreeMap;

use repute_model::{Hour, HourTerms, Lesson, Usuals};

use crate::minutes::Minutes;
use crate::week::{Slot, Week};

const MINUTE_S: u64 = 60;
/// Between two looks that are further apart nobody was watching, in seconds.
const APART_MAX_S: u64 = 60;
/// So many of an hour's minutes must have been watched for it to teach anything.
const WATCHED_LEAST: u32 = 15;

/// What one worker has counted.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Shown {
    /// Its tick since which it has counted: another one, and it has begun anew.
    pub since: u64,
    /// By service, in the order of their names.
    pub lessons: Vec<Lesson>,
    /// Windows of sources that are in no service.
    pub others: u64,
}

impl Shown {
    /// What came since an earlier look.
    fn since(&self, before: &Self) -> Self {
        if before.since != self.since || before.lessons.len() != self.lessons.len() {
            return self.clone();
        }
        let lessons = self.lessons.iter().zip(&before.lessons).map(|(now, before)| now.since(before));
        let others = self.others.saturating_sub(before.others);
        Self { since: self.since, lessons: lessons.collect(), others }
    }

    fn add(&mut self, other: &Self) {
        self.others += other.others;
        self.lessons.iter_mut().zip(&other.lessons).for_each(|(sum, add)| sum.add(add));
    }
}

/// The hour under way.
#[derive(Clone, PartialEq, Debug)]
struct UnderWay {
    /// Minutes since 1970.
    minute: u64,
    /// Those of the hour that were watched to their end.
    watched: u32,
    services: BTreeMap<String, Minutes>,
    /// Windows of all sources.
    windows: u64,
}

impl UnderWay {
    const fn begin(minute: u64) -> Self {
        Self { minute, watched: 0, services: BTreeMap::new(), windows: 0 }
    }

    const fn hour(&self) -> u64 {
        self.minute / 60
    }

    /// Adds what came since the last look.
    fn add(&mut self, services: &[String], came: &Shown) {
        self.windows += came.others + came.lessons.iter().map(|lesson| lesson.windows).sum::<u64>();
        for (name, lesson) in services.iter().zip(&came.lessons) {
            self.services.entry(name.clone()).or_default().add(lesson);
        }
    }

    /// Ends the minute under way.
    fn turn(&mut self, watched: bool) {
        self.watched += u32::from(watched);
        self.services.values_mut().for_each(|minutes| minutes.turn(watched));
    }
}

/// The weeks of all services.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Learner {
    weeks: BTreeMap<String, Week>,
    under_way: Option<UnderWay>,
    /// Seconds since 1970.
    last_look: u64,
    /// By worker, as of the last look.
    shown: Vec<Shown>,
}

impl Learner {
    /// Goes on with what an earlier run has learnt.
    pub fn with(weeks: BTreeMap<String, Week>) -> Self {
        Self { weeks, ..Self::default() }
    }

    /// The week of each service of which anything was learnt.
    pub const fn weeks(&self) -> &BTreeMap<String, Week> {
        &self.weeks
    }

    /// The hour under way; `None` before the first look.
    pub fn hour(&self) -> Option<Hour> {
        self.under_way.as_ref().map(|under_way| Hour::since_1970(under_way.hour()))
    }

    /// What is known of a service at the hour under way.
    pub fn slot(&self, service: &str) -> Option<&Slot> {
        Some(self.weeks.get(service)?.slot(self.hour()?))
    }

    /// What is usual at the hour under way for these services, in the order of their numbers.
    pub fn usuals(&self, terms: &HourTerms, services: &[String]) -> Usuals {
        let Some(hour) = self.hour() else { return Usuals::UNKNOWN };
        Usuals::at(hour, services.iter().map(|name| self.slot(name)?.usual(terms)))
    }

    /// Looks at what workers have counted by `now_s` (seconds since 1970) for these services. Whether another hour has
    /// begun since the last look: then the one before was learnt, and services that there are no more are forgotten.
    ///
    /// A worker that counts for other services is to be left empty ([`Shown::default`]): it is looked at again later.
    pub fn look(&mut self, now_s: u64, terms: &HourTerms, services: &[String], workers: &[Shown]) -> bool {
        let minute = now_s / MINUTE_S;
        let apart = now_s.checked_sub(std::mem::replace(&mut self.last_look, now_s));
        let watching = apart.is_some_and(|apart| apart <= APART_MAX_S);
        let came = self.came(services, workers);
        let Some(under_way) = self.under_way.as_mut() else {
            self.under_way = Some(UnderWay::begin(minute));
            return true;
        };
        if watching {
            under_way.add(services, &came);
        }
        if under_way.minute == minute {
            return false;
        }
        under_way.turn(watching);
        if under_way.hour() == minute / 60 {
            under_way.minute = minute;
            return false;
        }
        let ended = std::mem::replace(under_way, UnderWay::begin(minute));
        self.learn(ended, terms, services);
        true
    }

    /// What came since the last look, over all workers.
    fn came(&mut self, services: &[String], workers: &[Shown]) -> Shown {
        // What was counted before anybody looked is of no minute that is known.
        let first = self.shown.is_empty();
        self.shown.resize(workers.len(), Shown::default());
        let mut came = Shown { lessons: vec![Lesson::default(); services.len()], ..Shown::default() };
        let looked_at = |now: &Shown| now.lessons.len() == services.len();
        for (before, now) in self.shown.iter_mut().zip(workers).filter(|(_, now)| looked_at(now)) {
            let before = std::mem::replace(before, now.clone());
            if !first {
                came.add(&now.since(&before));
            }
        }
        came
    }

    fn learn(&mut self, ended: UnderWay, terms: &HourTerms, services: &[String]) {
        self.weeks.retain(|name, _| services.contains(name));
        if ended.watched < WATCHED_LEAST || ended.windows == 0 {
            return;
        }
        let hour = Hour::since_1970(ended.hour());
        let taught = ended.services.into_iter().filter(|(name, _)| services.contains(name));
        for (name, rates) in taught.filter_map(|(name, minutes)| Some((name, minutes.teach()?))) {
            self.weeks.entry(name).or_default().learn(hour, rates, terms);
        }
    }
}

#[cfg(test)]
mod tests;
