//! Who gets an entry, and whose is taken when there is none left.
//!
//! Called by the engine on a miss and by the sweep. Always holds: a source that is penalised, listed,
//! allowed or proven never gives up its entry to a newcomer.

use repute_model::{Address, Band, Score, Source, Tick};

use super::{Rules, Shard, Slot};
use crate::{Flags, Hot, Requester, Resident, Warm};

/// Under pressure a source must be seen this often before it gets an entry.
const PRESSED_SIGHTINGS: u32 = 2;
/// Entries looked at for one to give up.
const VICTIMS: u32 = 16;
/// A source that was active this recently is not given up while it is the only evidence of itself.
const ACTIVE_MS: u32 = 1_000;
/// What the last free entry has in place of the next one's number.
const END: u32 = u32::MAX;

impl Shard {
    /// Whether the table is above three quarters.
    #[inline]
    fn is_pressed(&self) -> bool {
        self.occupancy.tracked * 4 >= self.occupancy.capacity * 3
    }

    /// Refuses an entry to a source that no list names where [`admit`](Self::admit) would for want of sightings,
    /// and counts it as that would; `false` = it may get one, or stands in bad company.
    #[inline]
    pub fn turns_away(&mut self, key: u64, address: Address) -> bool {
        let refused = self.is_pressed()
            && (self.neighbours.are_calm() || self.neighbours.share(address) <= self.calm.neighbours)
            && self.prefilter.count_below(key, PRESSED_SIGHTINGS).is_some();
        self.occupancy.refused += u64::from(refused);
        refused
    }

    /// An entry for a source that has none, which begins with the score `first`: at once while the table is below three quarters or where a list
    /// names the source, for sources seen before above, in place of the least informative when it is full.
    /// `None` = the source stays a stranger; counted.
    pub fn admit(&mut self, source: Source, first: Score, rules: Rules<'_>, now: Tick) -> Option<Slot> {
        let fingerprint = self.key(source);
        let sightings = self.prefilter.count(fingerprint);
        let at_once = rules.policy.lists.get(source.first()).is_some();
        if self.is_pressed() && sightings < PRESSED_SIGHTINGS && !at_once {
            self.occupancy.refused += 1;
            return None;
        }
        let Some(entry) = self.vacancy(now).and_then(|entry| self.index_entry(fingerprint, entry)) else {
            self.occupancy.refused += 1;
            return None;
        };
        let band = rules.profile.thresholds.band(first);
        self.hot[entry as usize] = Hot { fingerprint, last_seen: now.low(), score: first, band, ..Hot::FREE };
        self.warm[entry as usize] = Warm {
            visited: now.low(),
            window: now.low(),
            // Long ago: the first change of band never waits.
            band_since: now.low().wrapping_sub(1 << 30),
            address: source.first(),
            ..Warm::NEW
        };
        self.occupancy.admitted += 1;
        self.occupancy.tracked += 1;
        self.refresh(Slot(entry), rules);
        Some(Slot(entry))
    }

    /// Makes an entry findable; it is given back where the index has no room.
    fn index_entry(&mut self, fingerprint: u64, entry: u32) -> Option<u32> {
        let hot = &self.hot;
        if self.index.insert(fingerprint, entry, |other| hot[other as usize].fingerprint) {
            return Some(entry);
        }
        self.give_back(entry);
        None
    }

    /// An entry for a source that has none, where one is free: nobody gives up his. For restores, whose sources were
    /// admitted once.
    pub(crate) fn reserve(&mut self, fingerprint: u64) -> Option<u32> {
        let entry = self.unused()?;
        self.index_entry(fingerprint, entry)
    }

    pub(crate) fn release(&mut self, slot: Slot) {
        let fingerprint = self.hot(slot).fingerprint;
        if self.hot(slot).flags.has(Flags::SEVERAL) {
            self.pairs.forget(fingerprint);
        }
        self.index.remove(fingerprint, slot.0);
        self.give_back(slot.0);
        self.occupancy.tracked -= 1;
    }

    /// Puts an entry in front of the free ones.
    fn give_back(&mut self, entry: u32) {
        self.hot[entry as usize] = Hot { talk: self.free.unwrap_or(END), ..Hot::FREE };
        if let Some(requester) = self.requesters.get_mut(entry as usize) {
            *requester = Requester::NEW;
        }
        if let Some(resident) = self.residents.get_mut(entry as usize) {
            *resident = Resident::NEW;
        }
        self.free = Some(entry);
    }

    fn take_free(&mut self) -> Option<u32> {
        let entry = self.free?;
        self.free = Some(self.hot[entry as usize].talk).filter(|&next| next != END);
        Some(entry)
    }

    /// An entry that nobody has.
    fn unused(&mut self) -> Option<u32> {
        if let Some(entry) = self.take_free() {
            return Some(entry);
        }
        if (self.high_water as usize) < self.hot.len() {
            self.high_water += 1;
            return Some(self.high_water - 1);
        }
        None
    }

    fn vacancy(&mut self, now: Tick) -> Option<u32> {
        if let Some(entry) = self.unused() {
            return Some(entry);
        }
        let victim = self.victim(now)?;
        self.release(victim);
        self.occupancy.evicted += 1;
        self.take_free()
    }

    /// The least informative of the next few entries: never one that is penalised, listed, allowed or
    /// proven.
    fn victim(&mut self, now: Tick) -> Option<Slot> {
        let entries = self.hot.len() as u32;
        let first = self.hand;
        self.hand = (self.hand + VICTIMS) % entries;
        let idle = |entry: u32| now.low().wrapping_sub(self.hot[entry as usize].last_seen);
        (0..VICTIMS.min(entries))
            .map(|i| (first + i) % entries)
            .filter(|&entry| {
                let hot = &self.hot[entry as usize];
                let known = [Flags::ALLOWED, Flags::LISTED, Flags::PROVEN];
                hot.fingerprint != 0
                    && hot.band <= Band::Neutral
                    && !known.iter().any(|&flag| hot.flags.has(flag))
                    && (idle(entry) >= ACTIVE_MS || hot.packets <= 1)
            })
            .max_by_key(|&entry| idle(entry))
            .map(Slot)
    }
}
