//! A small map from 64-bit keys to plain values, for what waits: open addressing with linear probing, sized
//! so that it is at most half full.
//!
//! Used by [`super::Shaper`] (the lane of a source) and [`super::ConnectionQueue`] (which connections wait).
//! Always holds: between the place a key belongs to and the place it is at, no slot is free; taking a key out
//! moves its followers up (no tombstones), so searches stay short for ever. There is no "full": the owner
//! never keeps more keys than it has asked room for, as each belongs to something it holds.

use repute_memory::prefetch;

/// What marks a free slot.
const FREE: u64 = 0;

/// Keys and their values.
#[derive(Debug)]
pub struct Keys<V> {
    slots: Box<[(u64, V)]>,
    /// Bits of a key's product that are not its place.
    shift: u32,
    len: u32,
}

/// One key, found or not.
#[derive(Debug)]
pub struct Entry<'a, V> {
    keys: &'a mut Keys<V>,
    key: u64,
    at: usize,
}

impl<V: Copy + Default> Entry<'_, V> {
    /// The value of the key.
    #[inline]
    pub fn get(&self) -> Option<V> {
        let (key, value) = self.keys.slots[self.at];
        (key != FREE).then_some(value)
    }

    /// Sets the value of the key, which is added if it is not there.
    #[inline]
    pub fn set(self, value: V) {
        let Self { keys, key, at } = self;
        keys.len += u32::from(keys.slots[at].0 == FREE);
        debug_assert!(keys.len as usize * 2 <= keys.slots.len(), "more keys than there are things held");
        keys.slots[at] = (key, value);
    }

    /// Takes the key out, if it is there.
    #[inline]
    pub fn remove(self) {
        if self.get().is_some() {
            self.keys.empty(self.at);
        }
    }
}

impl<V: Copy + Default> Keys<V> {
    /// Room for `capacity` keys.
    pub fn new(capacity: u32) -> Self {
        let slots = (capacity.max(1) as usize * 2).next_power_of_two();
        Self { slots: vec![(FREE, V::default()); slots].into(), shift: 64 - slots.trailing_zeros(), len: 0 }
    }

    /// Asks the CPU for where a key is, most probably.
    #[inline]
    pub fn fetch(&self, key: u64) {
        prefetch(&self.slots[self.home(used(key))]);
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: u64) -> Option<V> {
        if self.len == 0 {
            return None;
        }
        let slot = self.slots[self.search(key)];
        (slot.0 != FREE).then_some(slot.1)
    }

    /// Where a key is, or would be: what may be done with it there.
    #[inline]
    pub fn entry(&mut self, key: u64) -> Entry<'_, V> {
        Entry { at: self.search(key), key: used(key), keys: self }
    }

    /// Frees a slot.
    fn empty(&mut self, slot: usize) {
        let (mut hole, mut at) = (slot, slot);
        self.len -= 1;
        loop {
            at = self.after(at);
            let key = self.slots[at].0;
            if key == FREE {
                break;
            }
            // One that belongs behind the hole stays where it is.
            let way = at.wrapping_sub(self.home(key)) & (self.slots.len() - 1);
            let gap = at.wrapping_sub(hole) & (self.slots.len() - 1);
            if way >= gap {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
        }
        self.slots[hole].0 = FREE;
    }

    /// How many keys there are.
    #[cfg(test)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Where the key is, or the free slot where it would be.
    fn search(&self, key: u64) -> usize {
        let key = used(key);
        let mut at = self.home(key);
        while self.slots[at].0 != key && self.slots[at].0 != FREE {
            at = self.after(at);
        }
        at
    }

    /// Where a key belongs: Fibonacci hashing (Knuth 6.4), as callers may share the low bits of their keys.
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

/// The key as it is kept: 0 counts as 1, which a keyed hash takes for another key once in 2^64.
const fn used(key: u64) -> u64 {
    if key == FREE { 1 } else { key }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn does_what_an_ordered_map_does() {
        for capacity in [1, 5, 64, 100] {
            let (mut keys, mut map, mut x) = (Keys::new(capacity), BTreeMap::new(), 7u64);
            for step in 0..20_000u32 {
                x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                let key = (x >> 33) % (u64::from(capacity) * 2) + 1;
                if x >> 63 == 0 && (map.len() < capacity as usize || map.contains_key(&key)) {
                    keys.entry(key).set(step);
                    map.insert(key, step);
                } else if x >> 62 == 2 {
                    keys.entry(key).remove();
                    map.remove(&key);
                }
                assert_eq!(keys.get(key), map.get(&key).copied());
                assert_eq!(keys.len() as usize, map.len());
            }
            assert!((1..=u64::from(capacity) * 2).all(|key| keys.get(key) == map.get(&key).copied()));
        }
    }

    #[test]
    fn a_key_of_zero_is_a_key() {
        let mut keys = Keys::new(4);
        assert_eq!(keys.get(0), None);
        keys.entry(0).set(5);
        assert_eq!(keys.get(0), Some(5));
        keys.entry(0).remove();
        assert_eq!(keys.get(0), None);
    }
}
