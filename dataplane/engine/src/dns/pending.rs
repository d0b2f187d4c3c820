//! Queries under way: which requester waits for what of a server.
//!
//! Written when a query goes on, asked when an answer comes back, looked through a part a tick for those that nobody
//! answered. Always holds: an answer settles one query at most, between the same two ends with the same id; a full set
//! forgets its oldest query, which then counts neither for nor against its requester.

use repute_memory::Table;
use repute_model::{Address, Tick};
use repute_reputation::{Exchange, Secret};
use repute_wire::Parsed;

/// One query.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Query {
    /// Which one; 0 = free.
    tag: u32,
    /// Entry number of the requester.
    asker: u32,
    /// Low bits of the tick when it went on.
    at: u32,
    /// Bytes of the message.
    bytes: u16,
    /// Check bits of the requester's fingerprint.
    check: u8,
}

const WAYS: usize = 4;
const FREE: Query = Query { tag: 0, asker: 0, at: 0, bytes: 0, check: 0 };

/// The queries under way.
#[derive(Debug)]
pub struct Pending {
    secret: Secret,
    sets: Table<[Query; WAYS]>,
    waiting: u32,
    forgotten: u64,
}

impl Pending {
    /// Room for so many (rounded up to a power of two).
    pub fn new(queries: u32, seed: u64) -> Self {
        let sets = (queries as usize / WAYS).max(1).next_power_of_two();
        let secret = Secret::from_seed(seed.rotate_left(53));
        Self { secret, sets: Table::new(sets, [FREE; WAYS]), waiting: 0, forgotten: 0 }
    }

    /// What names the query with this id in an exchange.
    pub fn key(&self, x: &Exchange, id: u16) -> u64 {
        self.named((x.src, x.sport), (x.dst, x.dport), x.protocol, id)
    }

    /// What names the query that a packet of the server answers.
    pub fn key_back(&self, parsed: &Parsed, id: u16) -> u64 {
        self.named((parsed.dst, parsed.dport), (parsed.src, parsed.sport), parsed.protocol, id)
    }

    fn named(&self, asker: (Address, u16), asked: (Address, u16), protocol: u8, id: u16) -> u64 {
        let ports = u64::from(asker.1) << 48 | u64::from(asked.1) << 32;
        self.secret.pair(asker.0, asked.0, ports | u64::from(protocol) << 16 | u64::from(id))
    }

    /// Remembers a query of so many bytes; `asker` is an entry number and the check bits of its fingerprint.
    pub fn note(&mut self, key: u64, asker: (u32, u8), bytes: usize, now: Tick) {
        let (set, tag) = self.place(key);
        let set = &mut self.sets[set];
        // Repeated, it is the same query.
        let same = set.iter().position(|query| query.tag == tag);
        let age = |query: &Query| if query.tag == 0 { u32::MAX } else { now.low().wrapping_sub(query.at) };
        let way = same.or_else(|| (0..WAYS).max_by_key(|&way| age(&set[way]))).unwrap_or(0);
        let before = set[way].tag;
        self.forgotten += u64::from(before != 0 && same.is_none());
        self.waiting += u32::from(before == 0);
        set[way] = Query { tag, asker: asker.0, at: now.low(), bytes: bytes as u16, check: asker.1 };
    }

    /// The bytes of a query that is answered now; `None` where none is under way.
    pub fn take(&mut self, key: u64) -> Option<u16> {
        let (set, tag) = self.place(key);
        let query = self.sets[set].iter_mut().find(|query| query.tag == tag)?;
        self.waiting -= 1;
        Some(std::mem::replace(query, FREE).bytes)
    }

    /// Gives up what has waited for `silence_ms`, in the part of the table that it is time for; `silent` gets the
    /// requesters.
    pub fn expire(&mut self, now: Tick, silence_ms: u32, mut silent: impl FnMut((u32, u8))) {
        if self.waiting == 0 {
            return;
        }
        let parts = u64::from(silence_ms / 2).max(1);
        let (part, sets) = (now.0 % parts, self.sets.len() as u64);
        let range = (sets * part / parts) as usize..(sets * (part + 1) / parts) as usize;
        for query in self.sets[range].iter_mut().flatten() {
            if query.tag != 0 && now.low().wrapping_sub(query.at) >= silence_ms {
                let query = std::mem::replace(query, FREE);
                self.waiting -= 1;
                silent((query.asker, query.check));
            }
        }
    }

    /// Queries that were pushed out by newer ones.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    fn place(&self, key: u64) -> (usize, u32) {
        ((key >> 32) as usize & (self.sets.len() - 1), (key as u32).max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_is_answered_is_no_longer_under_way() {
        let mut pending = Pending::new(1024, 5);
        let mut model = BTreeMap::new();
        for n in 0..600_u64 {
            let key = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            pending.note(key, (n as u32, 1), 40 + n as usize, Tick(n));
            model.insert(key, 40 + n as u16);
        }
        let lost = pending.forgotten();
        assert!(lost < 60, "{lost} of 600 in 1024 places");
        let found = model.iter().filter(|&(&key, &bytes)| pending.take(key) == Some(bytes)).count() as u64;
        assert_eq!(found, 600 - lost);
        assert_eq!(pending.waiting, 0);
        assert!(model.keys().all(|&key| pending.take(key).is_none()));
    }

    #[test]
    fn silence_is_noticed_once_and_a_repetition_is_the_same_query() {
        let mut pending = Pending::new(64, 5);
        pending.note(1 << 40 | 1, (7, 3), 40, Tick(0));
        pending.note(1 << 40 | 1, (7, 3), 40, Tick(500));
        let mut seen = Vec::new();
        for now in 500..10_000 {
            pending.expire(Tick(now), 3000, |asker| seen.push((now, asker)));
        }
        assert_eq!(seen.len(), 1);
        assert!((3500..5001).contains(&seen[0].0) && seen[0].1 == (7, 3), "{seen:?}");
        assert_eq!(pending.forgotten(), 0);
    }

    #[test]
    fn a_full_set_forgets_its_oldest() {
        let mut pending = Pending::new(4, 5);
        (1..=5).for_each(|n| pending.note(n, (n as u32, 0), 40, Tick(n)));
        assert_eq!(((1..=5).filter_map(|n| pending.take(n)).count(), pending.forgotten()), (4, 1));
        assert_eq!(pending.take(1), None);
    }
}
