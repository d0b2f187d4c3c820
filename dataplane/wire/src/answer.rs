//! A TCP packet become another one in place: what the box says for one end of a connection, to the other or to both.
//!
//! Called by the engine for SYN cookies and resets. Always holds: either the whole packet is a right one, with right
//! checksums, or not a byte is changed; it is never longer than the one that it was.

use repute_model::Address;
use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::checksum::Sum;
use crate::{L2, L3, L4, Parsed, ethernet, ipv4, ipv6, tcp};

/// Hops that an answer may take.
pub(crate) const TTL: u8 = 64;
const DONT_FRAGMENT: u16 = 0x4000;

/// The TCP header of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flags, as [`tcp`] names them.
    pub flags: u16,
    /// Receive window.
    pub window: u16,
    /// The largest segment that is taken (RFC 9293, 3.7.1), where there is room to say so.
    pub mss: Option<u16>,
}

/// The option that says it.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
struct Mss {
    kind: u8,
    len: u8,
    size: U16,
}

impl Answer {
    /// Turns the packet in `bytes`, of which `parsed` tells, into this answer to who sent it; its new length. `None`, and
    /// nothing is changed, where it is no whole TCP header directly behind a plain IP header.
    pub fn write(&self, bytes: &mut [u8], parsed: &Parsed) -> Option<usize> {
        self.put(bytes, parsed, true)
    }

    /// The same, but that it goes on from who sent it to whom it was for.
    pub fn write_on(&self, bytes: &mut [u8], parsed: &Parsed) -> Option<usize> {
        self.put(bytes, parsed, false)
    }

    /// Whether the packet in `bytes` can become one.
    pub fn fits(bytes: &[u8], parsed: &Parsed) -> bool {
        let Some(network) = network_len(parsed.l3) else { return false };
        let l4 = usize::from(parsed.l4_off);
        let plain =
            parsed.l4 == L4::Tcp && parsed.has_tcp_flags() && l4 == usize::from(parsed.l3_off) + network;
        plain && bytes.len() >= l4 + size_of::<tcp::Header>()
    }

    fn put(&self, bytes: &mut [u8], parsed: &Parsed, turns: bool) -> Option<usize> {
        if !Self::fits(bytes, parsed) {
            return None;
        }
        let (l3, l4) = (usize::from(parsed.l3_off), usize::from(parsed.l4_off));
        let least = l4 + size_of::<tcp::Header>();
        let options = self.mss.filter(|_| bytes.len() >= least + size_of::<Mss>());
        let len = least + options.map_or(0, |_| size_of::<Mss>());
        if parsed.l2 == L2::Ethernet && turns {
            ethernet::turn_round(bytes);
        }
        let segment = (len - l4) as u16;
        write_network(&mut bytes[l3..l4], parsed.l3, segment, turns);
        let (sport, dport) = (parsed.sport, parsed.dport);
        let ports = if turns { (dport, sport) } else { (sport, dport) };
        self.write_segment(&mut bytes[l4..len], parsed, ports, options);
        Some(len)
    }

    fn write_segment(&self, bytes: &mut [u8], parsed: &Parsed, ports: (u16, u16), mss: Option<u16>) {
        let words = (bytes.len() / 4) as u16;
        let header = tcp::Header {
            sport: ports.0.into(),
            dport: ports.1.into(),
            seq: self.seq.into(),
            ack: self.ack.into(),
            offset_flags: (words << 12 | self.flags).into(),
            window: self.window.into(),
            checksum: 0.into(),
            urgent: 0.into(),
        };
        let (head, options) = bytes.split_at_mut(size_of::<tcp::Header>());
        head.copy_from_slice(header.as_bytes());
        if let Some(size) = mss {
            options.copy_from_slice(Mss { kind: 2, len: 4, size: size.into() }.as_bytes());
        }
        let checksum = pseudo_header(parsed, tcp::PROTOCOL, bytes.len()).with(bytes).checksum();
        if let Ok((header, _)) = tcp::Header::mut_from_prefix(bytes) {
            header.checksum = checksum.into();
        }
    }
}

/// Bytes of a plain network header.
pub(crate) const fn network_len(l3: L3) -> Option<usize> {
    match l3 {
        L3::Ipv4 => Some(size_of::<ipv4::Header>()),
        L3::Ipv6 => Some(size_of::<ipv6::Header>()),
        _ => None,
    }
}

/// The sum over both addresses, the protocol and the length (RFC 9293, 3.1; RFC 8200, 8.1). It is the same in both
/// directions.
pub(crate) fn pseudo_header(parsed: &Parsed, protocol: u8, len: usize) -> Sum {
    let address = |address: Address| address.0.to_be_bytes();
    // An IPv4 address stands behind ::ffff:0:0/96, whose part is left out.
    let from = if parsed.l3 == L3::Ipv4 { 12 } else { 0 };
    let rest = [U32::new(len as u32), U32::new(u32::from(protocol))];
    Sum::default().with(&address(parsed.src)[from..]).with(&address(parsed.dst)[from..]).with(rest.as_bytes())
}

/// Writes the network header of a packet whose segment has so many bytes. The sum of both addresses, which is the same in
/// both directions.
#[inline]
pub(crate) fn write_network(bytes: &mut [u8], l3: L3, segment: u16, turns: bool) -> Sum {
    if l3 == L3::Ipv6 {
        if let Ok((header, _)) = ipv6::Header::mut_from_prefix(bytes) {
            if turns {
                std::mem::swap(&mut header.src, &mut header.dst);
            }
            header.payload_len = segment.into();
            header.hop_limit = TTL;
            return Sum::default().with(header.src.as_bytes()).with(header.dst.as_bytes());
        }
        return Sum::default();
    }
    bytes.first_chunk_mut().map(|header| write_ipv4(header, segment, turns)).unwrap_or_default()
}

/// By whole words, none of which is read before all of it was written.
#[inline]
fn write_ipv4(header: &mut [u8; size_of::<ipv4::Header>()], segment: u16, turns: bool) -> Sum {
    let total = u64::from(size_of::<ipv4::Header>() as u16 + segment);
    let first = be64(header, 0) & 0xffff_0000_ffff_0000 | total << 32 | u64::from(DONT_FRAGMENT);
    let second = u32::from(TTL) << 24 | u32::from(header[9]) << 16;
    let ends = be64(header, 12).rotate_left(if turns { 32 } else { 0 });
    let addresses = Sum::of((ends >> 32) + (ends & 0xffff_ffff));
    let rest = (first >> 32) + (first & 0xffff_ffff) + u64::from(second);
    let checksum = addresses.plus(Sum::of(rest)).checksum();
    header[..8].copy_from_slice(&first.to_be_bytes());
    header[8..12].copy_from_slice(&(second | u32::from(checksum)).to_be_bytes());
    header[12..].copy_from_slice(&ends.to_be_bytes());
    addresses
}

fn be64(bytes: &[u8; size_of::<ipv4::Header>()], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse_ethernet, parse_ip};

    const ANSWER: Answer = Answer {
        seq: 0x0102_0304,
        ack: 0x0506_0708,
        flags: tcp::SYN | tcp::ACK,
        window: 65_535,
        mss: Some(1460),
    };

    fn syn(options: usize, v6: bool) -> Vec<u8> {
        let mut bytes = vec![1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0x81, 0, 0, 7];
        let segment = 20 + options as u16;
        if v6 {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, segment as u8, 6, 9]);
            bytes.extend((1..=32).collect::<Vec<u8>>());
        } else {
            bytes.extend([8, 0, 0x45, 0, 0, 20 + segment as u8, 0, 1, 0, 0, 9, 6, 0, 0]);
            bytes.extend([198, 51, 100, 7, 10, 0, 0, 80]);
        }
        bytes.extend([
            0x9c,
            0x40,
            1,
            187,
            0,
            0,
            0,
            9,
            0,
            0,
            0,
            0,
            (segment as u8 / 4) << 4,
            2,
            1,
            1,
            0,
            0,
            0,
            0,
        ]);
        bytes.resize(bytes.len() + options, 1);
        bytes
    }

    /// Checksums by an independent sum over what is on the wire.
    fn is_right(packet: &[u8], l4: usize) -> bool {
        let parsed = parse_ip(packet, packet.len() as u32);
        let sum = |bytes: &[u8]| Sum::default().with(bytes).checksum() == 0;
        let header = parsed.l3 == L3::Ipv6 || sum(&packet[..l4]);
        header && pseudo_header(&parsed, tcp::PROTOCOL, packet.len() - l4).with(&packet[l4..]).checksum() == 0
    }

    #[test]
    fn a_syn_becomes_a_syn_ack_to_its_sender() {
        for (v6, network) in [(false, 20), (true, 40)] {
            let mut bytes = syn(20, v6);
            let before = parse_ethernet(&bytes, bytes.len() as u32);
            let len = ANSWER.write(&mut bytes, &before).unwrap();
            assert_eq!(len, 18 + network + 24);
            let after = parse_ethernet(&bytes[..len], len as u32);
            assert_eq!((after.src, after.dst), (before.dst, before.src));
            assert_eq!((after.sport, after.dport, after.tcp_flags), (443, 40_000, tcp::SYN | tcp::ACK));
            assert_eq!(
                (&bytes[..6], &bytes[6..12], after.vlan_id, after.ttl),
                (&[2; 6][..], &[1; 6][..], 7, 64)
            );
            assert_eq!((after.error, after.payload_len), (None, 0));
            assert!(is_right(&bytes[18..len], network));
        }
    }

    #[test]
    fn what_goes_on_keeps_its_ends() {
        let reset = Answer { flags: tcp::RST, mss: None, ..ANSWER };
        for (v6, network) in [(false, 20), (true, 40)] {
            let mut bytes = syn(20, v6);
            let before = parse_ethernet(&bytes, bytes.len() as u32);
            let len = reset.write_on(&mut bytes, &before).unwrap();
            assert_eq!(len, 18 + network + 20);
            let after = parse_ethernet(&bytes[..len], len as u32);
            assert_eq!((after.src, after.dst), (before.src, before.dst));
            assert_eq!((after.sport, after.dport, after.tcp_flags), (40_000, 443, tcp::RST));
            assert_eq!((&bytes[..6], &bytes[6..12]), (&[1; 6][..], &[2; 6][..]));
            assert!(is_right(&bytes[18..len], network));
        }
    }

    #[test]
    fn what_has_no_room_for_an_option_gets_none() {
        let mut bytes = syn(0, false);
        let before = parse_ethernet(&bytes, bytes.len() as u32);
        let len = ANSWER.write(&mut bytes, &before).unwrap();
        assert_eq!(len, 18 + 40);
        assert!(is_right(&bytes[18..len], 20));
    }

    #[test]
    fn what_is_no_plain_segment_stays_as_it_is() {
        let mut bytes = syn(0, false);
        bytes[18] = 0x46;
        let (before, parsed) = (bytes.clone(), parse_ethernet(&bytes, bytes.len() as u32));
        assert_eq!(ANSWER.write(&mut bytes, &parsed), None);
        assert_eq!(bytes, before);
    }
}
