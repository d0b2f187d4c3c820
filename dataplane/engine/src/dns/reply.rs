//! Answers in place of the server: challenges, refusals, other addresses.
//!
//! Called when a batch is sent, for queries whose judgement says so. Always holds: a packet that becomes an answer is a
//! whole one, to who asked; an answer is longer than its question by a record or a cookie at most, so that the box
//! amplifies next to nothing.

use repute_model::{Address, Dns, Packet, Reason, Tick};
use repute_wire::dns::{Asked, CookieSecrets, ExtendedError, Extras, Query, Rcode, Reply, ReplyError};
use repute_wire::{Parsed, answer_datagram};

use super::secrets::seconds;
use crate::worker::parse;

/// Bytes that an answer may have more than its question: a server cookie, an extended error and an IPv6 address.
const ROOM: usize = 64;
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
        matches!(
            reason,
            Reason::DnsCookie
                | Reason::DnsTruncated
                | Reason::DnsGarden
                | Reason::DnsRefused
                | Reason::DnsNxdomain
                | Reason::DnsSinkhole
        )
    }

    /// Turns a query into the answer that `reason` names, to leave by the way that it came. False where that cannot be
    /// written; the packet is of no use then.
    pub fn write<P: Packet>(&self, packet: &mut P, reason: Reason) -> bool {
        let parsed = parse(packet);
        let Some(question) = payload(packet.bytes(), &parsed).and_then(Question::read) else { return false };
        let at = usize::from(parsed.payload_off);
        if !packet.resize((at + parsed.payload_len as usize + ROOM) as u32) {
            return false;
        }
        let written = packet.bytes_mut().and_then(|bytes| {
            let message = bytes.get_mut(at..)?;
            let len = self.reply(message, &question, parsed.src, reason).ok()?;
            answer_datagram(bytes, &parsed, len)
        });
        written.is_some_and(|len| packet.resize(len as u32))
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
            Reason::DnsGarden => (Rcode::NOERROR, self.rules.proof.garden.of(question.kind)),
            Reason::DnsSinkhole => (Rcode::NOERROR, self.rules.sinkhole.of(question.kind)),
            _ => (Rcode::NOERROR, None),
        };
        let mut reply = Reply::over(message, &question.asked, rcode)?;
        if reason == Reason::DnsTruncated {
            reply.truncate();
        }
        if question.wants_recursion {
            reply.offer_recursion();
        }
        if let Some(address) = redirect {
            reply.address(address, TTL_S)?;
        }
        let cookie = question.client.map(|client| self.secrets.make(client, to, seconds(self.now)));
        reply.finish(&Extras { cookie, error: error(reason), ..Extras::default() })
    }
}

/// Why an answer is as it is (RFC 8914): challenges are no errors.
const fn error(reason: Reason) -> Option<ExtendedError<'static>> {
    match reason {
        Reason::DnsRefused | Reason::DnsNxdomain | Reason::DnsSinkhole | Reason::DnsGarden => {
            Some(ExtendedError::PROHIBITED)
        }
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
