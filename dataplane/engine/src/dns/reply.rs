//! Answers in place of the server: from the cache, of policy zones, challenges, refusals, other addresses.
//!
//! Called when a batch is sent, for queries whose judgement says so and for answers that policy zones change. Always holds:
//! a packet that becomes an answer is a whole one, to who asked; an answer of the box's own is longer than its question by a
//! record or a cookie at most, so that it amplifies next to nothing, one from the cache is as long as the server's was, and
//! one of a policy zone as long as its data.

use repute_model::{Address, BATCH, Dns, Packet, Reason, Tick};
use repute_wire::dns::{
    Answer, Asked, ClientSubnet, CookieSecrets, ExtendedError, Extras, Query, Rcode, Reply, ReplyError,
};
use repute_wire::{Datagram, Parsed};

use super::cache::OPT_MAX;
use super::secrets::seconds;
use super::zones::{Frame, Ruled};
use super::{Ahead, Cache, Given, Hit, UDP_MAX};
use crate::worker::parse;

/// Bytes that an answer may have more than its question: a server cookie, an extended error and an IPv6 address.
const ROOM: usize = 64;
/// Bytes of a message that everybody takes by UDP (RFC 1035, 4.2.1).
const LEAST_MAX: usize = 512;
/// For how long an address that is not the one asked for may be kept, in seconds: once the standing is better the right
/// one is wanted.
const TTL_S: u32 = 5;

/// What answers are made of.
#[derive(Clone, Copy, Debug)]
pub struct Replies<'a> {
    /// The addresses.
    pub rules: &'a Dns,
    /// What cookies are made with.
    pub secrets: CookieSecrets,
    /// Answers that may be given again.
    pub cache: Option<&'a Cache>,
    /// What was found out ahead about the queries of this batch, by places.
    pub ahead: &'a [Ahead; BATCH],
    /// Answers that are given in this batch, by places.
    pub given: &'a [Given; BATCH],
    /// The time.
    pub now: Tick,
}

/// What an answer has to know of its question.
struct Question {
    asked: Asked,
    kind: u16,
    client: Option<[u8; 8]>,
    wants_recursion: bool,
}

/// The UDP or TCP payload of a packet, where all of it is in its first segment.
pub fn payload<'p>(bytes: &'p [u8], parsed: &Parsed) -> Option<&'p [u8]> {
    let from = usize::from(parsed.payload_off);
    bytes.get(from..from.checked_add(parsed.payload_len as usize)?).filter(|_| from > 0)
}

impl Replies<'_> {
    /// Whether this reason comes with an answer to a query.
    pub const fn answers(&self, reason: Reason) -> bool {
        let own = matches!(
            reason,
            Reason::DnsCookie
                | Reason::DnsTruncated
                | Reason::DnsGarden
                | Reason::DnsRefused
                | Reason::DnsNxdomain
                | Reason::DnsSinkhole
                | Reason::DnsServfail
                | Reason::DnsCached
        );
        own || is_ruled(reason)
    }

    /// Turns a query, at this place in its batch, into the answer that `reason` names, to leave by the way that it came.
    /// False where that cannot be written; the packet is of no use then.
    pub fn write<P: Packet>(&self, packet: &mut P, place: usize, reason: Reason) -> bool {
        if reason == Reason::DnsCached
            && let Some(given) = self.give(packet, place % BATCH)
        {
            return given;
        }
        let parsed = parse(packet);
        if is_ruled(reason)
            && let Some(given) = self.rule(packet, &parsed)
        {
            return given;
        }
        let (Some(question), Some(datagram)) =
            (payload(packet.bytes(), &parsed).and_then(Question::read), Datagram::of(&parsed))
        else {
            return false;
        };
        let at = datagram.payload_at();
        if !packet.resize((at + parsed.payload_len as usize + ROOM) as u32) {
            return false;
        }
        let written = packet.bytes_mut().and_then(|bytes| {
            let message = bytes.get_mut(at..)?;
            let len = self.reply(message, &question, parsed.src, reason).ok()?;
            datagram.answer(bytes, len)
        });
        written.is_some_and(|len| packet.resize(len as u32))
    }

    /// Turns a query, at this place in its batch, into its answer from the cache, as [`write`](Self::write) does: in place,
    /// its question stays. `None`, and nothing is changed, where that answer has given way to another one of the same
    /// breath: its requester is told to come by TCP.
    fn give<P: Packet>(&self, packet: &mut P, place: usize) -> Option<bool> {
        let given = &self.given[place];
        let datagram = self.ahead[place].datagram.filter(|_| given.is_ahead);
        let hit = self.cache?.found(given.found, &self.rules.cache, self.now)?;
        let (datagram, asked, size_max, subnet) = match (&given.shape, datagram) {
            (Some(shape), Some(datagram)) => (datagram, shape.asked(), shape.udp_size(), None),
            _ => {
                let parsed = parse(packet);
                let query = Query::read(payload(packet.bytes(), &parsed)?).ok()?;
                let subnet = query.edns.and_then(|edns| edns.subnet);
                (Datagram::of(&parsed)?, query.asked(), query.udp_size(), subnet)
            }
        };
        let extras = self.extras(&hit, &asked, datagram.sender(packet.bytes())?, subnet);
        let (at, size_max) = (datagram.payload_at(), size_max.min(UDP_MAX));
        let room = hit.bytes(size_max).max(asked.head_len()) + if asked.has_edns() { OPT_MAX } else { 0 };
        if !packet.resize((at + room) as u32) {
            return None;
        }
        let written = packet.bytes_mut().and_then(|bytes| {
            let len = hit.write_over(bytes.get_mut(at..)?, &asked, &extras, size_max).ok()?;
            datagram.answer(bytes, len)
        });
        Some(written.is_some_and(|len| len == at + room || packet.resize(len as u32)))
    }

    /// What is said besides with an answer from the cache.
    fn extras(&self, hit: &Hit<'_>, asked: &Asked, to: Address, subnet: Option<ClientSubnet>) -> Extras<'_> {
        let error = match hit.rcode() {
            _ if !hit.is_stale() => None,
            Rcode::NXDOMAIN => Some(ExtendedError::STALE_NXDOMAIN),
            _ => Some(ExtendedError::STALE),
        };
        Extras { cookie: self.cookie(asked.client(), to), error, subnet, ..Extras::default() }
    }

    /// Turns a query into the answer that policy zones give, as [`write`](Self::write) does. `None`, and nothing is changed,
    /// where that was about an answer in the cache that has given way to another one of the same breath.
    fn rule<P: Packet>(&self, packet: &mut P, parsed: &Parsed) -> Option<bool> {
        let query = Query::read(payload(packet.bytes(), parsed)?).ok()?;
        let Dns { zones, cache: rules, .. } = self.rules;
        let ruled = Ruled::of_query(zones, parsed.src, &query, self.cache, rules, self.now)?;
        let client = query.edns.and_then(|edns| edns.cookie).map(|cookie| cookie.client);
        let frame = Frame {
            asked: query.asked(),
            kind: query.question.kind,
            recursion: query.message.header().recursion_desired(),
            cookie: self.cookie(client, parsed.src),
        };
        let size_max = query.udp_size().min(UDP_MAX);
        let turned = self.overwrite(packet, parsed, size_max, &ruled, &frame, Datagram::answer);
        Some(turned.is_some())
    }

    /// Gives an answer of a server, on its way to who asked, the content that policy zones want of it. False where that
    /// cannot be written; the packet is of no use then.
    pub fn replace<P: Packet>(&self, packet: &mut P) -> bool {
        let parsed = parse(packet);
        let replaced = || -> Option<(Ruled, Frame, usize)> {
            let answer = Answer::read(payload(packet.bytes(), &parsed)?).ok()?;
            let ruled = Ruled::of_answer(&self.rules.zones, parsed.dst, &answer)?;
            let frame = Frame {
                asked: answer.asked()?,
                kind: answer.question?.kind,
                recursion: answer.message.header().recursion_available(),
                cookie: None,
            };
            // Whoever may be sent this may be sent as much of something else.
            Some((ruled, frame, answer.message.bytes().len().clamp(LEAST_MAX, UDP_MAX)))
        };
        let Some((ruled, frame, size_max)) = replaced() else { return false };
        self.overwrite(packet, &parsed, size_max, &ruled, &frame, Datagram::replace).is_some()
    }

    /// Writes what zones say over the message in a datagram, at most `size_max` bytes; `finish` does the headers.
    fn overwrite<P: Packet>(
        &self,
        packet: &mut P,
        parsed: &Parsed,
        size_max: usize,
        ruled: &Ruled,
        frame: &Frame,
        finish: impl FnOnce(Datagram, &mut [u8], usize) -> Option<usize>,
    ) -> Option<()> {
        let datagram = Datagram::of(parsed)?;
        let at = datagram.payload_at();
        if !packet.resize((at + size_max) as u32) {
            return None;
        }
        let bytes = packet.bytes_mut()?;
        let len = ruled.write(bytes.get_mut(at..at + size_max)?, frame, &self.rules.zones)?;
        let len = finish(datagram, bytes, len)?;
        packet.resize(len as u32).then_some(())
    }

    /// A fresh server cookie for a client that sent its own.
    fn cookie(&self, client: Option<[u8; 8]>, to: Address) -> Option<[u8; 16]> {
        client.map(|client| self.secrets.make(client, to, seconds(self.now)))
    }

    fn reply(
        &self,
        message: &mut [u8],
        question: &Question,
        to: Address,
        reason: Reason,
    ) -> Result<usize, ReplyError> {
        let (rcode, redirect) = match reason {
            Reason::DnsCookie => (Rcode::BADCOOKIE, None),
            Reason::DnsRefused => (Rcode::REFUSED, None),
            Reason::DnsNxdomain => (Rcode::NXDOMAIN, None),
            Reason::DnsServfail => (Rcode::SERVFAIL, None),
            Reason::DnsGarden => (Rcode::NOERROR, self.rules.proof.garden.of(question.kind)),
            Reason::DnsSinkhole => (Rcode::NOERROR, self.rules.sinkhole.of(question.kind)),
            _ => (Rcode::NOERROR, None),
        };
        let mut reply = Reply::over(message, &question.asked, rcode)?;
        if matches!(reason, Reason::DnsTruncated | Reason::DnsCached) || is_ruled(reason) {
            reply.truncate();
        }
        if question.wants_recursion {
            reply.offer_recursion();
        }
        if let Some(address) = redirect {
            reply.address(address, TTL_S)?;
        }
        let cookie = self.cookie(question.client, to);
        reply.finish(&Extras { cookie, error: error(reason), ..Extras::default() })
    }
}

/// Whether a policy zone says what is answered.
const fn is_ruled(reason: Reason) -> bool {
    matches!(reason, Reason::RpzNxdomain | Reason::RpzNodata | Reason::RpzTcpOnly | Reason::RpzLocal)
}

/// Why an answer is as it is (RFC 8914): challenges are no errors.
const fn error(reason: Reason) -> Option<ExtendedError<'static>> {
    match reason {
        Reason::DnsRefused | Reason::DnsNxdomain | Reason::DnsSinkhole | Reason::DnsGarden => {
            Some(ExtendedError::PROHIBITED)
        }
        Reason::DnsServfail => Some(ExtendedError::UNREACHABLE),
        _ => None,
    }
}

impl Question {
    fn read(message: &[u8]) -> Option<Self> {
        let query = Query::read(message).ok()?;
        Some(Self {
            asked: query.asked(),
            kind: query.question.kind,
            client: query.edns.and_then(|edns| edns.cookie).map(|cookie| cookie.client),
            wants_recursion: query.message.header().recursion_desired(),
        })
    }
}
