//! What comes: answered at once, kept, turned into what the engine knows, or refused by a reason.
//!
//! Called for every packet before its batch is looked at. Always holds: what goes on into the batch is a plain datagram or segment
//! to or from an address of the box at a port where it is asked, that can be readdressed.

use repute_model::{Address, Dns, Packet, Reason, Tick, Upstream};
use repute_wire::arp::{self, Resolution};
use repute_wire::{L3, L4, Neighbour, Parsed, Readdressed, answer_echo, ethernet, is_echo, is_plain};

use super::Endpoint;
use super::flows::Outside;
use crate::worker::parse;

/// Bytes of a DNS header.
const DNS_HEADER: usize = 12;
/// In its third byte: it is an answer.
const IS_ANSWER: u8 = 0x80;
/// In its fourth byte: the lower bits of the response code, and the one that says that the server failed.
const RCODE: u8 = 0x0f;
const SERVFAIL: u8 = 2;

/// What becomes of a packet that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// It goes on into the batch.
    On,
    /// It has become the answer to who sent it.
    Answered(Reason),
    /// It is not needed any more.
    Dropped(Reason),
    /// It is for another worker.
    To(u16),
}

/// What somebody wants to know, or says, of addresses on a link.
enum Said {
    /// It has become the answer.
    Answered,
    /// `mac` has an address.
    Claim(Address, [u8; 6]),
    /// Nothing that concerns the box.
    Nothing,
}

impl Endpoint {
    /// A packet that came by the port towards clients.
    pub fn take_query<P: Packet>(&self, packet: &mut P, dns: Option<&Dns>) -> Way {
        let parsed = parse(packet);
        let Some((dns, rules)) = dns.and_then(|dns| dns.endpoint.as_ref().map(|rules| (dns, rules))) else {
            return Way::Dropped(Reason::EndpointForeign);
        };
        let is_own = |address| rules.serves(address);
        if let Some(way) = greet(packet, &parsed, self.client.1, is_own) {
            return match way {
                Said::Answered => Way::Answered(Reason::Neighbour),
                Said::Claim(..) | Said::Nothing => Way::Dropped(Reason::EndpointForeign),
            };
        }
        if let Some(way) = refuse(packet, &parsed, self.client.1, is_own) {
            return way;
        }
        if rules.origins.iter().any(|origin| origin.address == parsed.src) {
            return Way::Dropped(Reason::EndpointForeign);
        }
        if !matches!(parsed.l4, L4::Udp | L4::Tcp) || !dns.ports.contains(&parsed.dport) {
            return Way::Dropped(if parsed.l4 == L4::Fragment {
                Reason::EndpointShape
            } else {
                Reason::EndpointClosed
            });
        }
        if !is_changeable(packet, &parsed) {
            return Way::Dropped(Reason::EndpointShape);
        }
        if parsed.l4 == L4::Udp && message(packet, &parsed).is_some_and(|header| header[2] & IS_ANSWER != 0) {
            return Way::Dropped(Reason::EndpointUnasked);
        }
        Way::On
    }

    /// A packet that came by the port towards upstreams.
    pub fn take_answer<P: Packet>(&mut self, packet: &mut P, dns: Option<&Dns>, now: Tick) -> Way {
        let parsed = parse(packet);
        let Some(rules) = dns.and_then(|dns| dns.endpoint.as_ref()) else {
            return Way::Dropped(Reason::EndpointForeign);
        };
        let is_own = |address| rules.origins.iter().any(|origin| origin.address == address);
        if let Some(said) = greet(packet, &parsed, self.upstream.1, is_own) {
            return match said {
                Said::Answered => Way::Answered(Reason::Neighbour),
                Said::Claim(address, mac) => self.learn(address, mac, now),
                Said::Nothing => Way::Dropped(Reason::EndpointForeign),
            };
        }
        if let Some(way) = refuse(packet, &parsed, self.upstream.1, is_own) {
            return way;
        }
        let owner = match parsed.l4 {
            L4::Udp | L4::Tcp => self.span.owner(parsed.dport),
            L4::Fragment => return Way::Dropped(Reason::EndpointShape),
            _ => None,
        };
        match owner {
            None => Way::Dropped(Reason::EndpointClosed),
            Some(owner) if owner != self.worker => Way::To(owner),
            Some(_) if !is_changeable(packet, &parsed) => Way::Dropped(Reason::EndpointShape),
            Some(_) if parsed.l4 == L4::Udp => self.answer(packet, &parsed, rules, now),
            Some(_) => self.segment(packet, &parsed, now),
        }
    }

    /// Somebody says that he has an address: the leader wants to know.
    fn learn(&mut self, address: Address, mac: [u8; 6], now: Tick) -> Way {
        match &mut self.leader {
            Some(leader) => {
                leader.told(address, mac, now);
                Way::Dropped(Reason::Neighbour)
            }
            None => Way::To(0),
        }
    }

    /// A datagram of an upstream: to whom it goes.
    fn answer<P: Packet>(
        &mut self,
        packet: &mut P,
        parsed: &Parsed,
        rules: &repute_model::Endpoint,
        now: Tick,
    ) -> Way {
        let unasked = Way::Dropped(Reason::EndpointUnasked);
        let Some(header) = message(packet, parsed).filter(|header| header[2] & IS_ANSWER != 0) else {
            return unasked;
        };
        let outside = Outside {
            upstream: Upstream { address: parsed.src, port: parsed.sport },
            own: (parsed.dst, parsed.dport),
            id: u16::from_be_bytes([header[0], header[1]]),
        };
        let well = header[3] & RCODE != SERVFAIL;
        if self
            .leader
            .as_mut()
            .is_some_and(|leader| leader.answered(&outside, well, rules, &mut self.counted))
        {
            return Way::Dropped(Reason::HealthCheck);
        }
        let Some(flow) = self.flows.answered(&outside, now) else { return unasked };
        let readdressed = Readdressed {
            to: flow.mac,
            from: self.client.1,
            src: (flow.service, flow.service_port),
            dst: (flow.client, flow.client_port),
            id: Some(flow.id),
        };
        if let Some(counted) = self.counted.upstreams.get_mut(usize::from(flow.place)) {
            counted.answered += 1;
        }
        readdress(packet, parsed, &readdressed)
    }

    /// A segment of an upstream: to whom it goes.
    fn segment<P: Packet>(&mut self, packet: &mut P, parsed: &Parsed, now: Tick) -> Way {
        let upstream = Upstream { address: parsed.src, port: parsed.sport };
        let found = self.connections.of_upstream(parsed.dport, upstream, parsed.tcp_flags, now);
        let Some(connection) = found else { return Way::Dropped(Reason::EndpointUnasked) };
        let readdressed = Readdressed {
            to: connection.client_mac,
            from: self.client.1,
            src: connection.service,
            dst: connection.client,
            id: None,
        };
        readdress(packet, parsed, &readdressed)
    }
}

fn readdress<P: Packet>(packet: &mut P, parsed: &Parsed, readdressed: &Readdressed) -> Way {
    match packet.bytes_mut().is_some_and(|bytes| readdressed.write(bytes, parsed)) {
        true => Way::On,
        false => Way::Dropped(Reason::EndpointShape),
    }
}

/// Whether a packet can be readdressed in place.
fn is_changeable<P: Packet>(packet: &mut P, parsed: &Parsed) -> bool {
    packet.segments() == 1 && is_plain(packet.bytes(), parsed) && packet.bytes_mut().is_some()
}

/// The header of the DNS message that a datagram begins with.
fn message<P: Packet>(packet: &P, parsed: &Parsed) -> Option<[u8; DNS_HEADER]> {
    let at = usize::from(parsed.payload_off);
    let header = packet.bytes().get(at..at + DNS_HEADER)?.try_into().ok();
    header.filter(|_| parsed.payload_len as usize >= DNS_HEADER)
}

/// ARP and neighbour discovery: what is asked for an address of the box is answered; `None` for everything else.
fn greet<P: Packet>(
    packet: &mut P,
    parsed: &Parsed,
    own: [u8; 6],
    is_own: impl Fn(Address) -> bool,
) -> Option<Said> {
    if parsed.error.is_some() {
        return None;
    }
    if parsed.l3 == L3::Arp {
        let Some(said) = Resolution::read(packet.bytes(), parsed) else { return Some(Said::Nothing) };
        let (sender, mac) = said.sender();
        return Some(match said.operation() {
            arp::REQUEST if is_own(said.target()) => become_frame(packet, &said.reply(own)),
            arp::REQUEST if said.target() != sender => Said::Nothing,
            arp::REQUEST | arp::REPLY => Said::Claim(sender, mac),
            _ => Said::Nothing,
        });
    }
    if parsed.l4 != L4::Icmpv6 || is_echo(parsed) {
        return None;
    }
    let said = Neighbour::read(packet.bytes(), parsed)?;
    Some(match said {
        Neighbour::Solicitation { target, .. } if is_own(target) => {
            said.advertise(own).map_or(Said::Nothing, |frame| become_frame(packet, &frame))
        }
        Neighbour::Solicitation { .. } => Said::Nothing,
        Neighbour::Advertisement { target, mac } => Said::Claim(target, mac),
    })
}

fn become_frame<P: Packet>(packet: &mut P, frame: &[u8]) -> Said {
    let written = packet.resize(frame.len() as u32)
        && packet.bytes_mut().is_some_and(|bytes| {
            bytes.copy_from_slice(frame);
            true
        });
    if written { Said::Answered } else { Said::Nothing }
}

/// What is malformed or for somebody else is dropped, an echo request is answered; `None` for what is for the box.
fn refuse<P: Packet>(
    packet: &mut P,
    parsed: &Parsed,
    own: [u8; 6],
    is_own: impl Fn(Address) -> bool,
) -> Option<Way> {
    if packet.segments() > 1 && parsed.is_cut() {
        return Some(Way::Dropped(Reason::Scattered));
    }
    if let Some(reason) = parsed.error {
        return Some(Way::Dropped(reason));
    }
    let (to, _) = ethernet::addresses(packet.bytes());
    let is_talk = to == own && parsed.has_addresses() && is_own(parsed.dst);
    if !is_talk || is_own(parsed.src) || is_silent(parsed.src) {
        return Some(Way::Dropped(Reason::EndpointForeign));
    }
    if !is_echo(parsed) {
        return None;
    }
    let is_answered =
        packet.segments() == 1 && packet.bytes_mut().is_some_and(|bytes| answer_echo(bytes, parsed));
    Some(if is_answered { Way::Answered(Reason::Echo) } else { Way::Dropped(Reason::EndpointShape) })
}

/// Whether nobody can be answered at an address: unspecified, multicast, broadcast. Link-local ones can.
const fn is_silent(address: Address) -> bool {
    address.is_nobody() && (address.is_v4() || address.0 == 0 || address.0 >> 120 == 0xff)
}
