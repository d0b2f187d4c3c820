//! What a packet is to the servers behind the box.
//!
//! Found by the general way for every packet of a source, before anything is decided. Always holds: a query here is a whole
//! one, whose name was looked at once.

use repute_model::{Dns, Packet, Reason};
use repute_reputation::Inquiry;
use repute_wire::dns::{Malformed, Query, Shape, segment};
use repute_wire::{Datagram, L4, Parsed};

use crate::dns::{Found, Interceptor, Repeat, Whereabouts, payload};
use crate::worker::Worker;

/// A query, and what it says of who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'p> {
    pub query: Query<'p>,
    /// What it was found to be, if that is plain enough.
    pub shape: Option<Shape>,
    pub inquiry: Inquiry,
    /// Where the answer to it was in the cache.
    pub found: Option<Found>,
    /// Whether the packet can be turned round into an answer.
    pub turns: bool,
}

/// What a packet says to a server.
#[derive(Clone, Copy, Debug)]
pub enum Speech<'p> {
    /// Nothing.
    Other,
    /// A query by UDP.
    Query(Asked<'p>),
    /// A segment of TCP, and the query that it begins with, where that is all there.
    Segment(Option<Asked<'p>>),
    /// Something by UDP that is no query.
    Garbled(Reason),
}

impl Asked<'_> {
    /// What a challenge asks for: a cookie of those who know what that is, else that they come by TCP.
    pub fn challenge(&self) -> Reason {
        let knows = self.query.edns.is_some_and(|edns| edns.cookie.is_some());
        if knows { Reason::DnsCookie } else { Reason::DnsTruncated }
    }
}

impl<'p> Speech<'p> {
    /// Whether it is a datagram to a server: then its path decides, and no crowd's alarm withholds it.
    pub const fn is_datagram(&self) -> bool {
        matches!(self, Self::Query(_) | Self::Garbled(_))
    }

    /// The query in it.
    pub const fn asked(&self) -> Option<&Asked<'p>> {
        match self {
            Self::Query(asked) | Self::Segment(Some(asked)) => Some(asked),
            _ => None,
        }
    }
}

impl Interceptor {
    fn read<'p>(&self, message: &'p [u8], rules: &Dns, turns: bool) -> Result<Asked<'p>, Malformed> {
        let query = Query::read(message)?;
        let inquiry = self.names.inquiry(&query.question, rules.all_honeypots());
        Ok(Asked { query, shape: query.shape(), inquiry, found: None, turns })
    }

    /// A query that was answered from the cache before, and would be known there.
    pub fn read_again<'p>(
        &mut self,
        at: Option<Whereabouts>,
        message: &'p [u8],
        edition: u64,
        turns: bool,
    ) -> Option<Asked<'p>> {
        let place = self.repeats.approach(at?)?;
        let Repeat { shape, inquiry, found } = *self.repeats.get(place, message, edition)?.repeat;
        let query = Query::of_shape(message, &shape)?;
        Some(Asked { query, shape: Some(shape), inquiry, found: Some(found), turns })
    }

    /// What a datagram says; answers come from the servers' own ports.
    fn datagram<'p>(&mut self, message: &'p [u8], parsed: &Parsed, rules: &Dns, edition: u64) -> Speech<'p> {
        let turns = Datagram::of(parsed).is_some();
        if let Some(asked) = self.read_again(self.repeats.seek(message), message, edition, turns) {
            return Speech::Query(asked);
        }
        match self.read(message, rules, turns) {
            Ok(asked) => Speech::Query(asked),
            Err(Malformed::NotAQuery) if rules.ports.contains(&parsed.sport) => Speech::Other,
            Err(malformed) => Speech::Garbled(malformed.into()),
        }
    }
}

impl<P: Packet> Worker<P> {
    /// What a packet from the owner side says to a server.
    pub(in crate::worker) fn listen<'p>(&mut self, packet: &'p P, parsed: &Parsed) -> Speech<'p> {
        let (Some(rules), Some(dns)) = (&self.policy.dns, &mut self.dns) else { return Speech::Other };
        if !parsed.has_ports() || !rules.serves(parsed.dst, parsed.dport) {
            return Speech::Other;
        }
        match (parsed.l4, payload(packet.bytes(), parsed)) {
            (L4::Udp, _) if parsed.frag_more() => Speech::Garbled(Reason::DnsFragment),
            (L4::Udp, Some(message)) => dns.datagram(message, parsed, rules, self.policy.edition),
            (L4::Udp, None) if packet.segments() > 1 => Speech::Garbled(Reason::Scattered),
            (L4::Tcp, Some(said)) => {
                let first = segment(said).next().and_then(Result::ok);
                Speech::Segment(first.and_then(|message| dns.read(message, rules, false).ok()))
            }
            (L4::Tcp, None) => Speech::Segment(None),
            // Cut by a capture.
            _ => Speech::Other,
        }
    }
}
