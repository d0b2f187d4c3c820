//! What a packet says about the conduct of its sender and of whom it answers.
//!
//! Sans packets: the engine translates headers into an [`Exchange`], this room keeps the requests and
//! the tallies. A request is answered when the reverse is seen; a scan is many requests refused,
//! aborted or met with silence by hosts that answer others (threshold random walk: Jung, Paxson,
//! Berger, Balakrishnan 2004 — every failure counts up, every success counts down).

use repute_model::{Address, Score, Tick};

use crate::{ContactState, Conversation, Flags, Shard, Slot, Tally};

/// What a packet does in its conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// TCP SYN.
    Syn,
    /// TCP SYN and ACK.
    SynAck,
    /// Any other TCP segment with ACK; `data` = it carries payload.
    Segment {
        /// Whether it carries payload.
        data: bool,
        /// Whether it ends the sender's direction.
        fin: bool,
    },
    /// TCP RST.
    Reset,
    /// UDP, or a protocol without ports. `answer` = it can only be an answer (a reflector's port).
    Datagram {
        /// Whether only an answer looks like this.
        answer: bool,
    },
    /// ICMP echo request.
    Echo,
    /// ICMP echo reply.
    EchoReply,
    /// ICMP error; the conversation it quotes, its asker being the receiver. `unreachable` = a refusal,
    /// else the end of a packet's life on the way.
    Error {
        /// What it quotes, where that could be read.
        quoted: Option<Conversation>,
        /// Destination unreachable.
        unreachable: bool,
    },
    /// Nothing that can be attributed (non-first fragments).
    Opaque,
}

/// One packet between two addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exchange {
    /// Sender.
    pub src: Address,
    /// Receiver.
    pub dst: Address,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port, 0 where there is none.
    pub sport: u16,
    /// Destination port, 0 where there is none.
    pub dport: u16,
    /// What it does.
    pub act: Act,
}

/// The entries of both ends, where they are on the owner side and have one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parties {
    /// Who sent.
    pub sender: Option<Slot>,
    /// Whom it is for.
    pub receiver: Option<Slot>,
}

/// Whose score has to be looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// The sender's.
    pub sender: bool,
    /// The receiver's.
    pub receiver: bool,
    /// The sender asked somebody for the first time.
    pub fresh: bool,
}

/// "Nobody asked for this" is said only after this many requests were seen answered: before, the box
/// may be looking at one direction of an asymmetric path.
const ARMED_ANSWERS: u32 = 16;
/// Unanswered packets between two looks at the score.
const LOOK_EVERY: u32 = 32;
/// An echo request is a probe by nature: half a failure, whoever answers.
const ECHO: u16 = Tally::ONE / 2;
/// A SYN to where one is pending may be its retransmission (RFC 6298): a quarter.
const REPEATED: u16 = Tally::ONE / 4;
/// A datagram to somebody new is a quarter of an open connection, and its answer of a used one.
const DATAGRAM: u16 = Tally::ONE / 4;

impl Exchange {
    /// The conversation in which the sender asks.
    fn forward(&self) -> Conversation {
        Conversation { asker: self.src, asked: self.dst, protocol: self.protocol, port: self.dport }
    }

    /// The conversation in which the sender answers.
    fn reverse(&self) -> Conversation {
        Conversation { asker: self.dst, asked: self.src, protocol: self.protocol, port: self.sport }
    }

    /// Whether the receiver is one host.
    fn has_one_receiver(&self) -> bool {
        !self.dst.is_nobody()
    }
}

impl Shard {
    /// Whether a packet would begin something new: what `block-new` refuses.
    pub fn is_new(&mut self, x: &Exchange) -> bool {
        let begins = match x.act {
            Act::Syn | Act::Echo => true,
            Act::Datagram { .. } => self.state(x.forward()) != Some(ContactState::Used),
            _ => return false,
        };
        begins && self.state(x.reverse()).is_none()
    }

    /// Takes note of a packet that goes on its way.
    pub fn observe(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        match x.act {
            Act::Syn => self.syn(x, parties, now),
            Act::SynAck => self.syn_ack(x, parties, now),
            Act::Segment { .. } | Act::Datagram { .. } => self.traffic(x, parties, now),
            Act::Reset => self.reset(x, parties, now),
            Act::Echo => self.echo(x, parties, now),
            Act::EchoReply => self.echo_reply(x, parties, now),
            Act::Error { quoted, unreachable } => self.error(quoted, unreachable, parties, now),
            Act::Opaque => Observed::default(),
        }
    }

    /// Takes note of a packet that was dropped by its source's treatment: it counts as one that nobody
    /// answers, and for nothing else, so that being stopped is no evidence by itself.
    pub fn observe_stopped(&mut self, sender: Slot) -> bool {
        self.unanswered(Some(sender))
    }

    /// Notes that a source has begun to talk to a destination of this standing and belongs to a service.
    pub fn met(&mut self, sender: Slot, destination: Score, service: Option<u8>) {
        let warm = self.warm_mut(sender);
        let bad = 255.0 * (1.0 - destination.unit());
        // An eighth of the way each time; rounding away from the old value, so that it gets there.
        let step = (bad - f64::from(warm.destination)) / 8.0;
        let step = if step < 0.0 { step.floor() } else { step.ceil() };
        warm.destination = (f64::from(warm.destination) + step).clamp(0.0, 255.0) as u8;
        if let Some(number) = service {
            warm.service = number.saturating_add(1);
        }
    }

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

    fn syn(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.forward());
        let fresh = self.contacts.get(key).is_none();
        if fresh {
            self.remember(key, x, parties.sender, ContactState::Pending, now);
        }
        self.unanswered(parties.sender);
        if let Some(sender) = parties.sender {
            let hot = self.hot_mut(sender);
            hot.open.add(if fresh { Tally::ONE } else { REPEATED });
            hot.talk = 0;
        }
        Observed { sender: true, fresh, ..Observed::default() }
    }

    fn syn_ack(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.reverse());
        match self.contacts.get(key).map(|contact| contact.state()) {
            Some(ContactState::Used | ContactState::Answered) => {}
            Some(_) => {
                self.contacts.settle(key, ContactState::Answered);
                self.answered(x, parties, now);
            }
            None => return self.unasked(parties.sender),
        }
        Observed::default()
    }

    /// Segments and datagrams: nothing is looked up while the conversation stays the same.
    fn traffic(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let tag = self.talk(x);
        let fin = matches!(x.act, Act::Segment { fin: true, .. });
        if let Some(sender) = parties.sender {
            let hot = self.hot(sender);
            if hot.talk == tag && !fin {
                let quiet = hot.flags.has(Flags::ANSWERED);
                let look = !quiet && self.unanswered(parties.sender);
                return Observed { sender: look, ..Observed::default() };
            }
        }
        let back = self.secret.conversation(&x.reverse());
        let observed = match self.contacts.get(back).map(|contact| contact.state()) {
            Some(state) => self.answer(x, back, state, parties, now),
            None => self.request(x, parties, now),
        };
        if let Some(sender) = parties.sender {
            let state = self.state(x.reverse()).or_else(|| self.state(x.forward()));
            let hot = self.hot_mut(sender);
            // A handshake that carries nothing yet may still turn out to be a probe: look each time.
            hot.talk = if state == Some(ContactState::Answered) { 0 } else { tag };
            hot.flags.set(Flags::ANSWERED, state == Some(ContactState::Used));
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
        if exchanged && state != ContactState::Used {
            self.contacts.settle(key, ContactState::Used);
            self.succeeded(parties.receiver, matches!(x.act, Act::Datagram { .. }));
        } else if state != ContactState::Used {
            self.contacts.settle(key, ContactState::Answered);
        }
        Observed::default()
    }

    /// The sender asks, or goes on asking.
    fn request(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.forward());
        let Some(state) = self.contacts.get(key).map(|contact| contact.state()) else {
            return self.first_request(x, key, parties, now);
        };
        match (x.act, state) {
            (Act::Segment { data, fin }, ContactState::Pending | ContactState::Answered) => {
                self.close_open(parties.sender);
                let aborts = fin && !data && state == ContactState::Answered;
                if data {
                    self.contacts.settle(key, ContactState::Used);
                    self.succeeded(parties.sender, false);
                } else if aborts {
                    return self.aborted(x, key, parties.sender, now);
                } else {
                    self.contacts.settle(key, ContactState::Answered);
                }
                Observed::default()
            }
            (Act::Segment { .. }, ContactState::Used) => {
                self.close_open(parties.sender);
                Observed::default()
            }
            (_, ContactState::Used | ContactState::Answered) => Observed::default(),
            _ => Observed { sender: self.unanswered(parties.sender), ..Observed::default() },
        }
    }

    fn first_request(&mut self, x: &Exchange, key: u64, parties: Parties, now: Tick) -> Observed {
        if let Act::Datagram { answer: true } = x.act {
            let armed = self.answers >= ARMED_ANSWERS;
            self.remember(key, x, parties.sender, ContactState::Loose, now);
            return if armed { self.unasked(parties.sender) } else { self.loose(parties.sender) };
        }
        let datagram = matches!(x.act, Act::Datagram { .. }) && x.has_one_receiver();
        let state = if datagram { ContactState::Pending } else { ContactState::Loose };
        self.remember(key, x, parties.sender, state, now);
        if datagram && let Some(sender) = parties.sender {
            self.hot_mut(sender).open.add(DATAGRAM);
        }
        self.unanswered(parties.sender);
        Observed { sender: datagram, fresh: true, ..Observed::default() }
    }

    fn loose(&mut self, sender: Option<Slot>) -> Observed {
        Observed { sender: self.unanswered(sender), fresh: true, ..Observed::default() }
    }

    fn reset(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
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
            Some(_) => Observed::default(),
            None => self.unasked(parties.sender),
        }
    }

    /// The asker itself ended what had not begun: a probe.
    fn aborted(&mut self, x: &Exchange, key: u64, sender: Option<Slot>, now: Tick) -> Observed {
        self.contacts.settle(key, ContactState::Failed);
        let Some(sender) = sender else { return Observed::default() };
        self.close_open(Some(sender));
        let host = self.secret.address(x.dst) as u32;
        self.failed(sender, host & HOST_MASK, now);
        Observed { sender: true, ..Observed::default() }
    }

    /// The receiver's request was refused.
    fn charge(&mut self, asker: Option<Slot>, host: u32, now: Tick) -> Observed {
        let Some(asker) = asker else { return Observed::default() };
        self.close_open(Some(asker));
        self.failed(asker, host, now);
        Observed { receiver: true, ..Observed::default() }
    }

    fn echo(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.forward());
        if let Some(contact) = self.contacts.get(key) {
            let settled = contact.state() == ContactState::Used;
            let look = !settled && self.unanswered(parties.sender);
            return Observed { sender: look, ..Observed::default() };
        }
        self.remember(key, x, parties.sender, ContactState::Loose, now);
        if let Some(sender) = parties.sender {
            self.hot_mut(sender).destinations.add(ECHO);
        }
        self.unanswered(parties.sender);
        Observed { sender: true, fresh: true, ..Observed::default() }
    }

    fn echo_reply(&mut self, x: &Exchange, parties: Parties, now: Tick) -> Observed {
        let key = self.secret.conversation(&x.reverse());
        if self.contacts.settle(key, ContactState::Used).is_none() {
            return self.unasked(parties.sender);
        }
        self.answered(x, parties, now);
        Observed::default()
    }

    fn error(
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

    /// An answer that nobody asked for.
    fn unasked(&mut self, sender: Option<Slot>) -> Observed {
        self.unanswered(sender);
        let Some(sender) = sender.filter(|_| self.answers >= ARMED_ANSWERS) else {
            return Observed::default();
        };
        self.hot_mut(sender).unsolicited.add(Tally::ONE);
        Observed { sender: true, ..Observed::default() }
    }

    /// Somebody got an answer: the box sees both directions, and this host is alive.
    fn answered(&mut self, x: &Exchange, parties: Parties, now: Tick) {
        self.answers = self.answers.saturating_add(1);
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
    fn succeeded(&mut self, asker: Option<Slot>, datagram: bool) {
        let Some(asker) = asker else { return };
        let hot = self.hot_mut(asker);
        hot.used.add(if datagram { DATAGRAM } else { Tally::ONE });
        hot.open.take(if datagram { DATAGRAM } else { 0 });
        hot.flags.set(Flags::PROVEN, true);
    }

    fn close_open(&mut self, sender: Option<Slot>) {
        if let Some(sender) = sender {
            self.hot_mut(sender).open.take(Tally::ONE);
        }
    }

    /// Counts a packet that nobody answered; `true` when it is time to look at the score.
    fn unanswered(&mut self, sender: Option<Slot>) -> bool {
        let Some(sender) = sender else { return false };
        let hot = self.hot_mut(sender);
        hot.unanswered = hot.unanswered.saturating_add(1);
        hot.unanswered.is_multiple_of(LOOK_EVERY)
    }

    fn remember(&mut self, key: u64, x: &Exchange, sender: Option<Slot>, state: ContactState, now: Tick) {
        let asker = sender.map(|slot| (slot.0, self.hot(slot).fingerprint as u8));
        let host = self.secret.address(x.dst) as u32;
        self.contacts.insert(key, asker, host, state, now);
    }

    fn state(&mut self, conversation: Conversation) -> Option<ContactState> {
        let key = self.secret.conversation(&conversation);
        self.contacts.get(key).map(|contact| contact.state())
    }

    /// What stays the same while a conversation goes on; never 0.
    fn talk(&self, x: &Exchange) -> u32 {
        let ports = x.sport.rotate_left(7) ^ x.dport;
        let same = Conversation { asker: x.src, asked: x.dst, protocol: x.protocol, port: ports };
        (self.secret.conversation(&same) as u32).max(1)
    }
}

const HOST_MASK: u32 = (1 << crate::Hosts::MAX_BITS) - 1;
