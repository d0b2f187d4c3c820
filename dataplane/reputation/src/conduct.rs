//! What a packet says about the conduct of its sender and of whom it answers.
//!
//! Sans packets: the engine translates headers into an [`Exchange`], this room keeps the requests and
//! the tallies. A request is answered when the reverse is seen; a scan is many requests refused,
//! aborted or met with silence by hosts that answer others (threshold random walk: Jung, Paxson,
//! Berger, Balakrishnan 2004 — every failure counts up, every success counts down).

mod icmp;
mod outcome;
mod tcp;
mod traffic;

use repute_model::{Address, Prefix, Score, Tick};

pub use traffic::RequestKeys;

use crate::pairs::towards;
use crate::{ContactState, Conversation, Fact, Flags, Hosts, Shard, Slot, Tally};

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
    /// TCP sequence number, 0 where there is none.
    pub seq: u32,
    /// TCP acknowledgement number, likewise.
    pub ack: u32,
    /// The number of the datagram that it is a fragment of.
    pub datagram: Option<u32>,
    /// What an answer shows of the question behind it; answers to one forger's questions are alike. 0 where nothing does.
    pub make: u8,
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
    /// What somebody opened with this destination has come to something, for the first time.
    pub completed: Option<(Fact, Address)>,
}

/// "Nobody asked for this" is said only after this many requests were seen answered: before, the box
/// may be looking at one direction of an asymmetric path.
const ARMED_ANSWERS: u32 = 16;
/// A stray SYN-ACK, RST or echo reply may answer a request that was forgotten: an eighth.
const STRAY: u16 = Tally::ONE / 8;
/// A datagram to somebody new is a quarter of an open connection, and its answer of a used one.
const DATAGRAM: u16 = Tally::ONE / 4;
/// Who has gone on with something for so long before a flood began, ms, has no part in it; floods are noticed sooner.
const BEFORE_MS: u32 = 10_000;
/// The bits of a host's number that are kept.
const HOST_MASK: u32 = (1 << Hosts::MAX_BITS) - 1;

impl Exchange {
    /// The conversation in which the sender asks.
    fn forward(&self) -> Conversation {
        Conversation { asker: self.src, asked: self.dst, protocol: self.protocol, port: self.dport }
    }

    /// The conversation in which the sender answers.
    fn reverse(&self) -> Conversation {
        Conversation { asker: self.dst, asked: self.src, protocol: self.protocol, port: self.sport }
    }

    /// The same packet, had its receiver sent it: what names a flow names that of the other direction then.
    #[must_use]
    pub fn turned(&self) -> Self {
        Self { src: self.dst, dst: self.src, sport: self.dport, dport: self.sport, ..*self }
    }

    /// Whether the receiver is one host.
    fn has_one_receiver(&self) -> bool {
        !self.dst.is_nobody()
    }
}

impl Shard {
    /// Whether a packet belongs to something that was asked before: an answer to its question, anything else to its
    /// conversation in either direction.
    pub fn is_known(&mut self, x: &Exchange) -> bool {
        match x.act {
            Act::Error { quoted, .. } => quoted.is_some_and(|quoted| {
                let back = Conversation { asker: quoted.asked, asked: quoted.asker, ..quoted };
                self.state(quoted).is_some() || self.state(back).is_some()
            }),
            Act::SynAck | Act::EchoReply => self.state(x.reverse()).is_some(),
            Act::Datagram { answer: true } => self.state(x.reverse()).is_some() || self.was_for_everybody(x),
            _ => self.state(x.reverse()).is_some() || self.has_passed(x),
        }
    }

    /// Whether its sender has begun what a packet goes on with: not what was only remembered because an answer may come
    /// ([`remember_stopped`](Self::remember_stopped)).
    fn has_passed(&mut self, x: &Exchange) -> bool {
        let contact = self.contacts.get(self.secret.conversation(&x.forward()));
        contact.is_some_and(|contact| contact.state() != ContactState::Loose || contact.asker().is_some())
    }

    /// The same while its receiver is flooded, since `ms` ago, with what nobody answers. To have been seen once says nothing
    /// then: a question or a segment goes on with what was answered, with a connection whose SYN was seen, with what has
    /// passed since, or with what its sender did long before, whatever came back.
    pub fn is_settled(&mut self, x: &Exchange, ms: u32, now: Tick) -> bool {
        if self.state(x.reverse()).is_some() {
            return true;
        }
        let is_segment = matches!(x.act, Act::Segment { .. });
        let Some(contact) = self.contacts.get(self.secret.conversation(&x.forward())) else { return false };
        match contact.state() {
            ContactState::Answered | ContactState::Used => true,
            ContactState::Pending | ContactState::Failed if is_segment => true,
            _ => {
                let age = contact.age(now);
                contact.asker().is_some() && (age <= ms || age >= ms.saturating_add(BEFORE_MS))
            }
        }
    }

    /// Takes note that what is not settled passes for its own sake.
    pub fn renew(&mut self, x: &Exchange, now: Tick) {
        if let Some(contact) = self.contacts.get(self.secret.conversation(&x.forward())) {
            contact.begin_again(now);
        }
    }

    /// What names one TCP segment and its repetitions: both ends and the sequence number.
    pub fn segment_key(&self, x: &Exchange) -> u64 {
        let ends = u64::from(x.sport) << 48 | u64::from(x.dport) << 32 | u64::from(x.seq);
        self.secret.pair(x.src, x.dst, ends)
    }

    /// What names a flow in one direction: both ends and the protocol.
    pub fn flow_key(&self, x: &Exchange) -> u64 {
        let ends = u64::from(x.sport) << 48 | u64::from(x.dport) << 32 | u64::from(x.protocol);
        self.secret.pair(x.src, x.dst, ends)
    }

    /// What names the port that an answer comes from and its make, among those that a crowd gets, and all of them.
    pub fn strain_keys(&self, x: &Exchange, crowd: Prefix) -> [u64; 2] {
        let len = u64::from(crowd.len128()) << 32;
        let port = 1 << 63 | u64::from(x.make) << 24 | u64::from(x.protocol) << 16 | u64::from(x.sport);
        [port | len, len].map(|what| self.secret.pair(Address(0), crowd.first(), what))
    }

    /// What names a datagram that comes in fragments.
    pub fn datagram_key(&self, x: &Exchange, number: u32) -> u64 {
        self.secret.pair(x.src, x.dst, u64::from(x.protocol) << 32 | u64::from(number))
    }

    /// Takes note of what inspection has found in a packet of a source, in 256ths of a hit.
    pub fn found(&mut self, source: Slot, parts: u16) {
        self.warm_mut(source).hits.add(parts);
    }

    /// Takes note that a source returned what only its own address could have received.
    pub fn verified(&mut self, source: Slot) {
        self.hot_mut(source).flags.set(Flags::VERIFIED, true);
    }

    /// Whether a packet would begin something new: what `block-new` refuses.
    pub fn is_new(&mut self, x: &Exchange) -> bool {
        let begins = match x.act {
            Act::Syn => true,
            Act::Echo => {
                !matches!(self.state(x.forward()), Some(ContactState::Answered | ContactState::Used))
            }
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
    /// answers, and for nothing else, so that being stopped is no evidence by itself. `true` when it is
    /// time to look at the score.
    pub fn observe_stopped(&mut self, x: &Exchange, sender: Slot) -> bool {
        if x.act == Act::Syn {
            self.hot_mut(sender).begins_connection();
        }
        self.unanswered(Some(sender))
    }

    /// The same of a packet for which its source's queue had no room: it counts as if it had passed. What a queue cuts off a
    /// conversation that is answered says nothing but that there is a queue, or a sender that finds out how fast he may
    /// send would fall by it.
    pub fn observe_overrun(&mut self, x: &Exchange, sender: Slot) -> bool {
        if self.stays(sender, x) {
            let calm = self.calm.unanswered;
            return self.hot_mut(sender).go_on(calm);
        }
        let is_answered =
            self.state(x.reverse()).or_else(|| self.state(x.forward())) == Some(ContactState::Used);
        !is_answered && self.observe_stopped(x, sender)
    }

    /// Remembers a request that was dropped where an answer may come all the same: in a capture, whose
    /// answers were recorded before anybody judged. It counts for nobody.
    pub fn remember_stopped(&mut self, x: &Exchange, now: Tick) {
        let key = self.secret.conversation(&x.forward());
        if self.contacts.get(key).is_none() {
            self.remember(key, x, None, ContactState::Loose, now);
        }
    }

    /// Notes that a source has begun to talk to a destination of this standing, about this service; `true` when it is time
    /// to look at the score.
    pub fn met(&mut self, sender: Slot, destination: Score, service: Option<u8>) -> bool {
        let Self { hot, warm, pairs, .. } = self;
        let (hot, warm) = (&hot[sender.0 as usize], &mut warm[sender.0 as usize]);
        warm.destination = towards(warm.destination, destination);
        if hot.flags.has(Flags::SEVERAL) {
            pairs.met(hot.fingerprint, service, destination);
        }
        warm.is_to_be_scored()
    }

    /// Whether a packet goes on with the conversation of the last one: then it is about the same service.
    pub fn stays(&self, sender: Slot, x: &Exchange) -> bool {
        let (hot, ports) = (self.hot(sender), u32::from(x.sport) << 16 | u32::from(x.dport));
        hot.would_go_on(self.talk(hot.fingerprint, x.dst, x.protocol, ports))
    }

    /// Takes note of the service that the next packet of a source is about, before it is counted. Where that is another
    /// one than that of the last packet, its conversation has to be looked up.
    pub fn turn_to(&mut self, sender: Slot, service: Option<u8>, now: Tick) {
        let Self { hot, warm, pairs, .. } = self;
        let (hot, warm) = (&mut hot[sender.0 as usize], &mut warm[sender.0 as usize]);
        let first = warm.service();
        if !hot.flags.has(Flags::SEVERAL) {
            if first.is_none() {
                warm.service = service.map_or(0, |number| number.saturating_add(1));
            }
            if first.is_none() || first == service {
                return;
            }
            hot.flags.set(Flags::SEVERAL, true);
            let known = (warm.bytes_mean, warm.samples, warm.destination, warm.deviation);
            pairs.begin(hot.fingerprint, first, known, hot.bytes, now);
        }
        if pairs.turn(hot.fingerprint, service, hot.bytes, now) {
            hot.talk = 0;
        }
    }
}
