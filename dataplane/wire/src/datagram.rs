//! A UDP packet turned round or given another payload in place: what the box answers for a server; and one made from nothing:
//! what it asks by itself.
//!
//! Called by the engine for DNS. Always holds: either the whole packet is a
//! right answer to who sent it, with right checksums, or not a byte is changed.

use repute_model::Address;

use crate::answer::{network_len, write_network};
use crate::checksum::Sum;
use crate::{L2, L3, L4, Parsed, Readdressed, ethernet, ipv4, ipv6, outline, parse_ethernet, udp};

/// EtherType of IPv4, version 4, five words of header.
const PLAIN_IPV4: [u8; 3] = [8, 0, 0x45];

/// Where the headers of a whole datagram are that stands directly behind a plain IP header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram {
    /// Whether an Ethernet header begins it.
    is_frame: bool,
    is_v4: bool,
    l3: u16,
    l4: u16,
}

impl Datagram {
    /// Of a packet that was parsed; `None` = it is no such datagram.
    pub fn of(parsed: &Parsed) -> Option<Self> {
        let behind = network_len(parsed.l3).map(|len| usize::from(parsed.l3_off) + len);
        let is_plain = parsed.l4 == L4::Udp && parsed.has_ports() && behind == Some(parsed.l4_off.into());
        let (is_frame, is_v4) = (parsed.l2 == L2::Ethernet, parsed.l3 == L3::Ipv4);
        is_plain.then_some(Self { is_frame, is_v4, l3: parsed.l3_off.into(), l4: parsed.l4_off })
    }

    /// Of a frame of which an [`Outline`](crate::Outline) says that it is one; of any other it may be anything.
    #[inline]
    pub fn outlined(frame: &[u8]) -> Option<Self> {
        let [.., first, second, version] = frame.first_chunk::<15>()?;
        if [*first, *second, *version] == PLAIN_IPV4 {
            return Some(Self { is_frame: true, is_v4: true, l3: 14, l4: 34 });
        }
        let ether_type = u16::from_be_bytes([*first, *second]);
        let l3 = if matches!(ether_type, outline::TAG | outline::SERVICE_TAG) { 18 } else { 14 };
        let is_v4 = frame.get(usize::from(l3))? >> 4 == 4;
        let l4 = l3 + if is_v4 { size_of::<ipv4::Header>() } else { size_of::<ipv6::Header>() } as u16;
        Some(Self { is_frame: true, is_v4, l3, l4 })
    }

    /// Where its payload begins.
    pub fn payload_at(self) -> usize {
        usize::from(self.l4) + size_of::<udp::Header>()
    }

    /// Its payload, where all of it is there.
    #[inline]
    pub fn payload(self, bytes: &[u8]) -> Option<&[u8]> {
        let l4 = usize::from(self.l4);
        let len = u16::from_be_bytes(*bytes.get(l4 + 4..)?.first_chunk()?);
        bytes.get(self.payload_at()..l4 + usize::from(len))
    }

    /// Who sent it.
    pub fn sender(self, bytes: &[u8]) -> Option<Address> {
        let network = bytes.get(self.l3.into()..self.l4.into())?;
        if self.is_v4 {
            return Some(Address::v4(u32::from_be_bytes(*network.get(12..)?.first_chunk()?)));
        }
        Some(Address(u128::from_be_bytes(*network.get(8..)?.first_chunk()?)))
    }

    /// Turns it, in `bytes`, into one to its sender with the first `payload` bytes behind its UDP header; its new length.
    /// `None`, and nothing is changed, where it has not so many bytes.
    pub fn answer(self, bytes: &mut [u8], payload: usize) -> Option<usize> {
        self.put(bytes, payload, true, None)
    }

    /// The same where the sum of these bytes is known.
    #[inline]
    pub fn answer_summed(self, bytes: &mut [u8], payload: usize, sum: Sum) -> Option<usize> {
        self.put(bytes, payload, true, Some(sum))
    }

    /// The same, but that it goes on from who sent it to whom it was for: a payload in place of another one.
    pub fn replace(self, bytes: &mut [u8], payload: usize) -> Option<usize> {
        self.put(bytes, payload, false, None)
    }

    #[inline]
    fn put(self, bytes: &mut [u8], payload: usize, turns: bool, sum: Option<Sum>) -> Option<usize> {
        let (l3, l4) = (usize::from(self.l3), usize::from(self.l4));
        let len = self.payload_at() + payload;
        let datagram = u16::try_from(len - l4).ok().filter(|_| len <= bytes.len())?;
        if self.is_frame && turns {
            ethernet::turn_round(bytes);
        }
        let (network, transport) = bytes[l3..len].split_at_mut(l4 - l3);
        let l3 = if self.is_v4 { L3::Ipv4 } else { L3::Ipv6 };
        let addresses = write_network(network, l3, datagram, turns);
        let (header, payload) = transport.split_first_chunk_mut::<{ size_of::<udp::Header>() }>()?;
        let [a, b, c, d, ..] = *header;
        let ports = u32::from_be_bytes([a, b, c, d]).rotate_left(if turns { 16 } else { 0 });
        let words = u64::from(ports) + 2 * u64::from(datagram) + u64::from(udp::PROTOCOL);
        let sum = sum.unwrap_or_else(|| Sum::default().with(payload));
        let checksum = sum.plus(Sum::of(words)).plus(addresses).checksum();
        // Zero says that there is none (RFC 768).
        let checksum = if checksum == 0 { u16::MAX } else { checksum };
        let words = u64::from(ports) << 32 | u64::from(datagram) << 16 | u64::from(checksum);
        *header = words.to_be_bytes();
        Some(len)
    }
}

/// Writes a frame between these ends whose datagram has this payload, at the beginning of `bytes`; its length. `None` where it
/// has no room there, or the ends are of two families.
pub fn make_datagram(bytes: &mut [u8], ends: &Readdressed, payload: &[u8]) -> Option<usize> {
    let v4 = ends.src.0.is_v4();
    let (ether_type, network) = if v4 {
        (ethernet::IPV4, size_of::<ipv4::Header>())
    } else {
        (ethernet::IPV6, size_of::<ipv6::Header>())
    };
    let l3 = size_of::<ethernet::Header>();
    let l4 = l3 + network;
    let at = l4 + size_of::<udp::Header>();
    let frame = bytes.get_mut(..at + payload.len()).filter(|_| ends.dst.0.is_v4() == v4)?;
    frame[..at].fill(0);
    frame[at..].copy_from_slice(payload);
    frame[12..l3].copy_from_slice(&ether_type.to_be_bytes());
    // Without a length both protocols reach to the end.
    if v4 {
        (frame[l3], frame[l3 + 9]) = (0x45, udp::PROTOCOL);
    } else {
        (frame[l3], frame[l3 + 6]) = (0x60, udp::PROTOCOL);
    }
    let words = u16::try_from(size_of::<udp::Header>() + payload.len()).ok()?;
    frame[l4 + 4..l4 + 6].copy_from_slice(&words.to_be_bytes());
    let len = frame.len();
    let parsed = parse_ethernet(frame, len as u32);
    if !ends.write(frame, &parsed) {
        return None;
    }
    // The sums are made anew, with the right lengths.
    let parsed = parse_ethernet(frame, len as u32);
    Datagram::of(&parsed)?.replace(frame, payload.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::pseudo_header;
    use crate::parse_ip;

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
            let datagram = Datagram::of(&before).unwrap();
            assert_eq!(
                (Some(datagram), datagram.sender(&bytes)),
                (Datagram::outlined(&bytes), Some(before.src))
            );
            assert_eq!(datagram.payload(&bytes).map(<[u8]>::len), Some(5));
            let mut summed = bytes.clone();
            let sum = Sum::default().with(b"an answer");
            let len = datagram.answer(&mut bytes, 9).unwrap();
            assert_eq!((datagram.answer_summed(&mut summed, 9, sum), &summed), (Some(len), &bytes));
            assert_eq!(len, 14 + network + 8 + 9);
            let after = parse_ethernet(&bytes[..len], len as u32);
            assert_eq!((after.src, after.dst, after.error), (before.dst, before.src, None));
            assert_eq!((after.sport, after.dport, after.payload_len), (53, 40_000, 9));
            assert_eq!((&bytes[..6], &bytes[6..12]), (&[2; 6][..], &[1; 6][..]));
            let packet = parse_ip(&bytes[14..len], (len - 14) as u32);
            assert_eq!(
                pseudo_header(&packet, udp::PROTOCOL, 17).with(&bytes[14 + network..len]).checksum(),
                0
            );
            assert!(v6 || Sum::default().with(&bytes[14..34]).checksum() == 0);
        }
    }

    #[test]
    fn a_question_is_made_from_nothing() {
        for (v6, network) in [(false, 20), (true, 40)] {
            let address = |n: u32| if v6 { Address(0x2001 << 112 | u128::from(n)) } else { Address::v4(n) };
            let (src, dst) = ((address(1), 4000), (address(2), 53));
            let ends = Readdressed { to: [1; 6], from: [2; 6], src, dst, id: Some(0x6162) };
            let mut bytes = [0xff; 100];
            let len = make_datagram(&mut bytes, &ends, b"..question").unwrap();
            assert_eq!(len, 14 + network + 8 + 10);
            let made = parse_ethernet(&bytes[..len], len as u32);
            assert_eq!((made.error, (made.src, made.sport), (made.dst, made.dport)), (None, src, dst));
            assert_eq!((&bytes[..6], &bytes[6..12], made.ttl), (&[1; 6][..], &[2; 6][..], 64));
            let datagram = &bytes[14 + network..len];
            assert_eq!(&datagram[8..], b"abquestion");
            assert_eq!(pseudo_header(&made, udp::PROTOCOL, 18).with(datagram).checksum(), 0);
            assert!(v6 || Sum::default().with(&bytes[14..34]).checksum() == 0);
            assert_eq!(make_datagram(&mut bytes[..len - 1], &ends, b"..question"), None);
        }
    }

    #[test]
    fn a_payload_takes_the_place_of_another() {
        for (v6, network) in [(false, 20), (true, 40)] {
            let mut bytes = [&question(v6)[..], &[0; 40]].concat();
            let before = parse_ethernet(&bytes, bytes.len() as u32);
            let at = usize::from(before.payload_off);
            bytes[at..at + 9].copy_from_slice(b"an answer");
            let len = Datagram::of(&before).unwrap().replace(&mut bytes, 9).unwrap();
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
        assert_eq!(Datagram::of(&parsed), None);
        assert_eq!(bytes, before);
        let mut bytes = question(false);
        let (before, parsed) = (bytes.clone(), parse_ethernet(&bytes, bytes.len() as u32));
        assert_eq!(Datagram::of(&parsed).unwrap().answer(&mut bytes, 6), None, "one byte more than there is");
        assert_eq!(bytes, before);
    }
}
