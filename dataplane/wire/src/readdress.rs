//! A packet's ends changed in place: Ethernet addresses, IP addresses, ports, and the id of a DNS message.
//!
//! Called by the engine where the box serves at an address of its own: what clients ask goes on to another server from
//! another address, and what that answers comes back. Always holds: either all of it is written or not a byte is changed;
//! checksums are as right or wrong afterwards as before (RFC 1624), and a UDP datagram without one stays without; nothing
//! changes its length.

use repute_model::Address;
use zerocopy::{FromBytes, IntoBytes};

use crate::answer::{TTL, network_len};
use crate::checksum::Change;
use crate::{L2, L3, L4, Parsed, ethernet, ipv4, ipv6, tcp, udp};

/// Bytes of the id that a DNS message begins with.
const ID: usize = 2;

/// What the ends of a packet become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Readdressed {
    /// The Ethernet address that it goes to.
    pub to: [u8; 6],
    /// The Ethernet address that it comes from.
    pub from: [u8; 6],
    /// Address and port that it comes from; of the packet's own family.
    pub src: (Address, u16),
    /// Address and port that it goes to; of the packet's own family.
    pub dst: (Address, u16),
    /// The id of the DNS message that a datagram begins with; `None` = it stays.
    pub id: Option<u16>,
}

/// Whether the ends of a packet can be changed: UDP or TCP, no fragment, directly behind a plain IP header in a frame without a
/// tag, all of its transport header here.
pub fn is_plain(bytes: &[u8], parsed: &Parsed) -> bool {
    let transport = match parsed.l4 {
        L4::Udp => size_of::<udp::Header>(),
        L4::Tcp => size_of::<tcp::Header>(),
        _ => return false,
    };
    let untagged = parsed.l2 == L2::Ethernet && usize::from(parsed.l3_off) == size_of::<ethernet::Header>();
    let behind = network_len(parsed.l3).map(|len| usize::from(parsed.l3_off) + len);
    let l4 = usize::from(parsed.l4_off);
    untagged
        && behind == Some(l4)
        && !parsed.frag_more()
        && parsed.has_ports()
        && bytes.len() >= l4 + transport
}

impl Readdressed {
    /// Writes these ends into the packet in `bytes`, of which `parsed` tells, with as many hops before it as a new one;
    /// false, and nothing is changed, where it is not [plain](is_plain), an address is of the other family, or there is no
    /// id.
    pub fn write(&self, bytes: &mut [u8], parsed: &Parsed) -> bool {
        let v4 = parsed.l3 == L3::Ipv4;
        let is_of_family = self.src.0.is_v4() == v4 && self.dst.0.is_v4() == v4;
        let ends_id = usize::from(parsed.l4_off) + size_of::<udp::Header>() + ID;
        let has_id = parsed.l4 == L4::Udp && parsed.payload_len >= ID as u32 && bytes.len() >= ends_id;
        let has_id = self.id.is_none() || has_id;
        if !is_of_family || !has_id || !is_plain(bytes, parsed) {
            return false;
        }
        let (link, rest) = bytes.split_at_mut(parsed.l3_off.into());
        let (network, transport) = rest.split_at_mut(usize::from(parsed.l4_off) - link.len());
        link[..6].copy_from_slice(&self.to);
        link[6..12].copy_from_slice(&self.from);
        let change = if v4 { self.write_v4(network) } else { self.write_v6(network) };
        self.write_transport(transport, parsed.l4, change);
        true
    }

    /// Writes the addresses; what that changes of what checksums of the transport cover.
    fn write_v4(&self, network: &mut [u8]) -> Change {
        let Ok((header, _)) = ipv4::Header::mut_from_prefix(network) else { return Change::default() };
        let before = *header;
        header.src = (self.src.0.0 as u32).into();
        header.dst = (self.dst.0.0 as u32).into();
        header.ttl = TTL;
        let change = Change::default()
            .with(before.src.as_bytes(), header.src.as_bytes())
            .with(before.dst.as_bytes(), header.dst.as_bytes());
        let hops = [before.ttl, before.protocol];
        header.checksum = change.with(&hops, &[TTL, before.protocol]).of(before.checksum.get()).into();
        change
    }

    fn write_v6(&self, network: &mut [u8]) -> Change {
        let Ok((header, _)) = ipv6::Header::mut_from_prefix(network) else { return Change::default() };
        let before = *header;
        header.src = self.src.0.0.into();
        header.dst = self.dst.0.0.into();
        header.hop_limit = TTL;
        Change::default()
            .with(before.src.as_bytes(), header.src.as_bytes())
            .with(before.dst.as_bytes(), header.dst.as_bytes())
    }

    /// Writes ports and id, and brings the checksum up to date.
    fn write_transport(&self, transport: &mut [u8], l4: L4, change: Change) {
        let mut ports = [0; 4];
        ports[..2].copy_from_slice(&self.src.1.to_be_bytes());
        ports[2..].copy_from_slice(&self.dst.1.to_be_bytes());
        let mut change = change.with(&transport[..4], &ports);
        transport[..4].copy_from_slice(&ports);
        if let Some(id) = self.id {
            let at = size_of::<udp::Header>();
            change = change.with(&transport[at..at + ID], &id.to_be_bytes());
            transport[at..at + ID].copy_from_slice(&id.to_be_bytes());
        }
        if l4 == L4::Udp {
            let Ok((header, _)) = udp::Header::mut_from_prefix(transport) else { return };
            let checksum = header.checksum.get();
            // Zero says that there is none (RFC 768).
            if checksum != 0 {
                header.checksum = change.of(checksum).checked_sub(1).map_or(u16::MAX, |less| less + 1).into();
            }
        } else if let Ok((header, _)) = tcp::Header::mut_from_prefix(transport) {
            header.checksum = change.of(header.checksum.get()).into();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::answer::pseudo_header;
    use crate::checksum::Sum;
    use crate::{Datagram, parse_ethernet};

    /// A datagram or a segment with right checksums; `checked` = its datagram has one at all.
    fn packet(v6: bool, l4: L4, payload: &[u8], checked: bool) -> Vec<u8> {
        let protocol = if l4 == L4::Udp { udp::PROTOCOL } else { tcp::PROTOCOL };
        let header = if l4 == L4::Udp { 8 } else { 20 };
        let segment = (header + payload.len()) as u16;
        let mut bytes = vec![1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2];
        if v6 {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            bytes.extend(segment.to_be_bytes());
            bytes.extend([protocol, TTL]);
            bytes.extend((1..=32).collect::<Vec<u8>>());
        } else {
            bytes.extend([8, 0, 0x45, 0]);
            bytes.extend((20 + segment).to_be_bytes());
            bytes.extend([0, 1, 0, 0, TTL, protocol, 0, 0, 198, 51, 100, 7, 10, 0, 0, 53]);
            let checksum = Sum::default().with(&bytes[14..34]).checksum();
            bytes[24..26].copy_from_slice(&checksum.to_be_bytes());
        }
        let at = bytes.len();
        bytes.extend([0x9c, 0x40, 0, 53]);
        match l4 {
            L4::Udp => bytes.extend([segment.to_be_bytes(), [0, 0]].concat()),
            _ => bytes.extend([0, 0, 0, 7, 0, 0, 0, 9, 0x50, 16, 1, 1, 0, 0, 0, 0]),
        }
        bytes.extend(payload);
        let parsed = parse_ethernet(&bytes, bytes.len() as u32);
        let sum = pseudo_header(&parsed, protocol, segment.into()).with(&bytes[at..]).checksum();
        let place = at + if l4 == L4::Udp { 6 } else { 16 };
        let sum = if l4 == L4::Udp && sum == 0 { u16::MAX } else { sum };
        bytes[place..place + 2].copy_from_slice(&if checked { sum } else { 0 }.to_be_bytes());
        bytes
    }

    fn is_right(bytes: &[u8], parsed: &Parsed) -> bool {
        let l4 = usize::from(parsed.l4_off);
        let whole = pseudo_header(parsed, parsed.protocol, bytes.len() - l4).with(&bytes[l4..]);
        let header = parsed.l3 == L3::Ipv6 || Sum::default().with(&bytes[14..34]).checksum() == 0;
        header && whole.checksum() == 0
    }

    fn address(v6: bool, bits: u128) -> Address {
        // Not what would read as IPv4.
        if v6 { Address(bits | 1 << 127) } else { Address::v4(bits as u32) }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// What verified verifies after; the way back leads to what it was.
        #[test]
        fn there_and_back_is_where_it_was(
            v6 in any::<bool>(), tcp in any::<bool>(), payload in prop::collection::vec(any::<u8>(), 2..40),
            ends in any::<(u128, u128, u16, u16)>(), id in any::<Option<u16>>(), macs in any::<([u8; 6], [u8; 6])>(),
        ) {
            let l4 = if tcp { L4::Tcp } else { L4::Udp };
            let (id, before) = (id.filter(|_| !tcp), packet(v6, l4, &payload, true));
            let parsed = parse_ethernet(&before, before.len() as u32);
            let (src, dst) = ((address(v6, ends.0), ends.2), (address(v6, ends.1), ends.3));
            let mut bytes = before.clone();
            let there = Readdressed { to: macs.0, from: macs.1, src, dst, id };
            prop_assert!(there.write(&mut bytes, &parsed));
            let after = parse_ethernet(&bytes, bytes.len() as u32);
            prop_assert!(is_right(&bytes, &after));
            prop_assert_eq!(((after.src, after.sport), (after.dst, after.dport)), (src, dst));
            prop_assert_eq!(after.payload_len, parsed.payload_len);
            let at = usize::from(after.payload_off);
            prop_assert_eq!(&bytes[at + 2..], &payload[2..]);
            if let Some(id) = id {
                prop_assert_eq!(&bytes[at..at + 2], &id.to_be_bytes()[..]);
            }
            let id = id.map(|_| u16::from_be_bytes([payload[0], payload[1]]));
            let (src, dst) = ((parsed.src, parsed.sport), (parsed.dst, parsed.dport));
            let back = Readdressed { to: [1; 6], from: [2; 6], src, dst, id };
            prop_assert!(back.write(&mut bytes, &after));
            prop_assert_eq!(bytes, before);
        }
    }

    fn somewhere(v6: bool) -> Readdressed {
        let ends = (address(v6, 7), 9);
        Readdressed { to: [3; 6], from: [4; 6], src: ends, dst: ends, id: None }
    }

    #[test]
    fn a_datagram_without_a_checksum_stays_without() {
        let mut bytes = packet(false, L4::Udp, b"query", false);
        let parsed = parse_ethernet(&bytes, bytes.len() as u32);
        assert!(Readdressed { id: Some(77), ..somewhere(false) }.write(&mut bytes, &parsed));
        assert_eq!((&bytes[40..42], &bytes[42..44]), (&[0, 0][..], &[0, 77][..]));
        let parsed = parse_ethernet(&bytes, bytes.len() as u32);
        Datagram::of(&parsed).unwrap().replace(&mut bytes, 5).unwrap();
        assert!(is_right(&bytes, &parsed), "everything but the missing checksum is right");
    }

    #[test]
    fn what_is_not_plain_stays_as_it_is() {
        let plain = packet(false, L4::Udp, b"query", true);
        let edited = |edit: fn(&mut Vec<u8>)| {
            let mut bytes = plain.clone();
            edit(&mut bytes);
            bytes
        };
        let cases = [
            (edited(|bytes| bytes[14] = 0x46), somewhere(false)),
            (edited(|bytes| bytes[20] = 0x20), somewhere(false)),
            (edited(|bytes| drop(bytes.splice(12..12, [0x81, 0, 0, 7]))), somewhere(false)),
            (edited(|bytes| bytes[23] = 1), somewhere(false)),
            (edited(|bytes| bytes.truncate(40)), somewhere(false)),
            (plain.clone(), somewhere(true)),
            (packet(false, L4::Udp, b"q", true), Readdressed { id: Some(1), ..somewhere(false) }),
            (packet(false, L4::Tcp, b"query", true), Readdressed { id: Some(1), ..somewhere(false) }),
        ];
        for (n, (before, readdressed)) in cases.into_iter().enumerate() {
            let mut bytes = before.clone();
            let parsed = parse_ethernet(&bytes, bytes.len() as u32);
            assert!(!readdressed.write(&mut bytes, &parsed), "{n}");
            assert_eq!(bytes, before, "{n}");
        }
    }
}
