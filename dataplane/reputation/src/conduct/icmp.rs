//! ICMP: echoes, their replies, and errors about what somebody sent.
//!
//! Called by [`Shard::observe`]. Always holds: an error counts only by the conversation that it quotes.

use repute_model::Tick;

use super::{Exchange, Observed, Parties, STRAY};
use crate::{ContactState, Conversation, Fact, Shard, Slot, Tally};

/// An echo request is a probe by nature: half a failure, whoever answers. Who asks again and is answered again watches a
/// host, and gets that back.
const ECHO: u16 = Tally::ONE / 2;

impl Shard {
    pub(super) fn echo(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.forward());
        if let Some(contact) = self.contacts.get(key) {
            let settled = matches!(contact.state(), ContactState::Answered | ContactState::Used);
            let look = !settled && self.unanswered(parties.sender);
            return Observed { sender: look, ..Observed::default() };
        }
        self.remember(key, x, parties.sender, ContactState::Loose, now);
        let mut look = self.unanswered(parties.sender);
        if let Some(sender) = parties.sender {
            look |= self.hot_mut(sender).destinations.climb(ECHO);
        }
        Observed { sender: look, fresh: true, ..Observed::default() }
    }

    pub(super) fn echo_reply(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.reverse());
        let Some(state) = self.state_at(key) else { return self.unasked(parties.sender, STRAY) };
        self.answered(x, parties, now);
        match state {
            ContactState::Used => Observed::default(),
            ContactState::Answered => {
                self.contacts.settle(key, ContactState::Used);
                if let Some(asker) = parties.receiver {
                    self.hot_mut(asker).destinations.take(ECHO);
                }
                Observed::default()
            }
            _ => {
                self.contacts.settle(key, ContactState::Answered);
                Observed { completed: Some((Fact::Replied, x.src)), ..Observed::default() }
            }
        }
    }

    pub(super) fn error(
        &mut self,
        quoted: Option<Conversation>,
        unreachable: bool,
        parties: Parties,
        now: Tick,
    ) -> Observed {
        let Some(quoted) = quoted else { return Observed::default() };
        let key = self.secret.conversation(&quoted);
        let Some(contact) = self.contacts.get(key) else {
            let back = Conversation { asker: quoted.asked, asked: quoted.asker, ..quoted };
            let ours = self.contacts.get(self.secret.conversation(&back)).is_some();
            return if ours { Observed::default() } else { self.stray_error(parties.sender) };
        };
        let waits = matches!(contact.state(), ContactState::Pending | ContactState::Loose);
        if !unreachable || !waits {
            return Observed::default();
        }
        let host = contact.host();
        self.contacts.settle(key, ContactState::Failed);
        self.charge(parties.receiver, host, now)
    }

    /// An ICMP error about something that nobody sent.
    fn stray_error(&mut self, sender: Option<Slot>) -> Observed {
        if let Some(sender) = sender {
            self.hot_mut(sender).icmp_errors.add(Tally::ONE);
        }
        self.unanswered(sender);
        Observed { sender: true, ..Observed::default() }
    }
}
