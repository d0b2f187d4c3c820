//! Mitigations: which sources are limited, since when and why, and which were.
//!
//! Fed by the workers' reports. Owned by the actor.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::{Duration, SystemTime};

use repute_model::{Band, Factor, Mitigation, Score, Source, Tick, Treatment};
use tokio::sync::broadcast;

/// Active mitigations remembered at most; one that begins beyond them is counted and not remembered.
pub const ACTIVE_MAX: usize = 100_000;
/// Past mitigations remembered at most; the oldest go first and are counted.
pub const PAST_MAX: usize = 10_000;
/// Events that a reader may lag behind before it misses some.
const EVENTS_KEPT: usize = 4096;

/// One mitigation: a source limited without a break.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limit {
    /// Who.
    pub source: Source,
    /// The band it was last limited in.
    pub band: Band,
    /// Its score when it entered that band.
    pub score: Score,
    /// What it gets or got there.
    pub treatment: Treatment,
    /// The factor that weighed most when it entered that band.
    pub cause: Factor,
    /// When it began.
    pub began: SystemTime,
    /// When it ended; `None` = in force.
    pub ended: Option<SystemTime>,
    /// How long it lasted, to the last report about it, by the worker's clock in ms.
    pub lasted_ms: u64,
    /// How often it changed since it began.
    pub changes: u32,
    /// Whether it is only told: the policy is in shadow mode, or was when it ended.
    pub shadow: bool,
}

impl Limit {
    /// How long it has lasted at `now`.
    pub fn duration(&self, now: SystemTime) -> Duration {
        match self.ended {
            Some(_) => Duration::from_millis(self.lasted_ms),
            None => now.duration_since(self.began).unwrap_or_default(),
        }
    }
}

/// What happened to a mitigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitChange {
    /// It began.
    Began,
    /// Band, treatment or the policy's mode became another one.
    Changed,
    /// It ended.
    Ended,
}

/// One event of the ledger.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LimitEvent {
    /// What happened.
    pub change: LimitChange,
    /// The mitigation afterwards.
    pub limit: Limit,
}

/// Where a list of mitigations goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitCursor {
    /// Active ones behind this source; `None` = from the first.
    Active(Option<Source>),
    /// Past ones before this number; `u64::MAX` = from the latest.
    Past(u64),
}

/// How many mitigations there are and how many were forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct LedgerCounts {
    pub active: u64,
    pub past: u64,
    /// Not remembered for want of room: active ones beyond the maximum, and the oldest past ones.
    pub forgotten: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    limit: Limit,
    began_at: Tick,
    last_at: Tick,
}

/// All mitigations that are remembered.
#[derive(Debug)]
pub(crate) struct Ledger {
    active: BTreeMap<Source, Open>,
    past: VecDeque<Limit>,
    /// The number of the first one in `past`.
    first: u64,
    forgotten: u64,
    /// Whether the policy is in shadow mode.
    shadow: bool,
    events: broadcast::Sender<LimitEvent>,
}

impl Ledger {
    /// Nothing is remembered yet; `shadow`: whether the policy is in shadow mode.
    pub fn new(shadow: bool) -> Self {
        let (active, past) = (BTreeMap::new(), VecDeque::new());
        Self { active, past, first: 0, forgotten: 0, shadow, events: broadcast::Sender::new(EVENTS_KEPT) }
    }

    /// Takes note of the policy's mode: what was only told is done from now on, or the other way round.
    pub fn set_shadow(&mut self, shadow: bool) {
        if self.shadow == shadow {
            return;
        }
        self.shadow = shadow;
        for open in self.active.values_mut() {
            open.limit.shadow = shadow;
            open.limit.changes = open.limit.changes.saturating_add(1);
            tell(&self.events, LimitChange::Changed, open.limit);
        }
    }

    pub fn events(&self) -> broadcast::Sender<LimitEvent> {
        self.events.clone()
    }

    pub fn counts(&self) -> LedgerCounts {
        let (active, past) = (self.active.len() as u64, self.past.len() as u64);
        LedgerCounts { active, past, forgotten: self.forgotten }
    }

    /// Takes note of a worker's report, received at `now`.
    pub fn take(&mut self, report: &Mitigation, now: SystemTime) {
        if !report.treatment.limits() {
            return self.end(report.source, report.at, now);
        }
        let full = self.active.len() >= ACTIVE_MAX;
        match self.active.get_mut(&report.source) {
            Some(open) => {
                open.change(report);
                let limit = open.limit;
                self.tell(LimitChange::Changed, limit);
            }
            None if full => self.forgotten += 1,
            None => {
                let mut open = Open::new(report, now);
                open.limit.shadow = self.shadow;
                self.active.insert(report.source, open);
                self.tell(LimitChange::Began, open.limit);
            }
        }
    }

    /// Ends a mitigation that its worker no longer enforces as of `at`, unless something was reported
    /// about it later.
    pub fn end(&mut self, source: Source, at: Tick, now: SystemTime) {
        let Some(open) = self.active.get(&source).filter(|open| open.last_at <= at).copied() else { return };
        self.active.remove(&source);
        let lasted_ms = at.since(open.began_at);
        let limit = Limit { ended: Some(now), lasted_ms, ..open.limit };
        if self.past.len() >= PAST_MAX {
            self.past.pop_front();
            self.first += 1;
            self.forgotten += 1;
        }
        self.past.push_back(limit);
        self.tell(LimitChange::Ended, limit);
    }

    /// Whether a mitigation of this source is remembered as active.
    pub fn is_active(&self, source: Source) -> bool {
        self.active.contains_key(&source)
    }

    /// At most `max` mitigations from `cursor` on, and where to go on.
    pub fn page(&self, cursor: LimitCursor, max: usize) -> (Vec<Limit>, Option<LimitCursor>) {
        let max = max.max(1);
        match cursor {
            LimitCursor::Active(after) => {
                let rows = self.active_after(after, max);
                let last = rows.last().filter(|_| rows.len() == max).map(|limit| limit.source);
                (rows, last.map(|source| LimitCursor::Active(Some(source))))
            }
            LimitCursor::Past(before) => {
                let end = before.saturating_sub(self.first).min(self.past.len() as u64) as usize;
                let rows: Vec<_> = self.past.range(..end).rev().take(max).copied().collect();
                let left = end - rows.len();
                (rows, (left > 0).then_some(LimitCursor::Past(self.first + left as u64)))
            }
        }
    }

    fn active_after(&self, after: Option<Source>, max: usize) -> Vec<Limit> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.active.range((from, Bound::Unbounded)).take(max).map(|(_, open)| open.limit).collect()
    }

    fn tell(&self, change: LimitChange, limit: Limit) {
        tell(&self.events, change, limit);
    }
}

fn tell(events: &broadcast::Sender<LimitEvent>, change: LimitChange, limit: Limit) {
    // Nobody may be listening.
    let _ = events.send(LimitEvent { change, limit });
}

impl Open {
    fn new(report: &Mitigation, now: SystemTime) -> Self {
        let limit = Limit {
            source: report.source,
            band: report.band,
            score: report.score,
            treatment: report.treatment,
            cause: report.cause,
            began: now,
            ended: None,
            lasted_ms: 0,
            changes: 0,
            shadow: false,
        };
        Self { limit, began_at: report.at, last_at: report.at }
    }

    fn change(&mut self, report: &Mitigation) {
        self.last_at = report.at;
        self.limit = Limit {
            band: report.band,
            score: report.score,
            treatment: report.treatment,
            cause: report.cause,
            lasted_ms: report.at.since(self.began_at),
            changes: self.limit.changes.saturating_add(1),
            ..self.limit
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROP: Treatment = Treatment { drop: true, ..Treatment::PASS };
    const BLOCK: Treatment = Treatment { block_new: true, ..Treatment::PASS };

    fn report(n: u32, treatment: Treatment, at: u64) -> Mitigation {
        let source = repute_model::Address::v4(0x0a00_0000 + n);
        Mitigation {
            source: Source::from_parts(source, 128),
            band: if treatment.limits() { Band::Malicious } else { Band::Good },
            treatment,
            score: Score::new(100),
            cause: Factor::SynAck,
            at: Tick(at),
        }
    }

    fn all(ledger: &Ledger, mut cursor: LimitCursor, max: usize) -> Vec<Limit> {
        let mut all = Vec::new();
        loop {
            let (rows, next) = ledger.page(cursor, max);
            all.extend(rows);
            let Some(next) = next else { return all };
            cursor = next;
        }
    }

    #[test]
    fn a_mitigation_begins_changes_and_ends() {
        let (mut ledger, now) = (Ledger::new(false), SystemTime::UNIX_EPOCH);
        let mut events = ledger.events().subscribe();
        for mitigation in [report(1, BLOCK, 10), report(1, DROP, 20), report(1, Treatment::PASS, 510)] {
            ledger.take(&mitigation, now);
        }
        let past = all(&ledger, LimitCursor::Past(u64::MAX), 1);
        assert_eq!((past.len(), past[0].lasted_ms, past[0].changes), (1, 500, 1));
        assert_eq!((past[0].treatment, past[0].band), (DROP, Band::Malicious));
        assert_eq!(ledger.counts(), LedgerCounts { active: 0, past: 1, forgotten: 0 });
        let told = [(); 3].map(|()| events.try_recv().unwrap().change);
        assert_eq!(told, [LimitChange::Began, LimitChange::Changed, LimitChange::Ended]);
    }

    #[test]
    fn a_limit_in_shadow_is_told_to_be_none_until_the_mode_changes() {
        let (mut ledger, now) = (Ledger::new(true), SystemTime::UNIX_EPOCH);
        let mut events = ledger.events().subscribe();
        (1..=2).for_each(|n| ledger.take(&report(n, DROP, 10), now));
        ledger.take(&report(2, Treatment::PASS, 20), now);
        [true, false, false].into_iter().for_each(|shadow| ledger.set_shadow(shadow));
        let told: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).collect();
        let told: Vec<_> = told.iter().map(|told| (told.change, told.limit.shadow)).collect();
        let began = (LimitChange::Began, true);
        assert_eq!(told, [began, began, (LimitChange::Ended, true), (LimitChange::Changed, false)]);
        assert!(all(&ledger, LimitCursor::Active(None), 9).iter().all(|limit| !limit.shadow));
        assert!(all(&ledger, LimitCursor::Past(u64::MAX), 9)[0].shadow, "the past stays what it was");
    }

    #[test]
    fn an_end_from_before_the_last_report_ends_nothing() {
        let (mut ledger, now) = (Ledger::new(false), SystemTime::UNIX_EPOCH);
        ledger.take(&report(1, DROP, 20), now);
        ledger.end(report(1, DROP, 0).source, Tick(19), now);
        assert_eq!(ledger.counts().active, 1);
        ledger.end(report(1, DROP, 0).source, Tick(20), now);
        assert_eq!(ledger.counts().active, 0);
    }

    #[test]
    fn both_tables_are_bounded_and_count_what_they_forget() {
        let (mut ledger, now) = (Ledger::new(false), SystemTime::UNIX_EPOCH);
        let many = ACTIVE_MAX as u32 + 5;
        (0..many).for_each(|n| ledger.take(&report(n, DROP, 1), now));
        assert_eq!(ledger.counts(), LedgerCounts { active: ACTIVE_MAX as u64, past: 0, forgotten: 5 });
        (0..many).for_each(|n| ledger.take(&report(n, Treatment::PASS, 2), now));
        let forgotten = 5 + (ACTIVE_MAX - PAST_MAX) as u64;
        assert_eq!(ledger.counts(), LedgerCounts { active: 0, past: PAST_MAX as u64, forgotten });
    }

    #[test]
    fn pages_join_to_the_whole() {
        let (mut ledger, now) = (Ledger::new(false), SystemTime::UNIX_EPOCH);
        (0..100).for_each(|n| ledger.take(&report(n, DROP, 1), now));
        (0..40).for_each(|n| ledger.take(&report(n, Treatment::PASS, 2), now));
        for max in [1, 7, 40, 60, 1000] {
            let active = all(&ledger, LimitCursor::Active(None), max);
            assert!(active.is_sorted_by_key(|limit| limit.source));
            let past = all(&ledger, LimitCursor::Past(u64::MAX), max);
            assert!(past.is_sorted_by(|a, b| a.source > b.source), "the latest first");
            assert_eq!((active.len(), past.len()), (60, 40));
        }
    }
}
