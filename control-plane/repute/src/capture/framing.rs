//! What packets of a capture stand behind: nothing but their own header, or one that the capturing host put in its place.
//!
//! Called by `Capture` for every packet. Always holds: what comes out begins with an Ethernet or an IP header; the header of
//! Linux' cooked captures (`tcpdump -i any`) becomes an Ethernet header without addresses, with the EtherType it names.

use std::ops::Range;

use super::Link;

/// What the bytes of a captured packet start with, as the file says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// A header of the wire.
    Plain(Link),
    /// A header of `len` bytes, the EtherType at `protocol_at` (tcpdump.org/linktypes, LINUX_SLL and LINUX_SLL2).
    Cooked { len: usize, protocol_at: usize },
    /// Four bytes that name the address family, which the IP version tells as well (NULL and LOOP).
    Loopback,
}

const ETHERNET_LEN: usize = 14;
/// Where an EtherType stands that is none: IEEE 802.2 follows (linux/if_ether.h, ETH_P_802_2).
const ETH_P_802_2: u16 = 4;
const LENGTH_MAX: u16 = 1500;

impl Framing {
    /// The link types that can be read, for messages.
    pub(super) const SUPPORTED: &str = "0 (NULL), 1 (ETHERNET), 101 (RAW), 108 (LOOP), 113 (LINUX_SLL), 228 (IPV4), \
                                        229 (IPV6), 276 (LINUX_SLL2)";

    /// The framing of the link type of this number, if it can be read. 12 and 14 are `DLT_RAW` of systems that wrote it
    /// into files.
    pub(super) const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Plain(Link::Ethernet)),
            12 | 14 | 101 | 228 | 229 => Some(Self::Plain(Link::RawIp)),
            0 | 108 => Some(Self::Loopback),
            113 => Some(Self::Cooked { len: 16, protocol_at: 14 }),
            276 => Some(Self::Cooked { len: 20, protocol_at: 0 }),
            _ => None,
        }
    }

    /// Brings the packet at `data` of `buffer`, `wire_len` long on the wire, into the form in which it is read on. Of a
    /// packet that was cut within its header nothing is left.
    pub(super) fn open(
        self,
        buffer: &mut [u8],
        data: Range<usize>,
        wire_len: u32,
    ) -> (Link, Range<usize>, u32) {
        let (link, header) = match self {
            Self::Plain(link) => return (link, data, wire_len),
            Self::Loopback => (Link::RawIp, 4),
            Self::Cooked { len, .. } => (Link::Ethernet, len - ETHERNET_LEN),
        };
        let wire_len = wire_len.saturating_sub(header as u32);
        if let Self::Cooked { len, protocol_at } = self {
            let Some((cooked, payload)) = buffer[data.clone()].split_at_mut_checked(len) else {
                return (link, data.end..data.end, wire_len);
            };
            let protocol = match [cooked[protocol_at], cooked[protocol_at + 1]] {
                two if u16::from_be_bytes(two) == ETH_P_802_2 => {
                    (payload.len().min(LENGTH_MAX.into()) as u16).to_be_bytes()
                }
                two => two,
            };
            let ethernet = &mut cooked[len - ETHERNET_LEN..];
            ethernet.fill(0);
            ethernet[12..].copy_from_slice(&protocol);
        }
        (link, (data.start + header).min(data.end)..data.end, wire_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(number: u16, bytes: &[u8], wire_len: u32) -> (Link, Vec<u8>, u32) {
        let mut buffer = [&[0xee][..], bytes].concat();
        let framing = Framing::from_number(number).unwrap();
        let (link, data, wire_len) = framing.open(&mut buffer, 1..1 + bytes.len(), wire_len);
        (link, buffer[data].to_vec(), wire_len)
    }

    #[test]
    fn cooked_headers_become_ethernet() {
        let ethernet = |kind: [u8; 2], payload: &[u8]| [&[0; 12][..], &kind, payload].concat();
        let sll = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 8, 0][..], &[0x45, 7]].concat();
        assert_eq!(open(113, &sll, 90), (Link::Ethernet, ethernet([8, 0], &[0x45, 7]), 88));
        let sll2 =
            [&[0x81, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 9, 0, 0][..], &[0, 5, 8, 0]].concat();
        assert_eq!(open(276, &sll2, 24), (Link::Ethernet, ethernet([0x81, 0], &[0, 5, 8, 0]), 18));
        let llc = [&[0; 14][..], &[0, 4], &[0x42, 0x42, 3]].concat();
        assert_eq!(open(113, &llc, 19), (Link::Ethernet, ethernet([0, 3], &[0x42, 0x42, 3]), 17));
        for len in 0..16 {
            assert_eq!(open(113, &sll[..len], 90), (Link::Ethernet, Vec::new(), 88));
        }
    }

    #[test]
    fn loopback_is_raw_ip_behind_four_bytes() {
        for number in [0, 108] {
            assert_eq!(open(number, &[2, 0, 0, 0, 0x45, 1], 60), (Link::RawIp, vec![0x45, 1], 56));
            assert_eq!(open(number, &[2, 0], 2), (Link::RawIp, Vec::new(), 0));
        }
        assert_eq!(open(101, &[0x45], 9), (Link::RawIp, vec![0x45], 9));
    }
}
