//! What comes of requests, whatever protocol they were made in: the tallies that factors are made of.
//!
//! Called by the protocol files beside it and by the sweep, which notices silence. Always holds: what
//! is charged to nobody's entry changes nothing.

use repute_model::Tick;

use super::{ARMED_ANSWERS, DATAGRAM, Exchange, HOST_MASK, Observed, Parties};
use crate::{ContactState, Conversation, Flags, Shard, Slot, Tally};

impl Shard {
    /// Notes that a request of `asker` to `host` has failed.
    pub(crate) fn failed(&mut self, asker: Slot, host: u32, now: Tick) {
        let fingerprint = self.hot(asker).fingerprint;
        let key = fingerprint.rotate_left(17)
            ^ (u64::from(host) << 40 | u64::from(host)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let again = self.contacts.get(key).is_some();
        if again {
            self.hot_mut(asker).ports.add(Tally::ONE);
        } else {
            self.contacts.insert(key, Some((asker.0, fingerprint as u8)), host, ContactState::Failed, now);
            self.hot_mut(asker).destinations.add(Tally::ONE);
        }
    }

    /// The receiver's request was refused.
    pub(super) fn charge(&mut self, asker: Option<Slot>, host: u32, now: Tick) -> Observed {
        let Some(asker) = asker else { return Observed::default() };
        self.close_open(Some(asker));
        self.failed(asker, host, now);
        Observed { receiver: true, ..Observed::default() }
    }

    /// Whether answers have been seen: what needs both directions means something from here on.
    pub(crate) fn is_armed(&self) -> bool {
        self.answers >= ARMED_ANSWERS
    }

    /// An answer that nobody asked for; `parts` 256ths of one that proves it alone.
    pub(super) fn unasked(&mut self, sender: Option<Slot>, parts: u16) -> Observed {
        self.unanswered(sender);
        let Some(sender) = sender.filter(|_| self.is_armed()) else { return Observed::default() };
        self.hot_mut(sender).unsolicited.add(parts);
        Observed { sender: true, ..Observed::default() }
    }

    /// Both directions have been seen once more.
    pub(super) fn heard(&mut self) {
        self.answers = self.answers.saturating_add(1);
    }

    /// Somebody got an answer: the box sees both directions, and this host is alive.
    pub(super) fn answered(&mut self, x: &Exchange, parties: Parties, now: Tick) {
        self.heard();
        let asker = parties.receiver.map_or_else(|| self.secret.address(x.dst), |r| self.hot(r).fingerprint);
        let host = self.secret.address(x.src) as u32;
        self.hosts.answered(host & HOST_MASK, asker, now);
        if let Some(receiver) = parties.receiver {
            let hot = self.hot_mut(receiver);
            if !hot.flags.has(Flags::ANSWERED) {
                hot.talk = 0;
            }
        }
    }

    /// A request was answered and used: standing is earned, and a failure will be excused.
    pub(super) fn succeeded(&mut self, asker: Option<Slot>, datagram: bool) {
        let Some(asker) = asker else { return };
        let hot = self.hot_mut(asker);
        hot.used.add(if datagram { DATAGRAM } else { Tally::ONE });
        hot.open.take(if datagram { DATAGRAM } else { 0 });
        hot.flags.set(Flags::PROVEN, true);
        if !datagram {
            // A server sends data, or takes it, only once it has seen that its own answer arrived.
            hot.flags.set(Flags::VERIFIED, true);
        }
    }

    /// A question of `asker` was answered by the box itself, before anybody else saw it: standing is earned as by any other
    /// answer. Whether it is the first one that it earned.
    pub fn served(&mut self, asker: Slot) -> bool {
        let hot = self.hot_mut(asker);
        let is_first = !hot.flags.has(Flags::PROVEN);
        hot.used.add(DATAGRAM);
        hot.flags.set(Flags::PROVEN, true);
        is_first
    }

    pub(super) fn close_open(&mut self, sender: Option<Slot>) {
        if let Some(sender) = sender {
            self.hot_mut(sender).open.take(Tally::ONE);
        }
    }

    /// Counts a packet that nobody answered; `true` when it is time to look at the score.
    pub(super) fn unanswered(&mut self, sender: Option<Slot>) -> bool {
        let calm = self.calm.unanswered;
        sender.is_some_and(|sender| self.hot_mut(sender).goes_unanswered(calm))
    }

    pub(super) fn remember(
        &mut self,
        key: u64,
        x: &Exchange,
        sender: Option<Slot>,
        state: ContactState,
        now: Tick,
    ) {
        let (asker, host) = self.ends_of(x, sender);
        self.contacts.insert(key, asker, host, state, now);
    }

    /// How a contact names who asks, if that is known, and who is asked.
    pub(super) fn ends_of(&self, x: &Exchange, sender: Option<Slot>) -> (Option<(u32, u8)>, u32) {
        let asker = sender.map(|slot| (slot.0, self.hot(slot).fingerprint as u8));
        (asker, self.secret.address(x.dst) as u32)
    }

    pub(super) fn state(&mut self, conversation: Conversation) -> Option<ContactState> {
        self.state_at(self.secret.conversation(&conversation))
    }

    pub(super) fn state_at(&mut self, key: u64) -> Option<ContactState> {
        self.contacts.get(key).map(|contact| contact.state())
    }
}
