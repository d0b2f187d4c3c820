//! Segments and datagrams: who asks, who answers, and what goes on.
//!
//! Called by [`Shard::observe`], and by the engine itself for what goes on. Always holds: while a source stays
//! in one conversation that is answered, nothing is looked up.

use repute_model::{Address, Tick};

use super::{Act, DATAGRAM, Exchange, Observed, Parties};
use crate::{ContactState, Conversation, Fact, Flags, Shard, Slot, Tally};

/// A datagram to yet another port of a host that was asked before: three quarters.
const DATAGRAM_AGAIN: u16 = Tally::ONE / 4 * 3;
/// Where servers speak QUIC for HTTP/3 (RFC 9114).
const QUIC: u16 = 443;
/// In place of a protocol number (255 is reserved by IANA): any datagram to a host.
const DATAGRAMS: u8 = 255;

/// The keys of the requests that one packet may have to do with, whose addresses are hashed once for all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestKeys {
    /// What its receiver asked its sender for.
    back: u64,
    /// What its sender asks its receiver for.
    there: u64,
    /// Any datagrams of its sender to its receiver.
    host: u64,
}

impl RequestKeys {
    /// Of no packet.
    pub const NONE: Self = Self { back: 0, there: 0, host: 0 };
}

impl Shard {
    /// What names the conversation of a source with an address; see [`crate::Secret::talk`].
    #[inline(always)]
    pub fn talk(&self, key: u64, other: Address, protocol: u8, ports: u32) -> u32 {
        self.secret.talk(key, other, protocol, ports)
    }

    /// The keys of the requests that a packet may have to do with.
    #[inline]
    pub fn request_keys(&self, x: &Exchange) -> RequestKeys {
        let secret = &self.secret;
        let (asker, asked) = (secret.asker(x.src), secret.asked(x.dst));
        RequestKeys {
            back: secret.conversation(&x.reverse()),
            there: secret.conversation_between(asker, asked, x.protocol, x.dport),
            host: secret.conversation_between(asker, asked, DATAGRAMS, 0),
        }
    }

    /// Asks the CPU for where these requests are remembered.
    #[inline]
    pub fn fetch_requests(&self, keys: &RequestKeys) {
        [keys.back, keys.there, keys.host].into_iter().for_each(|key| self.contacts.prefetch(key));
    }

    /// Segments and datagrams: nothing is looked up while the conversation stays the same.
    pub(super) fn traffic(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let fin = matches!(x.act, Act::Segment { fin: true, .. });
        let talk = |shard: &Self, owner, other, ports: (u16, u16)| {
            let ports = u32::from(ports.0) << 16 | u32::from(ports.1);
            shard.talk(shard.hot(owner).fingerprint, other, x.protocol, ports)
        };
        let mut tag = 0;
        match (parties.sender, parties.receiver) {
            (Some(sender), _) => {
                tag = talk(self, sender, x.dst, (x.sport, x.dport));
                let calm = self.calm.unanswered;
                if !fin && let Some(look) = self.hot_mut(sender).goes_on(tag, calm) {
                    return Observed { sender: look, ..Observed::default() };
                }
            }
            (None, Some(receiver))
                if self.hot(receiver).is_answered_in(talk(self, receiver, x.src, (x.dport, x.sport))) =>
            {
                return Observed::default();
            }
            _ => {}
        }
        self.observe_turn(x, &self.request_keys(x), tag, parties, now)
    }

    /// Takes note of a segment or datagram that does not go on with the conversation that its sender was last seen in;
    /// `talk` names the packet's own ([`Shard::talk`]), `keys` are its [`Shard::request_keys`].
    #[inline]
    pub fn observe_turn(
        &mut self,
        x: &Exchange,
        keys: &RequestKeys,
        talk: u32,
        parties: Parties,
        now: Tick,
    ) -> Observed {
        let (observed, state) = match self.state_at(keys.back) {
            Some(state) => (self.answer(x, keys.back, state, parties, now), self.state_at(keys.back)),
            None => {
                let observed = self.request(x, keys, parties, now);
                // Nobody has answered what has just begun.
                (observed, if observed.fresh { None } else { self.state_at(keys.there) })
            }
        };
        if let Some(sender) = parties.sender {
            let hot = self.hot_mut(sender);
            // A handshake that carries nothing yet may still turn out to be a probe: look each time.
            let empty = matches!(state, Some(ContactState::Answered | ContactState::Failed));
            let answered = state == Some(ContactState::Used);
            // So may an answer that nobody has asked for yet.
            let looks = match x.act {
                Act::Segment { .. } => empty,
                act => act == Act::Datagram { answer: true } && !answered,
            };
            hot.talk = if looks { 0 } else { talk };
            hot.flags.set(Flags::ANSWERED, answered);
        }
        observed
    }

    /// The sender answers the receiver.
    fn answer(
        &mut self,
        x: &Exchange,
        key: u64,
        state: ContactState,
        parties: Parties,
        now: Tick,
    ) -> Observed {
        let exchanged = !matches!(x.act, Act::Segment { data: false, .. });
        if matches!(state, ContactState::Pending | ContactState::Loose | ContactState::Failed) {
            self.answered(x, parties, now);
        }
        let datagram = matches!(x.act, Act::Datagram { .. });
        let fact = match (datagram, state) {
            (_, ContactState::Used) => None,
            (true, _) => Some(Fact::Replied),
            // A host resets what it does not know: whatever else it sends, it knows this connection.
            (false, ContactState::Loose) => Some(Fact::Continued),
            (false, ContactState::Pending | ContactState::Answered | ContactState::Failed) if exchanged => {
                Some(Fact::Shaken)
            }
            _ => None,
        };
        if exchanged && state != ContactState::Used {
            self.contacts.settle(key, ContactState::Used);
            self.succeeded(parties.receiver, datagram);
        } else if matches!(state, ContactState::Pending | ContactState::Loose) {
            self.contacts.settle(key, ContactState::Answered);
        }
        Observed { completed: fact.map(|fact| (fact, x.src)), ..Observed::default() }
    }

    /// The sender asks, or goes on asking.
    fn request(&mut self, x: &Exchange, keys: &RequestKeys, parties: Parties, now: Tick) -> Observed {
        let key = keys.there;
        let Some(state) = self.state_at(key) else {
            return self.first_request(x, keys, parties, now);
        };
        if state == ContactState::Loose
            && let (Some(asker), _) = self.ends_of(x, parties.sender)
            && let Some(contact) = self.contacts.get(key)
        {
            contact.adopt(asker, now);
        }
        match (x.act, state) {
            (Act::Segment { data, fin }, ContactState::Pending | ContactState::Answered) => {
                self.close_open(parties.sender);
                let completed = self.proves(x, key, state, parties.sender);
                let aborts = fin && !data && state == ContactState::Answered;
                if data && self.is_verified(parties.sender, completed.is_some()) {
                    self.contacts.settle(key, ContactState::Used);
                    self.succeeded(parties.sender, false);
                } else if aborts {
                    return Observed { completed, ..self.aborted(x, key, parties.sender, now) };
                } else if state == ContactState::Pending {
                    self.contacts.settle(key, ContactState::Answered);
                }
                Observed { completed, ..Observed::default() }
            }
            (Act::Segment { data, .. }, ContactState::Failed) => {
                self.close_repeated(parties.sender);
                let completed = self.proves(x, key, state, parties.sender);
                if data && self.is_verified(parties.sender, completed.is_some()) {
                    self.contacts.settle(key, ContactState::Used);
                    self.succeeded(parties.sender, false);
                }
                Observed { completed, ..Observed::default() }
            }
            (Act::Segment { .. }, ContactState::Used) => {
                self.close_open(parties.sender);
                Observed::default()
            }
            (_, ContactState::Used | ContactState::Answered) => Observed::default(),
            (Act::Datagram { answer: true }, _) => self.unasked(parties.sender, Tally::ONE),
            _ => Observed { sender: self.unanswered(parties.sender), ..Observed::default() },
        }
    }

    /// Whether a segment proves that its sender has received the SYN-ACK: it acknowledges it. Where the box sees one
    /// direction only, that there is a segment after the SYN has to do.
    fn proves(
        &mut self,
        x: &Exchange,
        key: u64,
        state: ContactState,
        sender: Option<Slot>,
    ) -> Option<(Fact, Address)> {
        let proves = if state == ContactState::Pending {
            !self.is_armed()
        } else {
            let contact = self.contacts.get(key).filter(|contact| contact.expects(x.ack))?;
            // Once is enough.
            contact.expect(!x.ack);
            if let Some(sender) = sender {
                self.verified(sender);
            }
            true
        };
        proves.then_some((Fact::Shaken, x.dst))
    }

    /// Whether a sender is who he says he is, as far as the box can see.
    fn is_verified(&self, sender: Option<Slot>, now: bool) -> bool {
        now || !self.is_armed() || sender.is_some_and(|sender| self.hot(sender).flags.has(Flags::VERIFIED))
    }

    fn first_request(&mut self, x: &Exchange, keys: &RequestKeys, parties: Parties, now: Tick) -> Observed {
        let key = keys.there;
        if let Act::Datagram { answer: true } = x.act {
            let asked = self.was_for_everybody(x);
            self.remember(key, x, parties.sender, ContactState::Loose, now);
            return if asked { self.loose(parties.sender) } else { self.unasked(parties.sender, Tally::ONE) };
        }
        let to_one = x.has_one_receiver();
        if !to_one {
            self.remember_everybody(x, now);
        }
        let datagram = to_one && matches!(x.act, Act::Datagram { .. });
        let state = if datagram { ContactState::Pending } else { ContactState::Loose };
        let (asker, host) = self.ends_of(x, parties.sender);
        self.contacts.insert(key, asker, host, state, now);
        let mut look = self.unanswered(parties.sender);
        if datagram && let Some(sender) = parties.sender {
            let again = self.contacts.get(keys.host).is_some();
            if !again {
                self.contacts.insert(keys.host, asker, host, ContactState::Loose, now);
            }
            let parts = if again { DATAGRAM_AGAIN } else { self.datagram_to_somebody_new(x, sender) };
            look |= self.hot_mut(sender).open.climb(parts);
        }
        Observed { sender: look, fresh: true, ..Observed::default() }
    }

    /// Who has never been answered although others are asks for more with every host that he tries. Not over QUIC, which
    /// some networks do not let through and which is tried at every host before TCP is (RFC 9308, 2).
    fn datagram_to_somebody_new(&self, x: &Exchange, sender: Slot) -> u16 {
        let unheard = self.is_armed() && !self.hot(sender).flags.has(Flags::PROVEN);
        if unheard && x.dport != QUIC { 3 * DATAGRAM } else { DATAGRAM }
    }

    /// A question to everybody (mDNS, SSDP, broadcast): any of them may answer.
    fn remember_everybody(&mut self, x: &Exchange, now: Tick) {
        let everybody = Conversation { asked: Address(0), ..x.forward() };
        let key = self.secret.conversation(&everybody);
        if self.contacts.get(key).is_none() {
            self.remember(key, x, None, ContactState::Loose, now);
        }
    }

    /// Whether a datagram may be an answer to a question to everybody.
    pub(super) fn was_for_everybody(&mut self, x: &Exchange) -> bool {
        self.state(Conversation { asked: Address(0), ..x.reverse() }).is_some()
    }

    fn loose(&mut self, sender: Option<Slot>) -> Observed {
        Observed { sender: self.unanswered(sender), fresh: true, ..Observed::default() }
    }
}
