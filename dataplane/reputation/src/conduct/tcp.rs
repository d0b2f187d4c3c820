//! TCP's beginnings and refusals: SYN, SYN-ACK, RST.
//!
//! Called by [`Shard::observe`]. Always holds: what becomes of a handshake is kept in its contact.

use repute_model::Tick;

use super::{Exchange, HOST_MASK, Observed, Parties, STRAY};
use crate::{ContactState, Shard, Slot, Tally};

/// A SYN to where one is pending may be its retransmission (RFC 6298): a quarter.
const REPEATED: u16 = Tally::ONE / 4;

impl Shard {
    pub(super) fn syn(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.forward());
        let fresh = self.contacts.get(key).is_none();
        if fresh {
            self.remember(key, x, parties.sender, ContactState::Pending, now);
        }
        let mut look = self.unanswered(parties.sender);
        if let Some(sender) = parties.sender {
            let hot = self.hot_mut(sender);
            look |= hot.begins_connection();
            look |= hot.open.climb(if fresh { Tally::ONE } else { REPEATED });
            hot.talk = 0;
        }
        Observed { sender: look, fresh, ..Observed::default() }
    }

    pub(super) fn syn_ack(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.reverse());
        match self.contacts.get(key).map(|contact| contact.state()) {
            // Another connection of a known conversation: still an answer.
            Some(ContactState::Used | ContactState::Answered) => self.heard(),
            // Charged already: it stays so until something is exchanged, or who connects and closes
            // time and again (a health check) would be charged each time.
            Some(ContactState::Failed) => {
                self.expect(key, x.seq.wrapping_add(1));
                self.answered(x, parties, now);
            }
            Some(_) => {
                self.contacts.settle(key, ContactState::Answered);
                self.expect(key, x.seq.wrapping_add(1));
                self.answered(x, parties, now);
            }
            None => return self.unasked(parties.sender, STRAY),
        }
        Observed::default()
    }

    fn expect(&mut self, key: u64, ack: u32) {
        if let Some(contact) = self.contacts.get(key) {
            contact.expect(ack);
        }
    }

    pub(super) fn reset(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let (back, there) = (self.secret.conversation(&x.reverse()), self.secret.conversation(&x.forward()));
        if let Some(contact) = self.contacts.get(back) {
            if contact.state() != ContactState::Pending {
                return Observed::default();
            }
            let host = contact.host();
            self.contacts.settle(back, ContactState::Failed);
            self.answered(x, parties, now);
            return self.charge(parties.receiver, host, now);
        }
        match self.contacts.get(there).map(|contact| contact.state()) {
            Some(ContactState::Pending | ContactState::Answered) => {
                self.aborted(x, there, parties.sender, now)
            }
            Some(ContactState::Failed) => {
                self.close_repeated(parties.sender);
                Observed::default()
            }
            Some(_) => Observed::default(),
            None => self.unasked(parties.sender, STRAY),
        }
    }

    /// Takes back what a SYN to where one had failed before counted as open.
    pub(super) fn close_repeated(&mut self, sender: Option<Slot>) {
        if let Some(sender) = sender {
            self.hot_mut(sender).open.take(REPEATED);
        }
    }

    /// The asker itself ended what had not begun: a probe.
    pub(super) fn aborted(&mut self, x: &Exchange, key: u64, sender: Option<Slot>, now: Tick) -> Observed {
        self.contacts.settle(key, ContactState::Failed);
        let Some(sender) = sender else { return Observed::default() };
        self.close_open(Some(sender));
        let host = self.secret.address(x.dst) as u32;
        self.failed(sender, host & HOST_MASK, now);
        Observed { sender: true, ..Observed::default() }
    }
}
