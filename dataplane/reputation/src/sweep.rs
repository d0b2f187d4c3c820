//! What happens to sources by time alone: windows close, scores decay, evidence fades, entries expire.
//!
//! The sweep visits every used entry once per period, a fixed part each tick, so that its work is
//! bounded and depends on the tick number only.

use repute_memory::prefetch;
use repute_model::{Band, Factor, Model, Policy, Rates, Tick};

use crate::pairs::{deviation, learn};
use crate::scoring::weighted_sum::decayed;
use crate::shard::Rules;
use crate::{Change, Contact, Flags, Ordinary, Requester, Resident, Shard, Slot};

/// Decay acts in this many equal steps per half-life: small enough not to be felt, large enough not
/// to drown in the rounding of a stored score.
const STEPS: u64 = 32;
/// The sweep has so many entries fetched while it visits one.
const AHEAD: usize = 12;
/// Of the entries that a tick's part visits, one in so many at least may be looked up again after an installation: all
/// of them were after as many periods.
const REVISED_PART: u32 = 8;
/// An idle entry that says nothing is kept this long.
const EXPIRE_MS: u32 = 600_000;
/// A score this close to the prior says nothing.
const NOTHING: u16 = 200;

/// What one tick's visits have in common.
struct Round<'a> {
    rules: Rules<'a>,
    now: Tick,
    score: Steps,
    evidence: Steps,
    /// A past mitigation is forgotten after four half-lives.
    mitigations: Steps,
}

/// Time in equal steps, counted from the beginning of time: a visit acts on those that it finds crossed.
struct Steps {
    /// One step, ms.
    step: u64,
    /// How long ago the last one was crossed, ms.
    since: u64,
}

impl<'a> Round<'a> {
    fn at(now: Tick, rules: Rules<'a>) -> Self {
        let steps = |ms: u64| Steps { step: ms.max(1), since: now.0 % ms.max(1) };
        Self {
            rules,
            now,
            score: steps(rules.profile.half_life_ms / STEPS),
            evidence: steps(rules.profile.evidence_half_life_ms / STEPS),
            mitigations: steps(rules.profile.half_life_ms * 4),
        }
    }
}

impl Steps {
    /// How many were crossed within the last `waited` ms.
    #[inline]
    fn crossed(&self, waited: u32) -> u64 {
        let waited = u64::from(waited);
        if waited <= self.since { 0 } else { (waited - self.since - 1) / self.step + 1 }
    }
}

impl Shard {
    /// One tick's part of the sweep. Band changes go to `changed`.
    pub fn sweep(
        &mut self,
        rules: Rules<'_>,
        now: Tick,
        period_ms: u32,
        mut changed: impl FnMut(&Self, Change),
    ) {
        let (part, parts) = (now.0 % u64::from(period_ms), u64::from(period_ms));
        if part == 0 {
            self.occupancy.sweep_ms = u64::from(std::mem::take(&mut self.waited_ms));
            self.rollups.begin();
        }
        let round = Round::at(now, rules);
        let used = u64::from(self.high_water);
        let visited = used * part / parts..used * (part + 1) / parts;
        let revises = self.begin_revisions((visited.end - visited.start) as u32);
        let forgets = self.forgets_services > 0;
        self.forgets_services = self.forgets_services.saturating_sub(1);
        for entry in visited {
            self.fetch_ahead(entry as usize + AHEAD);
            if revises {
                self.fetch_listing(entry as usize + AHEAD / 2, rules.policy);
            }
            let Some(slot) = self.at(entry as u32) else { continue };
            if forgets {
                self.forget_services_of(slot);
            }
            if let Some(change) = self.visit(slot, &round) {
                changed(self, change);
            }
        }
        if !self.neighbours.are_calm() {
            self.neighbours.close((part, parts), now, rules.profile.evidence_half_life_ms);
        }
        self.notice_silence(rules, now, &mut changed);
    }

    #[inline(always)]
    fn fetch_ahead(&self, entry: usize) {
        if let (Some(hot), Some(warm)) = (self.hot.get(entry), self.warm.get(entry)) {
            prefetch(hot);
            prefetch(warm);
            self.requesters.get(entry).into_iter().for_each(prefetch);
            self.residents.get(entry).into_iter().for_each(prefetch);
        }
    }

    /// How many entries this tick's part may look up again; whether the last part found some to look up.
    fn begin_revisions(&mut self, visited: u32) -> bool {
        let allowed = self.revisions.max(visited / REVISED_PART);
        let left = std::mem::replace(&mut self.revisions_left, allowed);
        left < self.revisions
    }

    /// Asks the CPU for what lists say of an entry of an older policy.
    #[inline(never)]
    fn fetch_listing(&self, entry: usize, policy: &Policy) {
        if let (Some(hot), Some(warm)) = (self.hot.get(entry), self.warm.get(entry))
            && !hot.shortcut.is_of(policy.edition)
        {
            policy.lists.fetch(policy.lists.locate(warm.address));
        }
    }

    /// One visit to every entry for a jump in time: scores decay by `now`, but the gap teaches the
    /// baselines nothing.
    pub fn jump(&mut self, rules: Rules<'_>, now: Tick, mut changed: impl FnMut(&Self, Change)) {
        let round = Round::at(now, rules);
        self.revisions_left = u32::MAX;
        self.neighbours.begin();
        let forgets = std::mem::take(&mut self.forgets_services) > 0;
        for entry in 0..self.high_water {
            if let Some(slot) = self.at(entry) {
                let hot = self.hot_mut(slot);
                hot.begin_window();
                self.warm_mut(slot).window = now.low();
                if let Some(requester) = self.requester_mut(slot) {
                    requester.begin_window();
                }
                if forgets {
                    self.forget_services_of(slot);
                }
                let hot = self.hot(slot);
                if hot.flags.has(Flags::SEVERAL) {
                    self.pairs.restart(hot.fingerprint);
                }
                if let Some(change) = self.visit(slot, &round) {
                    changed(self, change);
                }
            }
        }
        self.neighbours.close((0, 1), now, rules.profile.evidence_half_life_ms);
        self.waited_ms = 0;
    }

    #[inline]
    fn visit(&mut self, slot: Slot, round: &Round<'_>) -> Option<Change> {
        let (rules, now) = (round.rules, round.now);
        let stale = !self.hot(slot).shortcut.is_of(rules.policy.edition);
        let named = if stale && self.revisions_left > 0 {
            self.revisions_left -= 1;
            self.refresh(slot, rules)
        } else {
            None
        };
        self.fade(slot, round);
        let (hot, warm) = (&self.hot[slot.0 as usize], &mut self.warm[slot.0 as usize]);
        warm.scored = warm.destination;
        let closes = now.low().wrapping_sub(warm.window) >= rules.profile.window_ms;
        let change = if hot.flags.has(Flags::ALLOWED) {
            None
        } else if self.calm.covers(hot, warm)
            && self.requester(slot).is_none_or(Requester::is_calm)
            && self.resident(slot).is_none_or(Resident::is_calm)
        {
            self.settle(slot, rules, now, || Factor::History)
        } else {
            self.score(slot, round, closes)
        };
        if closes {
            self.close_window(slot, rules, now);
        }
        let is_bad = self.hot(slot).band >= Band::Poor;
        if is_bad || !self.neighbours.are_calm() {
            self.neighbours.note(self.warm[slot.0 as usize].address, is_bad);
        }
        if !rules.policy.services.is_empty() {
            self.roll_up(slot, rules, now);
        }
        self.expire(slot, rules, now);
        named.or(change)
    }

    fn score(&mut self, slot: Slot, round: &Round<'_>, closes: bool) -> Option<Change> {
        let (rules, now) = (round.rules, round.now);
        let scored = self.assess(slot, rules, now);
        let hot = self.hot_mut(slot);
        match rules.profile.model {
            Model::WeightedSum => hot.score = scored.lowers(hot.score, rules.profile),
            Model::Suspicion { .. } => hot.score = scored.score,
            Model::EgressInterval if closes => hot.score = scored.score,
            Model::EgressInterval => {}
        }
        self.settle(slot, rules, now, || rules.profile.model.cause(&scored.terms))
    }

    /// Score towards the prior, evidence towards nothing, in whole steps since the last visit.
    #[inline]
    fn fade(&mut self, slot: Slot, round: &Round<'_>) {
        let profile = round.rules.profile;
        let (hot, warm) = (&mut self.hot[slot.0 as usize], &mut self.warm[slot.0 as usize]);
        let waited = round.now.low().wrapping_sub(warm.visited);
        self.waited_ms = self.waited_ms.max(waited);
        warm.visited = round.now.low();
        let steps = round.score.crossed(waited);
        if steps > 0 && hot.score != profile.prior && profile.model == Model::WeightedSum {
            hot.score = decayed(hot.score, profile.prior, steps * round.score.step, profile.half_life_ms);
        }
        let steps = round.evidence.crossed(waited);
        let requester = self.requesters.get_mut(slot.0 as usize);
        if steps > 0 && (requester.is_some() || !hot.has_no_evidence() || warm.has_evidence()) {
            let share = (-(steps as f64) / STEPS as f64).exp2();
            hot.fade(share);
            warm.fade(share, profile.model);
            if let Some(requester) = requester {
                requester.fade(share);
            }
            if let Some(resident) = self.residents.get_mut(slot.0 as usize) {
                resident.fade(share);
            }
            if hot.flags.has(Flags::SEVERAL) && profile.model != Model::EgressInterval {
                self.pairs.fade(hot.fingerprint, share);
            }
        }
        let forgotten = round.mitigations.crossed(waited);
        warm.mitigations = warm.mitigations.saturating_sub(forgotten.min(255) as u8);
    }

    /// Teaches the baseline the window that ends, if anything came in it, and begins the next one.
    fn close_window(&mut self, slot: Slot, rules: Rules<'_>, now: Tick) {
        let usual = self.usual(self.hot(slot), self.warm(slot));
        let (hot, warm) = (&mut self.hot[slot.0 as usize], &mut self.warm[slot.0 as usize]);
        let seconds = f64::from(now.low().wrapping_sub(warm.window)) / 1e3;
        let baseline = &rules.profile.baseline;
        let several = hot.flags.has(Flags::SEVERAL);
        if hot.packets > 0 && seconds > 0.0 {
            let (packets, volume) = (f64::from(hot.packets) / seconds, f64::from(hot.bytes) / seconds);
            warm.packets.learn(packets, warm.samples, baseline, baseline.floor_packets_per_s);
            if warm.samples > 0 {
                let usual = usual.map(|usual| usual.bytes_per_s);
                let own = f64::from(warm.bytes_mean);
                warm.deviation = deviation(volume, Ordinary::of(own, usual, baseline.floor_bytes_per_s));
            }
            learn(&mut warm.bytes_mean, &mut warm.samples, volume, baseline);
            if !several && !rules.policy.services.is_empty() {
                let rates = Rates { packets_per_s: packets as f32, bytes_per_s: volume as f32 };
                self.hours.teach(warm.service(), hot, rates);
            }
        }
        if several {
            self.pairs.close(hot, seconds, baseline, &mut self.hours);
        }
        hot.begin_window();
        warm.window = now.low();
        if let Some(requester) = self.requesters.get_mut(slot.0 as usize) {
            requester.begin_window();
        }
    }

    /// Frees an entry that has been idle for long and says nothing that a stranger's would not.
    #[inline]
    fn expire(&mut self, slot: Slot, rules: Rules<'_>, now: Tick) {
        let hot = self.hot(slot);
        if now.low().wrapping_sub(hot.last_seen) < EXPIRE_MS {
            return;
        }
        let plain = hot.flags.has(Flags::ALLOWED)
            || hot.score.get().abs_diff(rules.profile.prior.get()) <= NOTHING
                && hot.has_no_evidence()
                && !self.warm(slot).has_evidence();
        if plain {
            self.release(slot);
            self.occupancy.expired += 1;
        }
    }

    /// Charges those whose requests a host that answers others has left unanswered.
    fn notice_silence(&mut self, rules: Rules<'_>, now: Tick, changed: &mut impl FnMut(&Self, Change)) {
        let silence = rules.profile.silence_ms;
        let parts = u64::from(silence / 2).max(1);
        let Self { contacts, hosts, hot, silent, .. } = self;
        let owed = |contact: &Contact| {
            let (entry, check) = contact.asker()?;
            let fingerprint = hot[entry as usize].fingerprint;
            let same = fingerprint != 0 && fingerprint as u8 == check;
            (same && hosts.answers_others(contact.host(), fingerprint, now))
                .then_some((entry, contact.host()))
        };
        contacts.expire(now.0 % parts, parts, now, silence, |contact| match owed(contact) {
            Some(failure) if silent.len() < silent.capacity() => {
                silent.push(failure);
                true
            }
            _ => false,
        });
        while let Some((entry, host)) = self.silent.pop() {
            self.failed(Slot(entry), host, now);
            if let Some(change) = self.rescore(Slot(entry), rules, now) {
                changed(self, change);
            }
        }
    }
}
