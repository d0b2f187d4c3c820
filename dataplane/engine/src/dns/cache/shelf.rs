//! Which answers are there, and which goes first.
//!
//! Called by the cache alone. Always holds: an entry is in the chain of its hash and in the queue of all, or free; the
//! queue begins with the one that goes first, and has no more entries than there are places.

use repute_memory::{Table, prefetch};
use repute_model::Tick;
use repute_wire::dns::Rcode;

/// No entry.
const NONE: u32 = u32::MAX;
/// The hash of an entry that is free. An answer whose question has it is found each time anew.
const FREE: u64 = 0;
/// Whoever makes room gives at most so many entries that were used a second chance: then the next one goes, used or not.
/// It bounds what one answer costs; of answers that are asked for again one in 64 is lost a round of the queue.
const CHANCES: u32 = 64;
/// Changes are counted by so many classes of hashes.
const VERSIONS: usize = 4096;

/// An answer that is kept: where it lies, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The hash of its key.
    pub hash: u64,
    /// When it came.
    pub at: Tick,
    /// Seconds that it may be given from then on.
    pub life_s: u32,
    /// Its first block, which begins with the key; the positions of the message's TTLs and the message follow.
    pub first: u32,
    pub key_len: u16,
    pub positions_len: u16,
    pub message_len: u16,
    /// Bits of the client's network that it is valid for.
    pub scope: u8,
    /// Its response code, below 16.
    pub rcode: u8,
}

impl Entry {
    /// Whole seconds since it came.
    pub fn age_s(&self, now: Tick) -> u32 {
        u32::try_from(now.since(self.at) / 1000).unwrap_or(u32::MAX)
    }

    /// Where in its blocks the message begins.
    pub fn message_at(&self) -> usize {
        usize::from(self.key_len) + usize::from(self.positions_len)
    }

    /// The response code.
    pub fn rcode(&self) -> Rcode {
        Rcode::from_parts(self.rcode, 0)
    }

    /// Whether its time is not over.
    pub fn is_fresh(&self, now: Tick) -> bool {
        self.age_s(now) < self.life_s
    }
}

/// Where an answer was found, and the hash of its question: it is there until another answer takes its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Found {
    pub(super) at: u32,
    pub(super) hash: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    entry: Entry,
    /// The next one of the same place in `heads`; of a free one the next free one.
    chained: u32,
    /// The ones before and behind it in the queue.
    before: u32,
    behind: u32,
    /// Whether it was given since it was last looked at.
    used: bool,
}

#[derive(Debug)]
pub(super) struct Shelf {
    /// A power of two.
    heads: Table<u32>,
    slots: Table<Slot>,
    free: u32,
    first: u32,
    last: u32,
    len: u32,
    /// How often something has changed about the entries with such hashes.
    versions: Table<u32>,
}

impl Shelf {
    /// Room for `entries`, at most 2^31.
    pub fn new(entries: u32) -> Self {
        let count = entries.min(1 << 31);
        let entry = Entry {
            hash: FREE,
            at: Tick(0),
            life_s: 0,
            first: NONE,
            key_len: 0,
            message_len: 0,
            positions_len: 0,
            scope: 0,
            rcode: 0,
        };
        let slot = Slot { entry, chained: NONE, before: NONE, behind: NONE, used: false };
        let mut slots = Table::new(count as usize, slot);
        for (next, slot) in (1..).zip(slots.iter_mut()) {
            slot.chained = if next == count { NONE } else { next };
        }
        let free = if count == 0 { NONE } else { 0 };
        let heads = Table::new((count as usize).next_power_of_two(), NONE);
        Self { heads, slots, free, first: NONE, last: NONE, len: 0, versions: Table::new(VERSIONS, 0) }
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn memory(&self) -> usize {
        self.heads.bytes() + self.slots.bytes() + self.versions.bytes()
    }

    pub fn has_room(&self) -> bool {
        self.free != NONE
    }

    /// The entry with this hash that `is` the one.
    pub fn find(&self, hash: u64, is: impl Fn(&Entry) -> bool) -> Option<u32> {
        let mut at = self.heads[self.place(hash)];
        while let Some(slot) = self.slots.get(at as usize) {
            if slot.entry.hash == hash && is(&slot.entry) {
                return Some(at);
            }
            at = slot.chained;
        }
        None
    }

    /// Asks the CPU for what is known of an answer.
    pub fn fetch(&self, found: Found) {
        self.slots.get(found.at as usize).into_iter().for_each(prefetch);
    }

    /// Whether an answer still is where it was found, or one to the same question.
    pub fn has(&self, found: &Found) -> bool {
        self.slots
            .get(found.at as usize)
            .is_some_and(|slot| slot.entry.hash == found.hash && found.hash != FREE)
    }

    /// While it stays, an answer that was found with this hash is where it was, and counts as used if it was used then.
    #[inline]
    pub fn version(&self, found: &Found) -> u32 {
        self.versions[found.hash as usize % VERSIONS]
    }

    fn change(&mut self, hash: u64) {
        let version = &mut self.versions[hash as usize % VERSIONS];
        *version = version.wrapping_add(1);
    }

    /// The entry at a place that [`find`](Self::find) or [`next_to_go`](Self::next_to_go) gave.
    pub fn get(&self, at: u32) -> Entry {
        self.slots[at as usize].entry
    }

    /// Gives an entry a second chance.
    pub fn use_again(&mut self, at: u32) {
        self.slots[at as usize].used = true;
    }

    /// Adds an entry at the end of the queue; `None`, and nothing is changed, without room.
    pub fn add(&mut self, entry: Entry) -> Option<()> {
        let at = self.free;
        let place = self.place(entry.hash);
        let slot = self.slots.get_mut(at as usize)?;
        self.free = slot.chained;
        *slot = Slot { entry, chained: self.heads[place], before: NONE, behind: NONE, used: false };
        self.heads[place] = at;
        self.len += 1;
        self.change(entry.hash);
        self.enqueue(at);
        Some(())
    }

    /// Takes an entry away.
    pub fn remove(&mut self, at: u32) {
        self.dequeue(at);
        let Slot { entry, chained, .. } = self.slots[at as usize];
        let place = self.place(entry.hash);
        let mut before = self.heads[place];
        if before == at {
            self.heads[place] = chained;
        }
        while let Some(slot) = self.slots.get_mut(before as usize) {
            if slot.chained == at {
                slot.chained = chained;
                break;
            }
            before = slot.chained;
        }
        self.change(entry.hash);
        let slot = &mut self.slots[at as usize];
        (slot.entry.hash, slot.chained) = (FREE, self.free);
        self.free = at;
        self.len -= 1;
    }

    /// The entry that goes first: the oldest that was not used since it was last looked at, or may no longer be given.
    pub fn next_to_go(&mut self, may_be_given: impl Fn(&Entry) -> bool) -> Option<u32> {
        for _ in 0..CHANCES {
            let at = self.first;
            let slot = self.slots.get_mut(at as usize)?;
            if !slot.used || !may_be_given(&slot.entry) {
                return Some(at);
            }
            slot.used = false;
            let hash = slot.entry.hash;
            self.change(hash);
            self.dequeue(at);
            self.enqueue(at);
        }
        (self.first != NONE).then_some(self.first)
    }

    fn enqueue(&mut self, at: u32) {
        let before = self.last;
        let slot = &mut self.slots[at as usize];
        (slot.before, slot.behind) = (before, NONE);
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.behind = at,
            None => self.first = at,
        }
        self.last = at;
    }

    fn dequeue(&mut self, at: u32) {
        let Slot { before, behind, .. } = self.slots[at as usize];
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.behind = behind,
            None => self.first = behind,
        }
        match self.slots.get_mut(behind as usize) {
            Some(slot) => slot.before = before,
            None => self.last = before,
        }
    }

    fn place(&self, hash: u64) -> usize {
        hash as usize & (self.heads.len() - 1)
    }
}
