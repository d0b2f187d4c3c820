//! Remembered requests: who asked whom for what, and what became of it.
//!
//! A bounded set-associative table. A full set forgets the oldest contact that is settled, else the
//! oldest: what is forgotten counts neither for nor against anybody.

use repute_memory::{Table, prefetch};
use repute_model::Tick;

use crate::Hosts;

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ContactState {
    /// Asked, not answered yet.
    Pending,
    /// Asked in a way whose silence means nothing (mid-stream, one-way).
    Loose,
    /// Answered, nothing exchanged yet.
    Answered,
    /// Answered, and data exchanged.
    Used,
    /// Refused, aborted or silent.
    Failed,
}

/// One remembered request, 16 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Contact {
    /// Which request; 0 = free.
    tag: u32,
    /// Entry number of the asker, or [`Contact::NOBODY`].
    asker: u32,
    /// Low bits of the tick of the request.
    at: u32,
    /// Host number of the asked (20 bits), check bits of the asker (8 bits), state (4 bits).
    meta: u32,
}

impl Contact {
    /// The asker has no entry.
    pub const NOBODY: u32 = u32::MAX;
    const FREE: Self = Self { tag: 0, asker: Self::NOBODY, at: 0, meta: 0 };

    /// What became of it.
    pub fn state(&self) -> ContactState {
        match self.meta & 0xf {
            0 => ContactState::Pending,
            1 => ContactState::Loose,
            2 => ContactState::Answered,
            3 => ContactState::Used,
            _ => ContactState::Failed,
        }
    }

    /// Moves it on.
    pub fn become_(&mut self, state: ContactState) {
        self.meta = self.meta & !0xf | state as u32;
    }

    /// The asker's entry number and the check bits of its fingerprint.
    pub fn asker(&self) -> Option<(u32, u8)> {
        (self.asker != Self::NOBODY).then_some((self.asker, (self.meta >> 4) as u8))
    }

    /// The asked host's number.
    pub fn host(&self) -> u32 {
        self.meta >> 12
    }

    /// Keeps what only who receives the answer knows: the acknowledgement of a SYN-ACK. The asked host's number makes
    /// room for it; who has answered is not asked for it again.
    pub fn expect(&mut self, ack: u32) {
        self.meta = ack << 12 | self.meta & 0xfff;
    }

    /// Whether this is what it keeps, by 20 bits: to guess it takes a million packets.
    pub fn expects(&self, ack: u32) -> bool {
        self.meta >> 12 == ack & ((1 << Hosts::MAX_BITS) - 1)
    }

    /// Counts its time from now on.
    pub fn begin_again(&mut self, now: Tick) {
        self.at = now.low();
    }

    /// Gives it to the asker, where it had none: it was only remembered, and now it has passed.
    pub fn adopt(&mut self, (asker, check): (u32, u8), now: Tick) {
        if self.asker == Self::NOBODY {
            self.asker = asker;
            self.meta = self.meta & !0xff0 | u32::from(check) << 4;
            self.at = now.low();
        }
    }

    /// Whether it waits for something, and is forgotten after those that do not: pending, or answered.
    fn waits(&self) -> bool {
        const WAITING: u32 = 1 << ContactState::Pending as u32 | 1 << ContactState::Answered as u32;
        WAITING >> (self.meta & 0xf) & 1 != 0
    }

    /// How long ago it was asked for, ms.
    pub fn age(&self, now: Tick) -> u32 {
        now.low().wrapping_sub(self.at)
    }
}

const WAYS: usize = 4;

/// The table of remembered requests.
#[derive(Debug)]
pub struct Contacts {
    sets: Table<[Contact; WAYS]>,
    pending: u32,
    forgotten: u64,
}

impl Contacts {
    /// Room for `contacts` requests (rounded up to a power of two).
    pub fn new(contacts: u32) -> Self {
        let sets = (contacts as usize / WAYS).next_power_of_two();
        Self { sets: Table::new(sets, [Contact::FREE; WAYS]), pending: 0, forgotten: 0 }
    }

    /// Asks the CPU for where the contact of `key` is.
    #[inline]
    pub fn prefetch(&self, key: u64) {
        prefetch(&self.sets[self.place(key).0]);
    }

    /// The contact of `key`.
    #[inline]
    pub fn get(&mut self, key: u64) -> Option<&mut Contact> {
        let (set, tag) = self.place(key);
        self.sets[set].iter_mut().find(|contact| contact.tag == tag)
    }

    /// Moves the contact of `key` to `state`; the old state, or `None` where it is not remembered.
    pub fn settle(&mut self, key: u64, state: ContactState) -> Option<ContactState> {
        let contact = self.get(key)?;
        let old = contact.state();
        contact.become_(state);
        self.pending -= u32::from(old == ContactState::Pending);
        self.pending += u32::from(state == ContactState::Pending);
        Some(old)
    }

    /// Remembers a request that is not in the table. `asker` is an entry number and the check bits of
    /// its fingerprint; `host` a number of the asked, of which the low 20 bits are kept.
    pub fn insert(&mut self, key: u64, asker: Option<(u32, u8)>, host: u32, state: ContactState, now: Tick) {
        let (set, tag) = self.place(key);
        let way = victim(&self.sets[set], now);
        let slot = &mut self.sets[set][way];
        if slot.tag != 0 {
            self.forgotten += 1;
            self.pending -= u32::from(slot.state() == ContactState::Pending);
        }
        let (asker, check) = asker.unwrap_or((Contact::NOBODY, 0));
        let host = host & ((1 << Hosts::MAX_BITS) - 1);
        *slot =
            Contact { tag, asker, at: now.low(), meta: host << 12 | u32::from(check) << 4 | state as u32 };
        self.pending += u32::from(state == ContactState::Pending);
    }

    /// Gives every pending contact of part `part` of `parts` that has waited for `silence_ms` to
    /// `silent`, which says whether that counts as a failure.
    pub fn expire(
        &mut self,
        part: u64,
        parts: u64,
        now: Tick,
        silence_ms: u32,
        mut silent: impl FnMut(&Contact) -> bool,
    ) {
        if self.pending == 0 {
            return;
        }
        let sets = self.sets.len() as u64;
        let range = (sets * part / parts) as usize..(sets * (part + 1) / parts) as usize;
        for contact in self.sets[range].iter_mut().flatten() {
            let waits = contact.tag != 0 && contact.state() == ContactState::Pending;
            if waits && contact.age(now) >= silence_ms {
                self.pending -= 1;
                let failed = silent(contact);
                contact.become_(if failed { ContactState::Failed } else { ContactState::Loose });
            }
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    /// Contacts that were pushed out by newer ones.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn place(&self, key: u64) -> (usize, u32) {
        ((key >> 32) as usize & (self.sets.len() - 1), (key as u32).max(1))
    }
}

/// The way to give up: a free one, else the oldest settled one, else the oldest. What decides is one number, so that there is
/// no branch that could be mispredicted.
#[inline]
fn victim(set: &[Contact; WAYS], now: Tick) -> usize {
    let worth = |(way, contact): (usize, &Contact)| {
        let youth = u64::from(u32::MAX - contact.age(now));
        let worth = u64::from(contact.tag != 0) << 33 | u64::from(contact.waits()) << 32 | youth;
        worth * WAYS as u64 + way as u64
    };
    set.iter().enumerate().map(worth).min().unwrap_or(0) as usize % WAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_sixteen_bytes_and_keeps_what_it_is_told() {
        assert_eq!(size_of::<Contact>(), 16);
        let mut contacts = Contacts::new(64);
        contacts.insert(0xdead_beef_0000_0001, Some((77, 0xab)), 0xf_1234, ContactState::Pending, Tick(5));
        let contact = *contacts.get(0xdead_beef_0000_0001).unwrap();
        assert_eq!(contact.asker(), Some((77, 0xab)));
        assert_eq!(contact.host(), 0xf_1234);
        assert_eq!(contact.state(), ContactState::Pending);
        let old = contacts.settle(0xdead_beef_0000_0001, ContactState::Used);
        assert_eq!(old, Some(ContactState::Pending));
        assert_eq!(contacts.get(0xdead_beef_0000_0001).unwrap().host(), 0xf_1234);
        assert!(contacts.get(2).is_none());
    }

    #[test]
    fn a_full_set_forgets_the_settled_first_then_the_oldest() {
        let mut contacts = Contacts::new(4);
        for key in 1..=4 {
            contacts.insert(key, None, 0, ContactState::Pending, Tick(key));
        }
        contacts.settle(3, ContactState::Used);
        contacts.insert(5, None, 0, ContactState::Pending, Tick(9));
        assert!(contacts.get(3).is_none() && contacts.get(1).is_some());
        contacts.insert(6, None, 0, ContactState::Pending, Tick(10));
        assert!(contacts.get(1).is_none() && contacts.get(2).is_some());
        assert_eq!(contacts.forgotten(), 2);
    }

    #[test]
    fn silence_is_noticed_once() {
        let mut contacts = Contacts::new(64);
        contacts.insert(1 << 40 | 1, None, 7, ContactState::Pending, Tick(0));
        contacts.insert(2 << 40 | 2, None, 8, ContactState::Loose, Tick(0));
        let mut seen = Vec::new();
        for now in 0..10_000 {
            contacts.expire(now % 100, 100, Tick(now), 3000, |contact| {
                seen.push((now, contact.host()));
                true
            });
        }
        assert_eq!(seen.len(), 1);
        assert!((3000..3100).contains(&seen[0].0) && seen[0].1 == 7);
    }
}
