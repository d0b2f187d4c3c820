//! The part of the reputation table that one worker owns, and only that worker touches.

mod admission;
mod batch;

use repute_model::{Band, Factor, Limits, Listing, Model, Policy, Profile, Score, Source, Tick, Treatment};

use crate::calm::Calm;
use crate::index::Index;
use crate::scoring::{self, Scored};
use crate::{
    Contacts, Context, Flags, Hosts, Hot, Hours, Inputs, Neighbours, Pairs, Prefilter, Requester, Resident,
    RollUps, Secret, Shortcut, Warm,
};
use repute_memory::{Pages, Table};

pub use batch::{AHEAD, Sought};

/// What the second cache of a core holds at least, in bytes.
const NEAR: usize = 512 << 10;

/// The number of an entry. Valid until the next admission or sweep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot(pub(crate) u32);

impl Slot {
    /// The number, by which [`Shard::at`] finds it again.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The policy with the profile that judges the shard's side.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Everything.
    pub policy: &'a Policy,
    /// How the owner side is judged.
    pub profile: &'a Profile,
}

/// A source that moved to another band.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Change {
    /// Who.
    pub slot: Slot,
    /// The band it left.
    pub from: Band,
    /// The factor that weighed most.
    pub cause: Factor,
}

/// How full the shard is and what it had to refuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Occupancy {
    /// Sources with an entry.
    pub tracked: u64,
    /// Entries there are.
    pub capacity: u64,
    /// Entries given.
    pub admitted: u64,
    /// Entries taken from the least informative to make room.
    pub evicted: u64,
    /// Packets whose source got no entry.
    pub refused: u64,
    /// Entries that said nothing any more and were freed.
    pub expired: u64,
    /// Requests pushed out of the contact table.
    pub forgotten: u64,
    /// Rows of sources in several services that made room for others.
    pub pairs_forgotten: u64,
    /// The longest that an entry waited for the sweep in the last whole round, ms.
    pub sweep_ms: u64,
}

/// Exact state of sources, what they asked for, and who answers.
#[derive(Debug)]
pub struct Shard {
    pub(crate) secret: Secret,
    index: Index,
    pub(crate) hot: Table<Hot>,
    pub(crate) warm: Table<Warm>,
    /// What each asks a DNS server for; empty where nobody judges queries.
    pub(crate) requesters: Table<Requester>,
    /// Where each of them is at home; empty likewise.
    pub(crate) residents: Table<Resident>,
    /// Index and hot lines together are more than the caches near a core hold.
    is_far: bool,
    /// The first of the freed entries; each knows the next.
    free: Option<u32>,
    /// Entries below this number have been used.
    pub(crate) high_water: u32,
    hand: u32,
    prefilter: Prefilter,
    pub(crate) neighbours: Neighbours,
    pub(crate) pairs: Pairs,
    pub(crate) rollups: RollUps,
    pub(crate) hours: Hours,
    /// Ticks for which the sweep takes their services from those that it visits.
    pub(crate) forgets_services: u32,
    pub(crate) contacts: Contacts,
    pub(crate) hosts: Hosts,
    /// Requests that were answered: how sure the box is to see both directions.
    pub(crate) answers: u32,
    /// Room for the failures that one tick's silence reveals.
    pub(crate) silent: Vec<(u32, u32)>,
    pub(crate) occupancy: Occupancy,
    /// What means nothing under the profile in force.
    pub(crate) calm: Calm,
    /// The longest wait for the sweep in the round under way, ms.
    pub(crate) waited_ms: u32,
    /// Entries of an older policy that a tick's part of the sweep may look up again, and those that are left.
    pub(crate) revisions: u32,
    pub(crate) revisions_left: u32,
}

impl Shard {
    /// Allocates everything that the shard will ever use.
    pub fn new(limits: &Limits, seed: u64) -> Self {
        let sources = limits.sources.max(1);
        let index = Index::new(sources);
        let requesters = if limits.queries > 0 { sources as usize } else { 0 };
        Self {
            secret: Secret::from_seed(seed),
            is_far: index.bytes() + sources as usize * size_of::<Hot>() > NEAR,
            index,
            hot: Table::new(sources as usize, Hot::FREE),
            warm: Table::new(sources as usize, Warm::NEW),
            requesters: Table::new(requesters, Requester::NEW),
            residents: Table::new(requesters, Resident::NEW),
            free: None,
            high_water: 0,
            hand: 0,
            prefilter: Prefilter::new(sources),
            neighbours: Neighbours::new(seed),
            pairs: Pairs::new(limits.pairs),
            rollups: RollUps::new(),
            hours: Hours::new(),
            forgets_services: 0,
            contacts: Contacts::new(limits.contacts),
            hosts: Hosts::new(limits.contacts.max(256).ilog2()),
            answers: 0,
            silent: Vec::with_capacity(256),
            occupancy: Occupancy { capacity: u64::from(sources), ..Occupancy::default() },
            waited_ms: 0,
            revisions: limits.revisions,
            revisions_left: 0,
            calm: Calm::NOTHING,
        }
    }

    /// Learns what means nothing under a profile: to be called before it is judged by.
    pub fn adopt(&mut self, profile: &Profile) {
        self.calm = Calm::under(profile);
    }

    /// Services have other numbers from now on: within one period of the sweep nobody is in any, until his next packet.
    pub fn forget_services(&mut self, period_ms: u32) {
        self.forgets_services = period_ms;
        self.hours.forget();
    }

    /// Takes its services from a source.
    pub(crate) fn forget_services_of(&mut self, slot: Slot) {
        let Self { hot, warm, pairs, .. } = self;
        let (hot, warm) = (&mut hot[slot.0 as usize], &mut warm[slot.0 as usize]);
        if hot.flags.has(Flags::SEVERAL) {
            hot.flags.set(Flags::SEVERAL, false);
            pairs.forget(hot.fingerprint);
        }
        (warm.service, hot.talk) = (0, 0);
    }

    /// The entry of a source.
    #[inline]
    pub fn find(&self, source: Source) -> Option<Slot> {
        self.find_key(self.key(source))
    }

    /// Looks up again what is constant for a source under one policy. Whom a list begins to allow, or
    /// ceases to name, changes his standing at once; a deny list acts as evidence, by the next look at
    /// the score.
    pub fn refresh(&mut self, slot: Slot, rules: Rules<'_>) -> Option<Change> {
        let address = self.warm(slot).address;
        let listing = rules.policy.lists.get(address);
        if let Some(resident) = self.residents.get_mut(slot.0 as usize) {
            resident.lives(rules.policy.homes.of(address));
        }
        let hot = self.hot_mut(slot);
        hot.shortcut = Shortcut::closed(rules.policy.edition);
        let from = hot.band;
        let (was_allowed, was_listed) = (hot.flags.has(Flags::ALLOWED), hot.flags.has(Flags::LISTED));
        hot.flags.set(Flags::ALLOWED, listing == Some(Listing::Allow));
        hot.flags.set(Flags::LISTED, matches!(listing, Some(Listing::Deny(_))));
        let prior = rules.profile.prior;
        match listing {
            Some(Listing::Allow) => {
                hot.forgive();
                (hot.score, hot.band) = (Score::MAX, Band::Excellent);
            }
            Some(Listing::Deny(_)) if was_allowed => hot.score = prior,
            None if was_allowed || was_listed => {
                (hot.score, hot.band) = (prior, rules.profile.thresholds.band(prior));
            }
            _ => {}
        }
        (hot.band != from).then_some(Change { slot, from, cause: Factor::Feed })
    }

    /// What every packet of a source reads.
    #[inline]
    pub fn hot(&self, slot: Slot) -> &Hot {
        &self.hot[slot.0 as usize]
    }

    /// What every packet of a source writes.
    #[inline]
    pub fn hot_mut(&mut self, slot: Slot) -> &mut Hot {
        &mut self.hot[slot.0 as usize]
    }

    /// What sweep and events keep of a source.
    pub fn warm(&self, slot: Slot) -> &Warm {
        &self.warm[slot.0 as usize]
    }

    /// The same, to write.
    pub fn warm_mut(&mut self, slot: Slot) -> &mut Warm {
        &mut self.warm[slot.0 as usize]
    }

    /// What a source asks for; `None` where queries are not judged.
    #[inline]
    pub fn requester(&self, slot: Slot) -> Option<&Requester> {
        self.requesters.get(slot.0 as usize)
    }

    /// The same, to write.
    #[inline]
    pub fn requester_mut(&mut self, slot: Slot) -> Option<&mut Requester> {
        self.requesters.get_mut(slot.0 as usize)
    }

    /// Where a source is at home; `None` where queries are not judged.
    #[inline]
    pub fn resident(&self, slot: Slot) -> Option<&Resident> {
        self.residents.get(slot.0 as usize)
    }

    /// The same, to write.
    #[inline]
    pub fn resident_mut(&mut self, slot: Slot) -> Option<&mut Resident> {
        self.residents.get_mut(slot.0 as usize)
    }

    /// The occupied entry with number `entry`.
    pub fn at(&self, entry: u32) -> Option<Slot> {
        let hot = self.hot.get(entry as usize)?;
        (hot.fingerprint != 0).then_some(Slot(entry))
    }

    /// Entries with numbers from here on have never been used.
    pub fn high_water(&self) -> u32 {
        self.high_water
    }

    /// Bytes that everything of the shard takes, and the smallest pages under its large tables.
    pub fn memory(&self) -> (usize, Pages) {
        let queries = self.requesters.bytes() + self.residents.bytes();
        let fixed = [self.hot.bytes(), self.warm.bytes(), queries, self.index.bytes()];
        let side =
            [self.prefilter.bytes(), self.neighbours.bytes(), self.contacts.bytes(), self.hosts.bytes()];
        let services = [self.pairs.bytes(), self.rollups.bytes(), self.hours.bytes()];
        (fixed.iter().chain(&side).chain(&services).sum(), self.hot.pages().max(self.warm.pages()))
    }

    /// The share of bad sources around a source, 0..1, and how often it was offered to the prefilter.
    pub fn surroundings(&self, source: Source) -> (f64, u32) {
        (self.neighbours.share(source.first()), self.prefilter.sightings(self.key(source)))
    }

    /// Sources offered to the prefilter, and after how many of them it has forgotten a single sighting.
    pub fn prefilter_memory(&self) -> (u64, u64) {
        (self.prefilter.insertions(), self.prefilter.window())
    }

    /// Counts of the table.
    pub fn occupancy(&self) -> Occupancy {
        Occupancy {
            forgotten: self.contacts.forgotten(),
            pairs_forgotten: self.pairs.forgotten(),
            ..self.occupancy
        }
    }

    /// What is known about a source now, and what the model makes of it.
    pub fn assess(&self, slot: Slot, rules: Rules<'_>, now: Tick) -> Scored {
        let (hot, warm) = (self.hot(slot), self.warm(slot));
        let elapsed = now.low().wrapping_sub(warm.window);
        let inputs =
            Inputs::measure(hot, warm, rules.profile, elapsed, self.context(hot, warm, rules.policy));
        let inputs = match (self.requester(slot), self.resident(slot)) {
            (Some(requester), Some(resident)) => inputs.with(requester, resident, rules.profile, elapsed),
            _ => inputs,
        };
        scoring::score(rules.profile, &inputs, hot.score)
    }

    /// Scores a source on an event between two sweeps: new evidence counts at once, but only for the
    /// worse. E13 is computed at the end of its intervals only; between them just lists count.
    pub fn rescore(&mut self, slot: Slot, rules: Rules<'_>, now: Tick) -> Option<Change> {
        let warm = self.warm_mut(slot);
        warm.scored = warm.destination;
        if self.hot(slot).flags.has(Flags::ALLOWED) {
            return None;
        }
        let scored = self.assess(slot, rules, now);
        let hot = self.hot_mut(slot);
        hot.score = match rules.profile.model {
            Model::EgressInterval => hot.score.min(scored.ceiling()),
            Model::WeightedSum | Model::Suspicion { .. } => scored.lowers(hot.score, rules.profile),
        };
        self.settle(slot, rules, now, || rules.profile.model.cause(&scored.terms))
    }

    /// Moves a source to the band of its score where dwell and hysteresis allow it.
    #[inline]
    pub(crate) fn settle(
        &mut self,
        slot: Slot,
        rules: Rules<'_>,
        now: Tick,
        cause: impl FnOnce() -> Factor,
    ) -> Option<Change> {
        let (hot, warm) = (&mut self.hot[slot.0 as usize], &mut self.warm[slot.0 as usize]);
        let from = hot.band;
        let band = rules.profile.thresholds.step(from, hot.score);
        let dwell = rules.profile.dwell;
        let least = if band > from { dwell.worse_ms } else { dwell.better_ms };
        if band == from || now.low().wrapping_sub(warm.band_since) < least {
            return None;
        }
        hot.band = band;
        hot.shortcut.close();
        warm.band_since = now.low();
        let limits = |band: Band| rules.profile.treatments[band.index()].limits();
        if limits(band) && !limits(from) {
            warm.mitigations = warm.mitigations.saturating_add(1);
        }
        Some(Change { slot, from, cause: cause() })
    }

    /// Moves a score by hand: see `Command::Nudge`.
    pub fn nudge(&mut self, slot: Slot, delta: i16, forgive: bool, rules: Rules<'_>, now: Tick) -> Change {
        if forgive {
            self.hot_mut(slot).forgive();
            self.warm_mut(slot).forgive();
            if let Some(requester) = self.requester_mut(slot) {
                requester.forgive();
            }
            if let Some(resident) = self.resident_mut(slot) {
                resident.forgive();
            }
        }
        let hot = self.hot_mut(slot);
        let from = hot.band;
        hot.score = hot.score.nudged(delta);
        hot.band = rules.profile.thresholds.band(hot.score);
        hot.shortcut.close();
        self.warm_mut(slot).band_since = now.low();
        Change { slot, from, cause: Factor::Feed }
    }

    /// Lifts a score by `points` at most, and not above the prior: see `Command::Pass`. The change of band, if it leads to one.
    pub fn lift(&mut self, slot: Slot, points: u16, rules: Rules<'_>, now: Tick) -> Option<Change> {
        let hot = self.hot_mut(slot);
        let lifted = hot.score.get().saturating_add(points).min(rules.profile.prior.get());
        hot.score = hot.score.max(Score::new(lifted));
        self.settle(slot, rules, now, || Factor::Feed)
    }

    /// What packets of this source get now.
    #[inline]
    pub fn treatment(&self, slot: Slot, rules: Rules<'_>) -> Treatment {
        let hot = self.hot(slot);
        if hot.flags.has(Flags::ALLOWED) {
            return Treatment::PASS;
        }
        rules.profile.treatments[hot.band.index()]
    }

    /// What the policy says about a source, from what the entry keeps of it: nobody is looked up in the
    /// lists whom they do not name.
    fn context(&self, hot: &Hot, warm: &Warm, policy: &Policy) -> Context {
        let listing = hot.flags.has(Flags::LISTED).then(|| policy.lists.get(warm.address));
        let listed = match listing.flatten() {
            Some(Listing::Deny(confidence)) => f64::from(confidence) / 100.0,
            _ => 0.0,
        };
        let criticality = policy.criticality(warm.service());
        Context { listed, criticality, usual: self.usual(hot, warm), armed: self.is_armed() }
    }
}
