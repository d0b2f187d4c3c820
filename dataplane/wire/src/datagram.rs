//! A UDP packet turned round or given another payload in place: what the box answers for a server.
//!
//! Called by the engine for DNS once the answer stands where the question stood. Always holds: either the whole packet is a
//! right answer to who sent it, with right checksums, or not a byte is changed.

use zerocopy::{FromBytes, IntoBytes};

use crate::answer::{network_len, pseudo_header, write_network};
use crate::{L2, L4, Parsed, ethernet, udp};

/// Turns the datagram in `bytes`, of which `parsed` tells, into one to its sender with the first `payload` bytes behind
/// its UDP header; its new length. `None`, and nothing is changed, where it is no whole datagram directly behind a plain IP
/// header, or has not so many bytes.
pub fn answer_datagram(bytes: &mut [u8], parsed: &Parsed, payload: usize) -> Option<usize> {
    put(bytes, parsed, payload, true)
}

/// The same, but that it goes on from who sent it to whom it was for: a payload in place of another one.
pub fn replace_datagram(bytes: &mut [u8], parsed: &Parsed, payload: usize) -> Option<usize> {
    put(bytes, parsed, payload, false)
}

fn put(bytes: &mut [u8], parsed: &Parsed, payload: usize, turns: bool) -> Option<usize> {
    let (l3, l4) = (usize::from(parsed.l3_off), usize::from(parsed.l4_off));
    let datagram = size_of::<udp::Header>() + payload;
    let len = l4 + datagram;
    let words = u16::try_from(datagram).ok().filter(|_| is_plain_datagram(parsed) && len <= bytes.len())?;
    if parsed.l2 == L2::Ethernet && turns {
        ethernet::turn_round(bytes);
    }
    write_network(&mut bytes[l3..l4], parsed.l3, words, turns);
    let (sport, dport) = if turns { (parsed.dport, parsed.sport) } else { (parsed.sport, parsed.dport) };
    let header =
        udp::Header { sport: sport.into(), dport: dport.into(), len: words.into(), checksum: 0.into() };
    bytes[l4..l4 + size_of::<udp::Header>()].copy_from_slice(header.as_bytes());
    let checksum = pseudo_header(parsed, udp::PROTOCOL, datagram).with(&bytes[l4..len]).checksum();
    if let Ok((header, _)) = udp::Header::mut_from_prefix(&mut bytes[l4..]) {
        // Zero says that there is none (RFC 768).
        header.checksum = if checksum == 0 { u16::MAX } else { checksum }.into();
    }
    Some(len)
}

/// Whether a packet is a whole datagram directly behind a plain IP header: what [`answer_datagram`] can turn round and
/// [`replace_datagram`] can change.
pub fn is_plain_datagram(parsed: &Parsed) -> bool {
    let behind = network_len(parsed.l3).map(|len| usize::from(parsed.l3_off) + len);
    parsed.l4 == L4::Udp && parsed.has_ports() && behind == Some(parsed.l4_off.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Sum;
    use crate::{parse_ethernet, parse_ip};

    fn question(v6: bool) -> Vec<u8> {
        let mut bytes = vec![1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2];
        if v6 {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 13, 17, 9]);
            bytes.extend((1..=32).collect::<Vec<u8>>());
        } else {
            bytes.extend([8, 0, 0x45, 0, 0, 33, 0, 1, 0, 0, 9, 17, 0, 0, 198, 51, 100, 7, 10, 0, 0, 53]);
        }
        bytes.extend([0x9c, 0x40, 0, 53, 0, 13, 0xaa, 0xaa]);
        bytes.extend(b"query");
        bytes
    }

    #[test]
    fn a_question_becomes_an_answer_to_its_sender() {
        for (v6, network) in [(false, 20), (true, 40)] {
            let mut bytes = [&question(v6)[..], &[0; 40]].concat();
            let before = parse_ethernet(&bytes, bytes.len() as u32);
            let at = usize::from(before.payload_off);
            bytes[at..at + 9].copy_from_slice(b"an answer");
            let len = answer_datagram(&mut bytes, &before, 9).unwrap();
            assert_eq!(len, 14 + network + 8 + 9);
            let after = parse_ethernet(&bytes[..len], len as u32);
            assert_eq!((after.src, after.dst, after.error), (before.dst, before.src, None));
            assert_eq!((after.sport, after.dport, after.payload_len), (53, 40_000, 9));
            assert_eq!((&bytes[..6], &bytes[6..12]), (&[2; 6][..], &[1; 6][..]));
            let packet = parse_ip(&bytes[14..len], (len - 14) as u32);
            let datagram = &bytes[14 + network..len];
            assert_eq!(pseudo_header(&packet, udp::PROTOCOL, 17).with(datagram).checksum(), 0);
            assert!(v6 || Sum::default().with(&bytes[14..34]).checksum() == 0);
        }
    }

    #[test]
    fn a_payload_takes_the_place_of_another() {
        for (v6, network) in [(false, 20), (true, 40)] {
            let mut bytes = [&question(v6)[..], &[0; 40]].concat();
            let before = parse_ethernet(&bytes, bytes.len() as u32);
            let at = usize::from(before.payload_off);
            bytes[at..at + 9].copy_from_slice(b"an answer");
            let len = replace_datagram(&mut bytes, &before, 9).unwrap();
            assert_eq!(len, 14 + network + 8 + 9);
            let after = parse_ethernet(&bytes[..len], len as u32);
            assert_eq!((after.src, after.dst, after.error), (before.src, before.dst, None));
            assert_eq!((after.sport, after.dport, after.payload_len), (40_000, 53, 9));
            assert_eq!((&bytes[..6], &bytes[6..12]), (&[1; 6][..], &[2; 6][..]));
            let packet = parse_ip(&bytes[14..len], (len - 14) as u32);
            assert_eq!(
                pseudo_header(&packet, udp::PROTOCOL, 17).with(&bytes[14 + network..len]).checksum(),
                0
            );
        }
    }

    #[test]
    fn what_is_no_plain_datagram_stays_as_it_is() {
        let mut bytes = question(false);
        bytes[14] = 0x46;
        let (before, parsed) = (bytes.clone(), parse_ethernet(&bytes, bytes.len() as u32));
        assert_eq!(answer_datagram(&mut bytes, &parsed, 1), None);
        assert_eq!(bytes, before);
        let mut bytes = question(false);
        let (before, parsed) = (bytes.clone(), parse_ethernet(&bytes, bytes.len() as u32));
        assert_eq!(answer_datagram(&mut bytes, &parsed, 6), None, "one byte more than there is");
        assert_eq!(bytes, before);
    }
}
