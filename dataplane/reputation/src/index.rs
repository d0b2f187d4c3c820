//! From fingerprint to entry number: tag buckets of one cache line, two choices a key.
//!
//! A bucket holds twelve one-byte tags and twelve entry numbers. A key lives in its primary bucket,
//! or, when that was full, in its alternate one; the primary then carries the overflow mark, so that a
//! miss reads the second line only where something really overflowed. Sized so that all entries
//! together fill it to 60 %.

/// Slots of a bucket.
const WAYS: usize = 12;
const EMPTY: u8 = 0;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Bucket {
    tags: [u8; WAYS],
    /// How many keys of this primary bucket live in their alternate one.
    overflow: u32,
    entries: [u32; WAYS],
}

/// The index of a shard.
#[derive(Debug)]
pub struct Index {
    buckets: Box<[Bucket]>,
}

impl Index {
    /// An index for `entries` keys.
    pub fn new(entries: u32) -> Self {
        let wanted = (u64::from(entries) * 10).div_ceil(6 * WAYS as u64).max(2);
        let empty = Bucket { tags: [EMPTY; WAYS], overflow: 0, entries: [0; WAYS] };
        Self { buckets: vec![empty; wanted.next_power_of_two() as usize].into() }
    }

    /// The entry number of `fingerprint` for which `is_it` holds.
    #[inline]
    pub fn find(&self, fingerprint: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(fingerprint);
        let primary = &self.buckets[self.primary(fingerprint)];
        search(primary, tag, &is_it).or_else(|| {
            if primary.overflow == 0 {
                return None;
            }
            search(&self.buckets[self.alternate(fingerprint)], tag, &is_it)
        })
    }

    /// Adds an entry that is not there yet; `false` when both of its buckets are full.
    pub fn insert(&mut self, fingerprint: u64, entry: u32) -> bool {
        let (primary, alternate) = (self.primary(fingerprint), self.alternate(fingerprint));
        if place(&mut self.buckets[primary], tag(fingerprint), entry) {
            return true;
        }
        let placed = place(&mut self.buckets[alternate], tag(fingerprint), entry);
        self.buckets[primary].overflow += u32::from(placed);
        placed
    }

    /// Takes an entry out; it must be there.
    pub fn remove(&mut self, fingerprint: u64, entry: u32) {
        let (primary, alternate) = (self.primary(fingerprint), self.alternate(fingerprint));
        if displace(&mut self.buckets[primary], entry) {
            return;
        }
        let was_there = displace(&mut self.buckets[alternate], entry);
        debug_assert!(was_there, "entry {entry} was not in the index");
        self.buckets[primary].overflow -= u32::from(was_there);
    }

    fn primary(&self, fingerprint: u64) -> usize {
        fingerprint as usize & (self.buckets.len() - 1)
    }

    /// Never the primary one: an odd, non-zero distance away.
    fn alternate(&self, fingerprint: u64) -> usize {
        let distance = (fingerprint >> 32) as usize | 1;
        (fingerprint as usize).wrapping_add(distance) & (self.buckets.len() - 1)
    }
}

/// Never the empty tag.
fn tag(fingerprint: u64) -> u8 {
    ((fingerprint >> 55) as u8).max(1)
}

#[inline]
fn search(bucket: &Bucket, tag: u8, is_it: &impl Fn(u32) -> bool) -> Option<u32> {
    (0..WAYS)
        .filter(|&way| bucket.tags[way] == tag)
        .map(|way| bucket.entries[way])
        .find(|&entry| is_it(entry))
}

fn place(bucket: &mut Bucket, tag: u8, entry: u32) -> bool {
    let Some(way) = bucket.tags.iter().position(|&t| t == EMPTY) else { return false };
    bucket.tags[way] = tag;
    bucket.entries[way] = entry;
    true
}

fn displace(bucket: &mut Bucket, entry: u32) -> bool {
    let held = (0..WAYS).find(|&way| bucket.tags[way] != EMPTY && bucket.entries[way] == entry);
    if let Some(way) = held {
        bucket.tags[way] = EMPTY;
    }
    held.is_some()
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
                assert!(index.insert(key(i), i));
                map.insert(i, ());
            }
            let probe = (state >> 13) as u32 % 1000;
            let found = index.find(key(probe), |entry| entry == probe);
            assert_eq!(found.is_some(), map.contains_key(&probe));
        }
    }
}
