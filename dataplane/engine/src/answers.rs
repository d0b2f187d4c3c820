//! What a worker answers when it is asked: explanations, lists, nudges.

use repute_model::{
    Explanation, Filter, Flood, HELD_UP, PAIRS, Packet, PairStanding, RESTORE_MAX, Report, Rule, Source,
    SourceRow, SourceState, Token,
};
use repute_model::{Listing, Treatment};
use repute_reputation::scoring::Scored;
use repute_reputation::{Hot, Rules, Slot, Watches};

use crate::Worker;
use crate::worker::{Stranger, rules, source_of, width};

/// A list or a snapshot under way: some entries per tick.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub token: Token,
    pub cursor: u32,
    pub left: u16,
    pub what: Listed,
}

/// What is reported of each source.
#[derive(Clone, Copy, Debug)]
pub enum Listed {
    /// Its row, if it passes.
    Rows(Filter),
    /// Its state.
    States,
    /// How crowds stand, calm ones too.
    Crowds(bool),
}

/// Entries looked at per tick for a list.
const LOOKED_AT_PER_TICK: u32 = 4096;
/// The same for a snapshot, which reports most of them: a round goes on all the time, and no breath should feel it.
const STATES_PER_TICK: u32 = 128;
/// The same for crowds.
const CROWDS_PER_TICK: u32 = 128;

impl<P: Packet> Worker<P> {
    /// Takes a source's score apart, as of now; `None` where the policy has no profile.
    pub fn explain(&self, source: Source) -> Option<Explanation> {
        let rules = rules(&self.policy)?;
        let known = self.shard.find(source);
        let explanation = match known {
            Some(slot) => self.explain_entry(source, slot, rules),
            None => self.explain_stranger(source, rules),
        };
        Some(Explanation { held_up: self.held_up(source, known), ..explanation })
    }

    fn explain_entry(&self, source: Source, slot: Slot, rules: Rules<'_>) -> Explanation {
        let (hot, warm) = (self.shard.hot(slot), self.shard.warm(slot));
        let scored = self.shard.assess(slot, rules, self.now);
        let treatment = self.shard.treatment(slot, rules);
        let excess = treatment.excess_only.then(|| self.excesses.of(hot.fingerprint)).flatten();
        let idle = self.now.low().wrapping_sub(hot.last_seen);
        let (pairs, standing) = self.shard.standings(slot, rules, self.now);
        Explanation {
            tracked: true,
            score: hot.score,
            band: hot.band,
            rule: rule(hot, self.policy.lists.get(warm.address)),
            rest: if excess.is_some() { rules.profile.rest(hot.band) } else { treatment },
            excess,
            treatment,
            begins: Some(self.first_score(source, warm.service(), rules))
                .filter(|&first| first < rules.profile.prior),
            service: warm.service(),
            pairs,
            standing,
            baseline_packets_per_s: f64::from(warm.packets.mean),
            baseline_bytes_per_s: f64::from(warm.bytes_mean),
            at_this_hour: self.shard.at_this_hour(slot, rules, self.now),
            system: self.look_at_system(slot),
            mitigations: warm.mitigations,
            last_seen: repute_model::Tick(self.now.0.saturating_sub(u64::from(idle))),
            ..self.explanation(source, scored, rules)
        }
    }

    /// A source without an entry gets what a new one would get.
    fn explain_stranger(&self, source: Source, rules: Rules<'_>) -> Explanation {
        let stranger = Stranger::of(&self.circumstances(source, None), rules);
        Explanation {
            rule: stranger.rule,
            treatment: stranger.treatment,
            rest: stranger.treatment,
            ..self.explanation(source, stranger.scored, rules)
        }
    }

    fn explanation(&self, source: Source, scored: Scored, rules: Rules<'_>) -> Explanation {
        Explanation {
            source,
            tracked: false,
            score: scored.score,
            band: rules.profile.thresholds.band(scored.score),
            model: rules.profile.model,
            terms: scored.terms,
            target: scored.score,
            rule: Rule::Stranger(rules.profile.thresholds.band(scored.score)),
            treatment: Treatment::PASS,
            excess: None,
            rest: Treatment::PASS,
            policy_version: self.policy.version,
            shadow: self.policy.shadow,
            begins: None,
            service: None,
            pairs: [None; PAIRS],
            standing: None,
            baseline_packets_per_s: 0.0,
            baseline_bytes_per_s: 0.0,
            at_this_hour: None,
            system: None,
            mitigations: 0,
            held_up: [None; HELD_UP],
            last_seen: repute_model::Tick(0),
            now: self.now,
        }
    }

    pub(crate) fn explain_to(&mut self, token: Token, source: Source) {
        if let Some(explanation) = self.explain(source) {
            self.mailbox.send(Report::Explained(token, explanation));
        }
    }

    pub(crate) fn nudge(&mut self, token: Token, source: Source, delta: i16, forgive: bool) {
        let found = self.shard.find(source).or_else(|| self.admit(source, None));
        let (Some(slot), Some(rules)) = (found, rules(&self.policy)) else {
            return self.mailbox.send(Report::Nudged(token, None));
        };
        let before = self.shard.hot(slot).score;
        let change = self.shard.nudge(slot, delta, forgive, rules, self.now);
        let after = self.shard.hot(slot).score;
        let width = width(&self.policy, &self.limits);
        self.excesses.begin(self.shard.hot(slot).fingerprint, None, self.now);
        crate::worker::report(&mut self.mailbox, &self.shard, rules, width, change, self.now);
        self.mailbox.send(Report::Nudged(token, Some((before, after))));
    }

    /// Looks at some more entries for the list or snapshot under way, while there is room for what it reports.
    pub(crate) fn go_on_with_job(&mut self) {
        let Some(mut job) = self.job.take() else { return };
        if let Listed::Crowds(all) = job.what {
            return self.go_on_with_crowds(job, all);
        }
        let end = self.shard.high_water();
        let at_once = match job.what {
            Listed::Rows(_) => LOOKED_AT_PER_TICK,
            Listed::States => STATES_PER_TICK,
            Listed::Crowds(_) => CROWDS_PER_TICK,
        };
        let stop = end.min(job.cursor.saturating_add(at_once));
        while job.cursor < stop && job.left > 0 && self.mailbox.room() > 1 {
            if let Some(report) = self.listed(job.cursor, &job) {
                self.mailbox.send(report);
                job.left -= 1;
            }
            job.cursor += 1;
        }
        let done = job.cursor >= end || job.left == 0;
        if done && self.mailbox.room() > 0 {
            let next = (job.cursor < end).then_some(job.cursor);
            self.mailbox.send(Report::Page(job.token, next));
        } else {
            self.job = Some(job);
        }
    }

    fn go_on_with_crowds(&mut self, mut job: Job, all: bool) {
        let Self { crowd, mailbox, now, .. } = self;
        let places = if crowd.watches().is_some() { Watches::PLACES } else { 0 };
        let stop = places.min(job.cursor.saturating_add(CROWDS_PER_TICK));
        while let Some(watches) = crowd.watches()
            && job.cursor < stop
            && job.left > 0
            && mailbox.room() > Flood::COUNT
        {
            for standing in watches.standing(job.cursor, *now, all) {
                mailbox.send(Report::CrowdStands(job.token, standing));
                job.left = job.left.saturating_sub(1);
            }
            job.cursor += 1;
        }
        let done = job.cursor >= places || job.left == 0;
        if done && mailbox.room() > 0 {
            let next = (job.cursor < places).then_some(job.cursor);
            mailbox.send(Report::Page(job.token, next));
        } else {
            self.job = Some(job);
        }
    }

    fn listed(&self, entry: u32, job: &Job) -> Option<Report> {
        match job.what {
            Listed::Rows(filter) => {
                let row = self.row(entry, filter.service).filter(|row| passes(row, filter));
                row.map(|row| Report::Row(job.token, row))
            }
            Listed::States => {
                let slot = self.shard.at(entry)?;
                let source = source_of(&self.shard, slot, width(&self.policy, &self.limits));
                Some(Report::State(job.token, self.shard.state_of(slot, source, self.now)))
            }
            Listed::Crowds(_) => None,
        }
    }

    /// Gives sources their entries back and hands the states back to be freed. Whom the policy limits is reported, so
    /// that the control plane knows of every limit.
    pub(crate) fn restore(&mut self, token: Token, states: Box<[SourceState]>) {
        let mut taken = 0;
        if let Some(rules) = rules(&self.policy) {
            let width = width(&self.policy, &self.limits);
            let fits = |state: &&SourceState| Source::of(state.source.first(), width) == Some(state.source);
            for state in states.iter().take(RESTORE_MAX).filter(fits) {
                if let Some(change) = self.shard.restore(state, rules, self.now) {
                    taken += 1;
                    crate::worker::report(&mut self.mailbox, &self.shard, rules, width, change, self.now);
                }
            }
        }
        self.mailbox.must_send(Report::Restored { token, taken, states });
    }

    /// The row of an entry; where a service is asked for, what its source does there.
    fn row(&self, entry: u32, service: Option<u8>) -> Option<SourceRow> {
        let slot = self.shard.at(entry)?;
        let rules = rules(&self.policy)?;
        let (hot, warm) = (self.shard.hot(slot), self.shard.warm(slot));
        let seconds = self.now.low().wrapping_sub(warm.window).max(rules.profile.window_ms) as f32 / 1e3;
        let (pairs, over_all) = self.shard.standings(slot, rules, self.now);
        let there = |pair: &PairStanding| service.is_some() && pair.service == service;
        let pair = pairs.into_iter().flatten().find(there);
        if service.is_some() && pair.is_none() {
            return None;
        }
        let bytes_per_s = pair.map_or(hot.bytes as f32 / seconds, |pair| pair.habit.volume_per_s);
        Some(SourceRow {
            source: source_of(&self.shard, slot, width(&self.policy, &self.limits)),
            score: hot.score,
            band: hot.band,
            treatment: self.shard.treatment(slot, rules),
            packets_per_s: hot.packets as f32 / seconds,
            bytes_per_s,
            service: service.or(warm.service()),
            standing: pair.map(|pair| pair.standing).or(over_all),
            idle_ms: self.now.low().wrapping_sub(hot.last_seen),
        })
    }
}

fn rule(hot: &Hot, listing: Option<Listing>) -> Rule {
    match listing {
        Some(Listing::Allow) => Rule::Allowed,
        Some(Listing::Deny(percent)) => Rule::Listed(percent),
        None => Rule::Band(hot.band),
    }
}

fn passes(row: &SourceRow, filter: Filter) -> bool {
    row.band >= filter.at_least && row.packets_per_s >= filter.min_packets_per_s
}
