//! From fingerprint to entry number: tag buckets of one cache line, two choices a key.
//!
//! A bucket holds twelve one-byte tags and twelve entry numbers. A key lives in its primary bucket,
//! or, when that was full, in its alternate one; the primary then carries the overflow mark, so that a
//! miss reads the second line only where something really overflowed. Sized so that all entries
//! together fill it to 60 %.

use repute_memory::{Table, equal_bytes, prefetch};

/// Slots of a bucket.
const WAYS: usize = 12;
const EMPTY: u8 = 0;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Bucket {
    /// Twelve tags, then how many keys of this bucket live in their alternate one.
    head: [u8; 16],
    entries: [u32; WAYS],
}

/// The index of a shard.
#[derive(Debug)]
pub struct Index {
    buckets: Table<Bucket>,
}

/// What a look at one bucket says about a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Glance {
    /// Probably this entry: the tag fits.
    Perhaps(u32),
    /// Certainly no entry.
    Absent,
    /// If there is one, the alternate bucket has it.
    Elsewhere,
}

impl Index {
    /// An index for `entries` keys, fewer than 2^32.
    pub fn new(entries: u32) -> Self {
        let wanted = (u64::from(entries) * 10).div_ceil(6 * WAYS as u64).max(2);
        let empty = Bucket { head: [EMPTY; 16], entries: [0; WAYS] };
        Self { buckets: Table::new(wanted as usize, empty) }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.buckets.bytes()
    }

    /// Asks the CPU for the primary bucket of a key; its number.
    #[inline(always)]
    pub fn prefetch(&self, fingerprint: u64) -> u32 {
        let primary = self.primary(fingerprint);
        prefetch(&self.buckets[primary]);
        primary as u32
    }

    /// Asks the CPU once more for bucket number `primary`.
    #[inline(always)]
    pub fn prefetch_again(&self, primary: u32) {
        if let Some(bucket) = self.buckets.get(primary as usize) {
            prefetch(bucket);
        }
    }

    /// Looks at the primary bucket of a key only, which is number `primary`.
    #[inline(always)]
    pub fn glance(&self, primary: u32, fingerprint: u64) -> Glance {
        let bucket = &self.buckets[primary as usize];
        match bucket.first(tag(fingerprint)) {
            Some(entry) => Glance::Perhaps(entry),
            None if bucket.overflow() == 0 => Glance::Absent,
            None => Glance::Elsewhere,
        }
    }

    /// Asks the CPU for the alternate bucket of a key.
    #[inline(always)]
    pub fn prefetch_alternate(&self, fingerprint: u64) {
        prefetch(&self.buckets[self.alternate(fingerprint)]);
    }

    /// Looks at the alternate bucket of a key that is [`Glance::Elsewhere`].
    #[inline]
    pub fn glance_elsewhere(&self, fingerprint: u64) -> Glance {
        let bucket = &self.buckets[self.alternate(fingerprint)];
        bucket.first(tag(fingerprint)).map_or(Glance::Absent, Glance::Perhaps)
    }

    /// The entry number of `fingerprint` for which `is_it` holds.
    #[inline]
    pub fn find(&self, fingerprint: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(fingerprint);
        let primary = &self.buckets[self.primary(fingerprint)];
        primary.search(tag, &is_it).or_else(|| {
            if primary.overflow() == 0 {
                return None;
            }
            self.buckets[self.alternate(fingerprint)].search(tag, &is_it)
        })
    }

    /// Adds an entry that is not there yet. `fingerprint_of` tells the fingerprint of an entry that is there:
    /// where both buckets are full, one of theirs moves to its other bucket. `false` when that does not help
    /// either, which no set of keys has been seen to cause while there are no more than the index was made for.
    pub fn insert(&mut self, fingerprint: u64, entry: u32, fingerprint_of: impl Fn(u32) -> u64) -> bool {
        let (primary, alternate) = (self.primary(fingerprint), self.alternate(fingerprint));
        if self.buckets[primary].place(tag(fingerprint), entry) {
            return true;
        }
        let room = self.buckets[alternate].has_room()
            || self.make_room(alternate, &fingerprint_of)
            || self.make_room(primary, &fingerprint_of);
        if !room {
            return false;
        }
        if self.buckets[primary].place(tag(fingerprint), entry) {
            return true;
        }
        let overflowing = self.buckets[primary].overflow() + 1;
        self.buckets[primary].set_overflow(overflowing);
        self.buckets[alternate].place(tag(fingerprint), entry)
    }

    /// Moves one entry of a full bucket to its other bucket (Pagh and Rodler 2001, one step deep).
    #[cold]
    fn make_room(&mut self, bucket: usize, fingerprint_of: &impl Fn(u32) -> u64) -> bool {
        for way in 0..WAYS {
            let entry = self.buckets[bucket].entries[way];
            let fingerprint = fingerprint_of(entry);
            let (primary, alternate) = (self.primary(fingerprint), self.alternate(fingerprint));
            let goes_home = bucket != primary;
            let other = if goes_home { primary } else { alternate };
            if self.buckets[other].place(tag(fingerprint), entry) {
                self.buckets[bucket].head[way] = EMPTY;
                let overflowing = self.buckets[primary].overflow();
                let now = if goes_home { overflowing - 1 } else { overflowing + 1 };
                self.buckets[primary].set_overflow(now);
                return true;
            }
        }
        false
    }

    /// Takes an entry out; it must be there.
    pub fn remove(&mut self, fingerprint: u64, entry: u32) {
        let (primary, alternate) = (self.primary(fingerprint), self.alternate(fingerprint));
        if self.buckets[primary].displace(entry) {
            return;
        }
        let was_there = self.buckets[alternate].displace(entry);
        debug_assert!(was_there, "entry {entry} was not in the index");
        let overflowing = self.buckets[primary].overflow() - u32::from(was_there);
        self.buckets[primary].set_overflow(overflowing);
    }

    /// Bits 31..63, spread over the buckets by multiplication (Lemire 2019): any number of buckets will do.
    #[inline]
    fn primary(&self, fingerprint: u64) -> usize {
        self.spread(fingerprint >> 31)
    }

    /// Bits 0..32; never the primary one.
    fn alternate(&self, fingerprint: u64) -> usize {
        let (primary, other) = (self.primary(fingerprint), self.spread(fingerprint));
        if other != primary { other } else { (other + 1) % self.buckets.len() }
    }

    #[inline]
    fn spread(&self, bits: u64) -> usize {
        (((bits & 0xffff_ffff) * self.buckets.len() as u64) >> 32) as usize
    }
}

impl Bucket {
    /// The ways whose tag is `tag`, a bit each.
    #[inline(always)]
    fn ways(&self, tag: u8) -> u32 {
        equal_bytes(&self.head, tag) & ((1 << WAYS) - 1)
    }

    /// The first entry whose tag is `tag`.
    #[inline(always)]
    fn first(&self, tag: u8) -> Option<u32> {
        // One bit behind those of the ways: the number of the lowest one tells whether there is such a way.
        let way = (equal_bytes(&self.head, tag) | 1 << WAYS).trailing_zeros();
        self.entries.get(way as usize).copied()
    }

    /// How many keys of this primary bucket live in their alternate one.
    #[inline(always)]
    fn overflow(&self) -> u32 {
        u32::from_le_bytes([self.head[12], self.head[13], self.head[14], self.head[15]])
    }

    fn set_overflow(&mut self, keys: u32) {
        self.head[WAYS..].copy_from_slice(&keys.to_le_bytes());
    }

    fn tags(&mut self) -> &mut [u8] {
        &mut self.head[..WAYS]
    }

    #[inline]
    fn search(&self, tag: u8, is_it: &impl Fn(u32) -> bool) -> Option<u32> {
        let mut ways = self.ways(tag);
        while let Some(&entry) = self.entries.get(ways.trailing_zeros() as usize) {
            if is_it(entry) {
                return Some(entry);
            }
            ways &= ways - 1;
        }
        None
    }

    fn place(&mut self, tag: u8, entry: u32) -> bool {
        let Some(way) = self.tags().iter().position(|&t| t == EMPTY) else { return false };
        self.head[way] = tag;
        self.entries[way] = entry;
        true
    }

    fn has_room(&self) -> bool {
        self.ways(EMPTY) != 0
    }

    fn displace(&mut self, entry: u32) -> bool {
        let held = (0..WAYS).find(|&way| self.head[way] != EMPTY && self.entries[way] == entry);
        if let Some(way) = held {
            self.head[way] = EMPTY;
        }
        held.is_some()
    }
}

/// The lowest bits, which both bucket numbers hardly depend on; never the empty tag.
#[inline]
fn tag(fingerprint: u64) -> u8 {
    (fingerprint as u8).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_bucket_is_one_cache_line() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
    }

    #[test]
    fn agrees_with_a_map_under_random_operations() {
        let secret = crate::Secret::from_seed(9);
        let key = |i: u32| {
            let address = repute_model::Address::v4(i);
            secret.conversation(&crate::Conversation { asker: address, asked: address, protocol: 0, port: 0 })
        };
        let mut index = Index::new(1000);
        let mut map = BTreeMap::new();
        let mut state = 1u64;
        for _ in 0..50_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let i = (state >> 33) as u32 % 1000;
            if map.remove(&i).is_some() {
                index.remove(key(i), i);
            } else {
                assert!(index.insert(key(i), i, key));
                map.insert(i, ());
            }
            let probe = (state >> 13) as u32 % 1000;
            let found = index.find(key(probe), |entry| entry == probe);
            assert_eq!(found.is_some(), map.contains_key(&probe));
        }
    }

    #[test]
    fn takes_as_many_keys_as_it_was_made_for() {
        for seed in 0..4 {
            let secret = crate::Secret::from_seed(seed);
            let key = |i: u32| secret.address(repute_model::Address::v4(i));
            let mut index = Index::new(60_000);
            assert!((0..60_000).all(|i| index.insert(key(i), i, key)));
            assert!((0..60_000).all(|i| index.find(key(i), |entry| entry == i).is_some()));
            for i in 0..60_000 {
                index.remove(key(i), i);
            }
            assert!(index.buckets.iter().all(|bucket| bucket.head == [EMPTY; 16]));
        }
    }

    #[test]
    fn a_glance_never_denies_what_is_there() {
        let secret = crate::Secret::from_seed(3);
        let key = |i: u32| secret.address(repute_model::Address::v4(i));
        let mut index = Index::new(2_000);
        for i in 0..2_000 {
            assert!(index.insert(key(i), i, key));
        }
        let glance = |i| match index.glance(index.prefetch(key(i)), key(i)) {
            Glance::Elsewhere => index.glance_elsewhere(key(i)),
            glance => glance,
        };
        let glances: Vec<Glance> = (0..2_000).map(glance).collect();
        assert!(!glances.contains(&Glance::Absent));
        let right = (0..).zip(&glances).filter(|&(i, &glance)| glance == Glance::Perhaps(i)).count();
        assert!(right > 1_900, "{right}");
    }
}
