//! The outline of a packet of common shape: who talks with whom, read in one go without a walk.
//!
//! Common are Ethernet II frames with at most one VLAN tag, IPv4 without options or fragments or IPv6 without
//! extension headers, then UDP, or TCP without options or with time stamps alone. Called by the engine before
//! anything else. Always holds: for such a packet the walk ([`crate::parse_ethernet`]) would have found the same
//! addresses, protocol and ports, and neither anything wrong nor control traffic; every other packet has no
//! outline.

use repute_model::Address;

use crate::{ethernet, tcp, udp};

/// Who talks with whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outline {
    /// Source address.
    pub src: Address,
    /// Destination address.
    pub dst: Address,
    /// Whether the addresses are IPv4 ones; with this known, the compiler leaves out what they cannot need.
    pub is_v4: bool,
    /// IP protocol number: TCP or UDP.
    pub protocol: u8,
    /// Source port in the upper half, destination port in the lower one.
    pub ports: u32,
    /// Whether it goes on with something as far as its headers tell: a datagram, or a segment with ACK and
    /// without SYN, FIN or RST.
    pub goes_on: bool,
}

/// Bytes of the headers in front of which the length need not be looked at any more.
const LEAST: usize = 54;
/// Two NOPs and a time stamp: what most segments of most connections carry (RFC 7323, appendix A).
const TIMESTAMPS: u32 = 0x0101_080a;
pub(crate) const TAG: u16 = 0x8100;
pub(crate) const SERVICE_TAG: u16 = 0x88a8;
const FIN_SYN_RST_ACK: u16 = tcp::FIN | tcp::SYN | tcp::RST | tcp::ACK;

impl Outline {
    /// The outline of an Ethernet frame that was `wire_len` bytes long on the wire, if it has a common shape.
    #[inline(always)]
    pub fn of(frame: &[u8], wire_len: u32) -> Option<Self> {
        let end = frame.len().max(wire_len as usize);
        let head: &[u8; LEAST] = frame.first_chunk()?;
        match be16(head, 12) {
            ethernet::IPV4 => ipv4(head, frame, 14, end),
            ethernet::IPV6 => ipv6(frame, 14, end),
            TAG | SERVICE_TAG => tagged(frame, end),
            _ => None,
        }
    }

    /// Source port.
    pub const fn sport(&self) -> u16 {
        (self.ports >> 16) as u16
    }

    /// Destination port.
    pub const fn dport(&self) -> u16 {
        self.ports as u16
    }
}

#[inline(never)]
fn tagged(frame: &[u8], end: usize) -> Option<Outline> {
    match be16(frame, 16) {
        ethernet::IPV4 => ipv4(frame.get(4..)?.first_chunk()?, frame, 18, end),
        ethernet::IPV6 => ipv6(frame, 18, end),
        _ => None,
    }
}

/// Reads IPv4 at `at`; `head` begins 14 bytes before it. Few loads, and one branch for all that may be wrong.
#[inline(always)]
fn ipv4(head: &[u8; LEAST], frame: &[u8], at: usize, end: usize) -> Option<Outline> {
    let (first, second, ends) = (be64(head, 12), be64(head, 20), be64(head, 26));
    let total = (first >> 16) as u16 as usize;
    // Version 4, five words, no fragment, and no longer than the frame.
    let uncommon =
        (first >> 40 & 0xff != 0x45) | (second >> 48 & 0x3fff != 0) | (at + total > end) | (total < 28);
    let protocol = (second >> 32) as u8;
    let fourth = be64(head, 34);
    let ports = (fourth >> 32) as u32;
    let goes_on = if protocol == udp::PROTOCOL {
        datagram((fourth >> 16) as u16, total.wrapping_sub(20), ports, 67)?
    } else if protocol == tcp::PROTOCOL {
        segment(frame, at + 20, total.wrapping_sub(20), ports)?
    } else {
        return None;
    };
    if uncommon {
        return None;
    }
    let (src, dst) = (Address::v4((ends >> 32) as u32), Address::v4(ends as u32));
    Some(Outline { src, dst, is_v4: true, protocol, ports, goes_on })
}

#[inline(always)]
fn ipv6(frame: &[u8], at: usize, end: usize) -> Option<Outline> {
    let head: &[u8; 48] = frame.get(at..)?.first_chunk()?;
    let len = usize::from(be16(head, 4));
    if head[0] >> 4 != 6 || at + 40 + len > end {
        return None;
    }
    let (src, dst) = (be128(head, 8), be128(head, 24));
    if src.is_v4() || dst.is_v4() {
        return None;
    }
    let ports = be32(head, 40);
    let goes_on = match head[6] {
        udp::PROTOCOL => datagram(be16(head, 44), len, ports, 546)?,
        tcp::PROTOCOL => segment(frame, at + 40, len, ports)?,
        _ => return None,
    };
    Some(Outline { src, dst, is_v4: false, protocol: head[6], ports, goes_on })
}

/// A datagram of `len` bytes by its own header in `room` bytes; nothing that may be BFD, or DHCP between
/// `dhcp` and the port behind it.
#[inline(always)]
fn datagram(len: u16, room: usize, ports: u32, dhcp: u32) -> Option<bool> {
    let (sport, dport) = (ports >> 16, ports & 0xffff);
    let bfd = dport.wrapping_sub(3784) <= 7784 - 3784;
    let configures = (sport.wrapping_sub(dhcp) < 2) & (dport.wrapping_sub(dhcp) < 2);
    let wrong = (len < 8) | (usize::from(len) > room);
    (!(wrong | bfd | configures)).then_some(true)
}

/// A segment of `room` bytes at `at`; nothing that may be BGP.
#[inline(always)]
fn segment(frame: &[u8], at: usize, room: usize, ports: u32) -> Option<bool> {
    let header: &[u8; 20] = frame.get(at..)?.first_chunk()?;
    let offset_flags = be16(header, 12);
    let len = usize::from(offset_flags >> 12) * 4;
    let stamped = || len == 32 && frame.len() >= at + 32 && be32(frame, at + 20) == TIMESTAMPS;
    let bgp = ports >> 16 == 179 || ports & 0xffff == 179;
    if len > room || bgp || !(len == 20 || stamped()) {
        return None;
    }
    Some(offset_flags & FIN_SYN_RST_ACK == tcp::ACK)
}

#[inline(always)]
fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[inline(always)]
fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[inline(always)]
fn be64(bytes: &[u8; LEAST], at: usize) -> u64 {
    let mut wide = [0; 8];
    wide.copy_from_slice(&bytes[at..at + 8]);
    u64::from_be_bytes(wide)
}

#[inline(always)]
fn be128(bytes: &[u8; 48], at: usize) -> Address {
    let mut wide = [0; 16];
    wide.copy_from_slice(&bytes[at..at + 16]);
    Address(u128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    use super::*;
    use crate::{Class, parse_ethernet};

    /// A frame of 60 bytes or more whose headers agree with its length.
    fn frame(tagged: bool, v6: bool, protocol: u8, options: bool, extra: usize, noise: &[u8]) -> Vec<u8> {
        let header = if protocol == udp::PROTOCOL { 8 } else { 20 + 12 * usize::from(options) };
        let (network, ether_type) = if v6 { (40, ethernet::IPV6) } else { (20, ethernet::IPV4) };
        let len = header + extra;
        let mut frame = vec![2; 12];
        frame.extend([0x81, 0, 0, 7].iter().take(4 * usize::from(tagged)));
        frame.extend(ether_type.to_be_bytes());
        if v6 {
            frame.extend([0x60, 0, 0, 0, 0, len as u8, protocol, noise[0]]);
            frame.extend([0x20, 1].iter().chain(&noise[..14]).chain(&[0x20, 2]).chain(&noise[1..15]));
        } else {
            frame.extend([0x45, 0, 0, (network + len) as u8, 0, 1, 0x40, 0, noise[0], protocol, 0, 0]);
            frame.extend(&noise[1..9]);
        }
        frame.extend(&noise[9..13]);
        if protocol == udp::PROTOCOL {
            frame.extend([0, len as u8, 0, 0]);
        } else {
            frame.extend(&noise[..8]);
            frame.extend([if options { 0x80 } else { 0x50 }, noise[13], 1, 0, 0, 0, 0, 0]);
            frame.extend([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0].iter().take(header - 20));
        }
        frame.extend(vec![0; extra]);
        frame.resize(frame.len().max(60), 0);
        frame
    }

    fn cases() -> Config {
        Config { cases: 16_384, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Config::default() }
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn is_what_the_walk_finds_or_nothing(
            (tagged, v6, is_udp, options) in any::<(bool, bool, bool, bool)>(),
            extra in 0..60usize,
            noise in any::<[u8; 16]>(),
            port in prop_oneof![Just(None), prop_oneof![Just(67u16), Just(68), Just(179), Just(546), Just(547),
                Just(3784), Just(4784), Just(7784)].prop_map(Some)],
            damage in proptest::collection::vec((12..90usize, any::<u8>()), 0..3),
            kept in prop_oneof![Just(usize::MAX), 0..110usize],
            wire in prop_oneof![Just(0u32), 0..200u32],
        ) {
            let protocol = if is_udp { udp::PROTOCOL } else { tcp::PROTOCOL };
            let mut noise = noise;
            if let Some(port) = port {
                noise[9..11].copy_from_slice(&port.to_be_bytes());
                noise[11..13].copy_from_slice(&(port ^ 1).to_be_bytes());
            }
            let mut bytes = frame(tagged, v6, protocol, options, extra, &noise);
            for (at, value) in damage {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            bytes.truncate(kept);
            let Some(outline) = Outline::of(&bytes, wire) else { return Ok(()) };
            let walked = parse_ethernet(&bytes, wire);
            prop_assert_eq!((walked.error, walked.class, walked.is_cut()), (None, Class::Ordinary, false));
            prop_assert_eq!((walked.src, walked.dst), (outline.src, outline.dst));
            prop_assert_eq!((walked.sport, walked.dport), (outline.sport(), outline.dport()));
            prop_assert_eq!(walked.protocol, outline.protocol);
            prop_assert!(walked.has_ports() && !walked.frag_more());
            let flags = walked.tcp_flags & FIN_SYN_RST_ACK;
            prop_assert_eq!(outline.goes_on, walked.protocol == udp::PROTOCOL || flags == tcp::ACK);
        }
    }

    #[test]
    fn common_shapes_have_one() {
        let noise: [u8; 16] = std::array::from_fn(|i| 0x30 + i as u8);
        for tagged in [false, true] {
            for (v6, protocol, options) in
                [(false, 17, false), (false, 6, false), (false, 6, true), (true, 17, false), (true, 6, true)]
            {
                let frame = frame(tagged, v6, protocol, options, 20, &noise);
                assert!(Outline::of(&frame, 0).is_some(), "{tagged} {v6} {protocol} {options}");
            }
        }
    }
}
