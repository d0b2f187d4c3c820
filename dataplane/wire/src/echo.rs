//! An echo request turned into its reply in place (RFC 792, RFC 4443 4.2).
//!
//! Called by the engine for an address of the box's own. Always holds: either the whole packet is a right reply to who sent it,
//! whose checksum is as right or wrong as that of the request, or not a byte is changed.

use zerocopy::{FromBytes, IntoBytes};

use crate::answer::{TTL, network_len};
use crate::checksum::Change;
use crate::{L2, L3, L4, Parsed, ethernet, icmp, icmpv6, ipv4, ipv6};

/// Whether a packet is an echo request directly behind a plain IP header, and no fragment.
pub fn is_echo(parsed: &Parsed) -> bool {
    let behind = network_len(parsed.l3).map(|len| usize::from(parsed.l3_off) + len);
    let asks = match parsed.l4 {
        L4::Icmp => parsed.icmp_type == icmp::ECHO,
        L4::Icmpv6 => parsed.icmp_type == icmpv6::ECHO,
        _ => false,
    };
    asks && parsed.has_icmp() && !parsed.frag_more() && behind == Some(parsed.l4_off.into())
}

/// Turns the echo request in `bytes`, of which `parsed` tells, into its reply; whether it is one.
pub fn answer_echo(bytes: &mut [u8], parsed: &Parsed) -> bool {
    let (l3, l4) = (usize::from(parsed.l3_off), usize::from(parsed.l4_off));
    if !is_echo(parsed) || bytes.len() < l4 + size_of::<icmp::Header>() {
        return false;
    }
    if parsed.l2 == L2::Ethernet {
        ethernet::turn_round(bytes);
    }
    let (network, message) = bytes[l3..].split_at_mut(l4 - l3);
    turn_network(network, parsed.l3);
    if let Ok((header, _)) = icmp::Header::mut_from_prefix(message) {
        let before = [header.kind, header.code];
        header.kind = if parsed.l4 == L4::Icmp { icmp::ECHO_REPLY } else { icmpv6::ECHO_REPLY };
        let change = Change::default().with(&before, &[header.kind, header.code]);
        header.checksum = change.of(header.checksum.get()).into();
    }
    true
}

/// Swaps the addresses, which changes no sum, and gives the packet as many hops as a new one.
fn turn_network(network: &mut [u8], l3: L3) {
    if l3 == L3::Ipv6 {
        if let Ok((header, _)) = ipv6::Header::mut_from_prefix(network) {
            std::mem::swap(&mut header.src, &mut header.dst);
            header.hop_limit = TTL;
        }
    } else if let Ok((header, _)) = ipv4::Header::mut_from_prefix(network) {
        std::mem::swap(&mut header.src, &mut header.dst);
        let hops = Change::default().with([header.ttl, header.protocol].as_bytes(), &[TTL, header.protocol]);
        header.ttl = TTL;
        header.checksum = hops.of(header.checksum.get()).into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::pseudo_header;
    use crate::checksum::Sum;
    use crate::parse_ethernet;

    fn request(v6: bool) -> Vec<u8> {
        let message = [if v6 { icmpv6::ECHO } else { icmp::ECHO }, 0, 0, 0, 0, 7, 0, 1, b'x', b'y'];
        let mut bytes = vec![1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2];
        if v6 {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 10, icmpv6::PROTOCOL, 9]);
            bytes.extend((1..=32).collect::<Vec<u8>>());
        } else {
            bytes.extend([
                8,
                0,
                0x45,
                0,
                0,
                30,
                0,
                1,
                0,
                0,
                9,
                icmp::PROTOCOL,
                0,
                0,
                198,
                51,
                100,
                7,
                10,
                0,
                0,
                53,
            ]);
            let checksum = Sum::default().with(&bytes[14..34]).checksum();
            bytes[24..26].copy_from_slice(&checksum.to_be_bytes());
        }
        let at = bytes.len();
        bytes.extend(message);
        let checksum = sum(&bytes, at).checksum();
        bytes[at + 2..at + 4].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    fn sum(bytes: &[u8], at: usize) -> Sum {
        let parsed = parse_ethernet(bytes, bytes.len() as u32);
        let pseudo = pseudo_header(&parsed, icmpv6::PROTOCOL, bytes.len() - at);
        if parsed.l3 == L3::Ipv6 { pseudo } else { Sum::default() }.with(&bytes[at..])
    }

    #[test]
    fn a_request_becomes_its_reply() {
        for (v6, l4, kind) in [(false, 34, icmp::ECHO_REPLY), (true, 54, icmpv6::ECHO_REPLY)] {
            let mut bytes = request(v6);
            let before = parse_ethernet(&bytes, bytes.len() as u32);
            assert!(answer_echo(&mut bytes, &before));
            let after = parse_ethernet(&bytes, bytes.len() as u32);
            assert_eq!((after.src, after.dst, after.icmp_type), (before.dst, before.src, kind));
            assert_eq!(
                (after.error, after.ttl, &bytes[..6], &bytes[6..12]),
                (None, TTL, &[2; 6][..], &[1; 6][..])
            );
            assert_eq!(sum(&bytes, l4).checksum(), 0);
            assert!(v6 || Sum::default().with(&bytes[14..34]).checksum() == 0);
            let reply = bytes.clone();
            assert!(!answer_echo(&mut bytes, &after), "a reply asks for nothing");
            assert_eq!(bytes, reply);
        }
    }
}
