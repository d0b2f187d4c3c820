//! What goes on: a query of a client becomes one of the box's own to the upstream whose turn it is.
//!
//! Called for everything that is to leave by the port towards upstreams, once it is judged. Always holds: a query by UDP goes
//! from a port and with an id that were drawn for it; all segments of a connection go to one upstream.

use repute_model::{Dns, Packet, Reason, Tick};
use repute_wire::{L3, L4, Parsed, Readdressed, ethernet, is_plain, tcp};

use super::Endpoint;
use super::connections::Connection;
use super::flows::{Flow, Outside};
use super::pool::Member;
use crate::worker::parse;

/// Draws of a port and an id at most, until one pair is found that nobody waits under: one in a million pairs is taken at the
/// most.
const DRAWS: u32 = 8;

impl Endpoint {
    /// Sends a packet of a client to the box on its way to an upstream: it only has to leave then.
    ///
    /// # Errors
    /// Why it cannot go on; nothing is changed.
    pub fn lead<P: Packet>(&mut self, packet: &mut P, dns: &Dns, now: Tick) -> Result<(), Reason> {
        let parsed = parse(packet);
        let is_changeable = is_plain(packet.bytes(), &parsed) && packet.bytes_mut().is_some();
        if !is_changeable {
            return Err(Reason::EndpointShape);
        }
        let v4 = parsed.l3 == L3::Ipv4;
        let rules = dns.endpoint.as_ref().ok_or(Reason::EndpointUpstream)?;
        let origin = rules.origin(v4).ok_or(Reason::EndpointUpstream)?.address;
        let (_, mac) = ethernet::addresses(packet.bytes());
        let (to, dst, port, id) = match parsed.l4 {
            L4::Udp => {
                let at = usize::from(parsed.payload_off);
                let id = packet.bytes().get(at..at + 2).filter(|_| parsed.payload_len >= 2);
                let id = id.map(|id| u16::from_be_bytes([id[0], id[1]])).ok_or(Reason::EndpointShape)?;
                let member = self.pool.choose(v4).ok_or(Reason::EndpointUpstream)?;
                let outside =
                    self.begin(&parsed, member, (origin, id, mac), now).ok_or(Reason::EndpointUpstream)?;
                (member.mac, member.upstream, outside.own.1, Some(outside.id))
            }
            _ => {
                let (port, connection) = self.connection(&parsed, mac, now)?;
                (connection.upstream_mac, connection.upstream, port, None)
            }
        };
        let from = self.upstream.1;
        let readdressed = Readdressed { to, from, src: (origin, port), dst: (dst.address, dst.port), id };
        let written = packet.bytes_mut().is_some_and(|bytes| readdressed.write(bytes, &parsed));
        if written { Ok(()) } else { Err(Reason::EndpointShape) }
    }

    /// Notes a query by UDP under a port and an id of its own.
    fn begin(
        &mut self,
        parsed: &Parsed,
        member: Member,
        (origin, id, mac): (repute_model::Address, u16, [u8; 6]),
        now: Tick,
    ) -> Option<Outside> {
        let flow = Flow {
            client: parsed.src,
            service: parsed.dst,
            client_port: parsed.sport,
            service_port: parsed.dport,
            id,
            mac,
            place: member.place,
        };
        for _ in 0..DRAWS {
            let drawn = self.random.draw();
            let own = (origin, self.span.port(drawn >> 16));
            let outside = Outside { upstream: member.upstream, own, id: drawn as u16 };
            if self.flows.note(&outside, flow, now) {
                self.counted.upstreams[usize::from(member.place)].asked += 1;
                return Some(outside);
            }
        }
        None
    }

    /// The connection that a segment belongs to, and its port; one that begins a connection begins one.
    fn connection(&mut self, parsed: &Parsed, mac: [u8; 6], now: Tick) -> Result<(u16, Connection), Reason> {
        let (client, service) = ((parsed.src, parsed.sport), (parsed.dst, parsed.dport));
        if let Some((port, found)) = self.connections.of_client(client, service, parsed.tcp_flags, now) {
            return Ok((port, *found));
        }
        if parsed.tcp_flags & (tcp::SYN | tcp::ACK | tcp::RST) != tcp::SYN {
            return Err(Reason::EndpointConnection);
        }
        let member = self.pool.choose(parsed.l3 == L3::Ipv4).ok_or(Reason::EndpointUpstream)?;
        self.counted.upstreams[usize::from(member.place)].asked += 1;
        let begun = Connection::begun((client.0, client.1, mac), service, (member.upstream, member.mac));
        Ok((self.connections.begin(begun, now), begun))
    }
}
