//! What a worker has counted of DNS: part of its account.

use repute_model::{Path, RpzEffect, RpzMatch, RpzTrigger};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Cache, CacheCounters};

/// Queries and answers since boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DnsAccount {
    /// Queries to a server, by UDP and TCP, by the [`Path::index`] that their requester's standing leads to.
    pub paths: [u64; Path::COUNT],
    /// Of those: queries that went on only because nothing is done about the path of their band yet.
    pub dry_run: u64,
    /// Messages to a server that are no query; by reason they are counted with the packets of their port.
    pub garbled: u64,
    /// Queries that a server has answered, other than below.
    pub answered: u64,
    /// Queries for names that do not exist.
    pub nxdomain: u64,
    /// Queries that the server failed at.
    pub failed: u64,
    /// Queries that the server left unanswered.
    pub silent: u64,
    /// Answers of a server that fit no query that went to it.
    pub unasked: u64,
    /// Domains that came under attack.
    pub attacked: u64,
    /// Queries that were pushed out of memory before they were answered.
    pub forgotten: u64,
    /// Autonomous systems whose place others needed.
    pub systems_forgotten: u64,
    /// Queries and answers that a rule of a policy zone decided about, by [`RpzTrigger::index`] of those that are enforced
    /// and by [`RpzEffect::index`].
    pub zones: [[u64; RpzEffect::COUNT]; RpzTrigger::ENFORCED],
    /// What the cache has done.
    pub cache: CacheCounters,
    /// Answers that it keeps now.
    pub cache_answers: u64,
    /// Bytes that these take now.
    pub cache_bytes: u64,
    /// Messages that were copied for who listens in ([`crate::Tap`]).
    pub tapped: u64,
    /// Messages that should have been, and had no room.
    pub untapped: u64,
}

impl DnsAccount {
    /// What servers have made of queries, by name.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let Self { answered, nxdomain, failed, silent, .. } = *self;
        [("answered", answered), ("nxdomain", nxdomain), ("failed", failed), ("silent", silent)].into_iter()
    }

    /// Counts what a rule of a zone decided.
    pub(crate) fn rules(&mut self, found: &RpzMatch) {
        if let Some(row) = self.zones.get_mut(found.trigger.index()) {
            row[found.action.effect().index()] += 1;
        }
    }

    /// What rules of zones have decided, all triggers together.
    pub fn zone_effects(&self) -> impl Iterator<Item = (RpzEffect, u64)> + use<'_> {
        let sum = |effect: &RpzEffect| self.zones.iter().map(|row| row[effect.index()]).sum();
        RpzEffect::ALL.iter().map(move |effect| (*effect, sum(effect)))
    }

    /// By which triggers, all effects together.
    pub fn zone_triggers(&self) -> impl Iterator<Item = (RpzTrigger, u64)> + use<'_> {
        RpzTrigger::ALL.iter().copied().zip(self.zones.iter().map(|row| row.iter().sum()))
    }

    /// Takes over how a cache stands.
    pub(super) fn cache_stands(&mut self, cache: &Cache) {
        self.cache = *cache.counters();
        (self.cache_answers, self.cache_bytes) = (cache.entries().into(), cache.bytes() as u64);
    }
}
