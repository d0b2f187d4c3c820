//! Answers that a worker gives without asking again.
//!
//! Owned by one worker; asked by its DNS stage for every query that may be answered from here, and taught with every
//! answer to a query that really went upstream. All memory is there from the begin: answers lie in chained blocks of
//! equal size (`blocks`), found by a keyed hash (`shelf`), and what was not asked for again gives way first (second
//! chance, which is CLOCK in a queue; Corbató 1968).
//!
//! What always holds: an answer is given only to the same question, asked in the same way (`key`); its TTLs are those
//! that the server would have counted down; nothing of one client (OPT, cookies) is given to another.

mod blocks;
mod hit;
mod key;
mod life;
mod shelf;
mod store;
#[cfg(test)]
mod tests;

use repute_model::{CacheRules, Tick};
use repute_reputation::Secret;
use repute_wire::dns::{Answer, Query, Rcode, keep};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use blocks::Blocks;
use shelf::{Entry, Shelf};
use store::Store;

pub use hit::Hit;
pub use key::Asks;
pub use life::Unkept;
pub use shelf::Found;

use key::Key;

/// Bytes of the longest answer that the box sends by UDP: it is not fragmented (DNS flag day 2020).
pub const UDP_MAX: usize = 1232;
/// Bytes of the longest answer that is kept.
pub(super) const MESSAGE_MAX: u16 = 4096;
/// Bytes of the longest OPT record beside an answer: a cookie, an error without text, a subnet with an IPv6 address (RFC
/// 7873, 8914, 7871).
pub(super) const OPT_MAX: usize = 11 + (4 + 24) + (4 + 2) + (4 + 20);
/// Answers with more records than this are not kept: TTLs are remembered one by one.
const RECORDS_MAX: usize = 128;

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheLimits {
    /// Answers.
    pub entries: u32,
    /// Bytes of answers and their questions, in blocks of 128.
    pub bytes: usize,
    /// Bytes of one answer; a longer one is not kept.
    pub message_max: u16,
}

impl Default for CacheLimits {
    /// 65 536 answers in 16 MiB, of 4096 bytes at most.
    fn default() -> Self {
        Self { entries: 1 << 16, bytes: 16 << 20, message_max: MESSAGE_MAX }
    }
}

/// What a cache has done since the begin; part of a worker's account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CacheCounters {
    /// Queries that were answered in time.
    pub hits: u64,
    /// Queries that were answered after the answer's time, because the server is silent.
    pub stale: u64,
    /// Queries without an answer here.
    pub misses: u64,
    /// Queries that no cache may answer, and those whose answer is too long for one datagram of the box, though not for the
    /// client: not counted as misses.
    pub unfit: u64,
    /// Answers that were kept.
    pub learned: u64,
    /// Answers that were not, by [`Unkept`].
    pub unkept: [u64; Unkept::COUNT],
    /// Answers that were given up for newer ones while they could still be given.
    pub evicted: u64,
    /// Answers that were given up because their time was over.
    pub expired: u64,
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    secret: Secret,
    store: Store,
    /// Where a copy is made before it is kept.
    scratch: Box<[u8]>,
    counters: CacheCounters,
}

impl Cache {
    /// An empty cache; `seed` keeps others from aiming at one place of it.
    pub fn new(limits: CacheLimits, seed: u64) -> Self {
        Self {
            secret: Secret::from_seed(seed.rotate_left(59)),
            store: Store { blocks: Blocks::new(limits.bytes), shelf: Shelf::new(limits.entries) },
            scratch: vec![0; usize::from(limits.message_max)].into(),
            counters: CacheCounters::default(),
        }
    }

    /// The answer to `query`, if there is one; `known` is where it was found for the same question before. `silent`: the
    /// server does not answer, so that one whose time is over may do (RFC 8767).
    pub fn lookup(
        &mut self,
        query: &Query<'_>,
        known: Option<Found>,
        rules: &CacheRules,
        silent: bool,
        now: Tick,
    ) -> Option<Hit<'_>> {
        let found = match known.filter(|found| self.store.shelf.has(found)) {
            Some(found) => found,
            None => self.seek(query)?,
        };
        let entry = self.store.shelf.get(found.at);
        let (fresh, serves) = (entry.is_fresh(now), serves(&entry, rules, now));
        if !serves {
            self.store.remove(found.at);
            self.counters.expired += 1;
        }
        if !(fresh || silent && serves) {
            self.counters.misses += 1;
            return None;
        }
        if is_unfit(&entry, query.udp_size()) {
            self.counters.unfit += 1;
            return None;
        }
        *(if fresh { &mut self.counters.hits } else { &mut self.counters.stale }) += 1;
        self.store.shelf.use_again(found.at);
        Some(Hit { blocks: &self.store.blocks, found, entry, elapsed_s: fresh.then_some(entry.age_s(now)) })
    }

    /// Asks the CPU for an answer that was found before.
    pub fn fetch(&self, found: Found) {
        self.store.shelf.fetch(found);
    }

    /// The answer that was found before for the same question, if its time is not over and a client gets it that takes
    /// `udp_size` bytes; uncounted.
    #[inline]
    pub fn fresh(&self, found: Found, udp_size: usize, rules: &CacheRules, now: Tick) -> Option<Hit<'_>> {
        let hit = self.found(found, rules, now)?;
        (!hit.is_stale() && !is_unfit(&hit.entry, udp_size)).then_some(hit)
    }

    /// While it stays, nothing has changed about what was found and used.
    #[inline]
    pub fn version(&self, found: &Found) -> u32 {
        self.store.shelf.version(found)
    }

    /// Gives an answer that [`fresh`](Self::fresh) has found a second chance.
    pub fn use_again(&mut self, found: Found) {
        self.store.shelf.use_again(found.at);
    }

    /// Counts that an answer is given which [`fresh`](Self::fresh) has found.
    #[inline]
    pub fn count_hit(&mut self) {
        self.counters.hits += 1;
    }

    /// Where the answer to `query` is; what has none is counted.
    fn seek(&mut self, query: &Query<'_>) -> Option<Found> {
        let Some(key) = Key::of_query(query) else {
            self.counters.unfit += 1;
            return None;
        };
        let found = self.find(&key);
        self.counters.misses += u64::from(found.is_none());
        found
    }

    fn find(&self, key: &Key) -> Option<Found> {
        let hash = self.secret.bytes(key.bytes());
        Some(Found { at: self.store.find(key, hash)?, hash })
    }

    /// The answer to `query` whatever it is, if it may be given at all; uncounted.
    pub fn again(&self, query: &Query<'_>, rules: &CacheRules, now: Tick) -> Option<Hit<'_>> {
        self.found(self.find(&Key::of_query(query)?)?, rules, now)
    }

    /// The answer that was found before, to be written: whatever may be given at all, uncounted. `None` where another
    /// answer has taken its place.
    pub fn found(&self, found: Found, rules: &CacheRules, now: Tick) -> Option<Hit<'_>> {
        if !self.store.shelf.has(&found) {
            return None;
        }
        let entry = self.store.shelf.get(found.at);
        let elapsed_s = entry.is_fresh(now).then_some(entry.age_s(now));
        serves(&entry, rules, now).then_some(Hit { blocks: &self.store.blocks, found, entry, elapsed_s })
    }

    /// Keeps `answer`, which came for a query that really went upstream and asked in this way, for others.
    ///
    /// # Errors
    /// Why it is not kept; counted. What was kept before for the same question stays then, if it may still be given.
    pub fn learn(
        &mut self,
        answer: &Answer<'_>,
        asks: Asks,
        rules: &CacheRules,
        now: Tick,
    ) -> Result<(), Unkept> {
        let result = self.take(answer, asks, rules, now);
        match result {
            Ok(()) => self.counters.learned += 1,
            Err(why) => self.counters.unkept[why.index()] += 1,
        }
        result
    }

    fn take(&mut self, answer: &Answer<'_>, asks: Asks, rules: &CacheRules, now: Tick) -> Result<(), Unkept> {
        let key = Key::of_answer(answer, asks).ok_or(Unkept::Question)?;
        let len = keep(answer, &mut self.scratch).ok_or(Unkept::Long)?;
        // Read anew: what was left out counts for nothing.
        let copy =
            self.scratch.get(..len).and_then(|bytes| Answer::read(bytes).ok()).ok_or(Unkept::Question)?;
        let life_s = life::life_s(answer, &copy, rules)?;
        let mut positions = [0; 2 * RECORDS_MAX];
        let positions = ttl_positions(&copy, &mut positions).ok_or(Unkept::Records)?;
        let parts = [key.bytes(), positions, &self.scratch[..len]];
        let (hash, rcode) = (self.secret.bytes(key.bytes()), copy.rcode());
        let may_be_given = |entry: &Entry| serves(entry, rules, now);
        if let Some(before) = self.store.find(&key, hash) {
            let entry = self.store.shelf.get(before);
            if rcode == Rcode::SERVFAIL && entry.rcode() != rcode && may_be_given(&entry) {
                return Err(Unkept::Failure);
            }
            self.store.remove(before);
        }
        let CacheCounters { evicted, expired, .. } = &mut self.counters;
        let gone = |entry: &Entry| *(if may_be_given(entry) { &mut *evicted } else { &mut *expired }) += 1;
        if !self.store.make_room(&parts, may_be_given, gone) {
            return Err(Unkept::Room);
        }
        let scope = answer.edns.and_then(|edns| edns.subnet).map_or(0, |subnet| subnet.scope);
        let [key_len, positions_len, message_len] = parts.map(|part| part.len() as u16);
        let entry = |first| Entry {
            hash,
            at: now,
            life_s,
            first,
            key_len,
            positions_len,
            message_len,
            scope,
            rcode: rcode.number() as u8,
        };
        self.store.add(&parts, entry).ok_or(Unkept::Room)
    }

    /// What it has done since the begin.
    pub fn counters(&self) -> &CacheCounters {
        &self.counters
    }

    /// Answers that it keeps.
    pub fn entries(&self) -> u32 {
        self.store.shelf.len()
    }

    /// Bytes of the blocks that they take.
    pub fn bytes(&self) -> usize {
        self.store.blocks.bytes_taken()
    }

    /// Bytes that the cache takes, full or empty.
    pub fn memory(&self) -> usize {
        self.store.blocks.memory() + self.store.shelf.memory() + self.scratch.len()
    }
}

/// Whether a client takes it by UDP, but not from the box.
fn is_unfit(entry: &Entry, udp_size: usize) -> bool {
    udp_size > UDP_MAX && usize::from(entry.message_len) + OPT_MAX > UDP_MAX
}

/// Whether an entry may be given, at least while the server is silent.
fn serves(entry: &Entry, rules: &CacheRules, now: Tick) -> bool {
    // That a server failed is not worth repeating after its time.
    let stale_s = if entry.rcode() == Rcode::SERVFAIL { 0 } else { rules.stale_max_s };
    entry.is_fresh(now) || entry.age_s(now) < entry.life_s.saturating_add(stale_s)
}

/// The positions of all TTLs as big-endian words; `None` where they are too many.
fn ttl_positions<'p>(copy: &Answer<'_>, into: &'p mut [u8; 2 * RECORDS_MAX]) -> Option<&'p [u8]> {
    let mut len = 0;
    for at in copy.ttl_positions() {
        into.get_mut(len..len + 2)?.copy_from_slice(&at.to_be_bytes());
        len += 2;
    }
    Some(&into[..len])
}
