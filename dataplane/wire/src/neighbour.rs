//! Neighbour discovery for one address (RFC 4861, 4.3 and 4.4): solicitations and advertisements, read and made.
//!
//! Used by the engine where the box has an IPv6 address of its own. Always holds: what is read has the hop limit of its own
//! link and a right checksum (RFC 4861, 7.1), so that nobody far away is believed.

use repute_model::Address;
use zerocopy::byteorder::network_endian::{U32, U128};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::answer::pseudo_header;
use crate::checksum::Sum;
use crate::{L4, Parsed, ethernet, icmp, icmpv6, ipv6};

/// Hops of what never crosses a router.
const HOPS: u8 = 255;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Options: the Ethernet address of who sends it, and of whom it is about.
const SOURCE: u8 = 1;
const TARGET: u8 = 2;
/// Flags of an advertisement: solicited, and to be believed over what was known.
const SOLICITED: u32 = 1 << 30;
const OVERRIDE: u32 = 1 << 29;
/// All nodes on the link.
const ALL_NODES: Address = Address(0xff02 << 112 | 1);

/// What either message has behind the ICMPv6 header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
struct Body {
    icmp: icmp::Header,
    target: U128,
}

/// An option with an Ethernet address (RFC 4861, 4.6.1).
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
struct LinkAddress {
    kind: u8,
    /// In units of 8 bytes.
    len: u8,
    mac: [u8; 6],
}

/// A frame with a message and one such option.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
struct Frame {
    link: ethernet::Header,
    network: ipv6::Header,
    body: Body,
    option: LinkAddress,
}

/// What a neighbour says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Neighbour {
    /// It asks who has `target`.
    Solicitation {
        /// The address that is asked for.
        target: Address,
        /// Who asks: `::` while it is not sure of its own address.
        from: Address,
        /// The Ethernet address that it is answered at.
        mac: [u8; 6],
    },
    /// It says who has `target`.
    Advertisement {
        /// The address that it is about.
        target: Address,
        /// Who has it.
        mac: [u8; 6],
    },
}

impl Neighbour {
    /// Bytes of the frames that are made here.
    pub const FRAME: usize = size_of::<Frame>();

    /// Reads a message in a frame of which `parsed` tells; `None` where it is none, is not to be believed, or an advertisement
    /// does not say who has the address.
    pub fn read(frame: &[u8], parsed: &Parsed) -> Option<Self> {
        let at = usize::from(parsed.l4_off);
        if parsed.l4 != L4::Icmpv6 || parsed.ttl != HOPS || parsed.icmp_code != 0 || parsed.payload_off == 0 {
            return None;
        }
        let end = usize::from(parsed.payload_off) + parsed.payload_len as usize;
        let message = frame.get(at..end)?;
        if pseudo_header(parsed, icmpv6::PROTOCOL, message.len()).with(message).checksum() != 0 {
            return None;
        }
        let (body, options) = Body::read_from_prefix(message).ok()?;
        let target = Address(body.target.get());
        match parsed.icmp_type {
            SOLICITATION => {
                let (_, sender) = ethernet::addresses(frame);
                let mac = link_address(options, SOURCE).unwrap_or(sender);
                Some(Self::Solicitation { target, from: parsed.src, mac })
            }
            ADVERTISEMENT => Some(Self::Advertisement { target, mac: link_address(options, TARGET)? }),
            _ => None,
        }
    }

    /// The frame with which `from` asks who has `target`.
    pub fn solicit(target: Address, from: (Address, [u8; 6])) -> [u8; Self::FRAME] {
        let group = Address(0xff02 << 112 | 0x1_ff00_0000 | target.0 & 0xff_ffff);
        let [.., b, c, d] = target.0.to_be_bytes();
        let option = LinkAddress { kind: SOURCE, len: 1, mac: from.1 };
        frame(([0x33, 0x33, 0xff, b, c, d], group), from, (SOLICITATION, 0, target), option)
    }

    /// The frame with which whoever has `mac` answers that it has the address that somebody asks for; `None` for what asks
    /// nothing.
    pub fn advertise(&self, own: [u8; 6]) -> Option<[u8; Self::FRAME]> {
        let Self::Solicitation { target, from, mac } = *self else { return None };
        let option = LinkAddress { kind: TARGET, len: 1, mac: own };
        // Who is not sure of its own address is answered by telling everybody (RFC 4861, 7.2.4).
        let (to, flags) = match from {
            Address(0) => (([0x33, 0x33, 0, 0, 0, 1], ALL_NODES), OVERRIDE),
            from => ((mac, from), SOLICITED | OVERRIDE),
        };
        Some(frame(to, (target, own), (ADVERTISEMENT, flags, target), option))
    }
}

/// The Ethernet address in an option of this kind.
fn link_address(mut options: &[u8], kind: u8) -> Option<[u8; 6]> {
    loop {
        let (found, _) = LinkAddress::read_from_prefix(options).ok()?;
        if (found.kind, found.len) == (kind, 1) {
            return Some(found.mac);
        }
        // An option of no length would never end (RFC 4861, 4.6).
        options = options.get(usize::from(found.len) * 8..).filter(|_| found.len > 0)?;
    }
}

/// A frame to `to` from `from` that says this: type, flags and target.
fn frame(
    to: ([u8; 6], Address),
    from: (Address, [u8; 6]),
    (kind, flags, target): (u8, u32, Address),
    option: LinkAddress,
) -> [u8; Neighbour::FRAME] {
    let len = size_of::<Body>() + size_of::<LinkAddress>();
    let (src, dst) = (U128::new(from.0.0), U128::new(to.1.0));
    let pseudo = Sum::default().with(src.as_bytes()).with(dst.as_bytes());
    let icmp = icmp::Header { kind, code: 0, checksum: 0.into(), rest: flags.to_be_bytes() };
    let mut body = Body { icmp, target: target.0.into() };
    let lengths = [U32::new(len as u32), U32::new(icmpv6::PROTOCOL.into())];
    let sum = pseudo.with(lengths.as_bytes()).with(body.as_bytes()).with(option.as_bytes());
    body.icmp.checksum = sum.checksum().into();
    let network = ipv6::Header {
        version_class_flow: (6 << 28).into(),
        payload_len: (len as u16).into(),
        next_header: icmpv6::PROTOCOL,
        hop_limit: HOPS,
        src,
        dst,
    };
    let link = ethernet::Header { dst: to.0, src: from.1, ether_type: ethernet::IPV6.into() };
    zerocopy::transmute!(Frame { link, network, body, option })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, parse_ethernet};

    const BOX: Address = Address(0x2001_0db8 << 96 | 0x1234_5678);
    const HOST: Address = Address(0x2001_0db8 << 96 | 2);

    fn read(frame: &[u8]) -> Option<Neighbour> {
        let parsed = parse_ethernet(frame, frame.len() as u32);
        assert_eq!(parsed.error, None);
        Neighbour::read(frame, &parsed)
    }

    #[test]
    fn who_asks_is_answered() {
        let asked = Neighbour::solicit(BOX, (HOST, [2; 6]));
        assert_eq!(&asked[..6], &[0x33, 0x33, 0xff, 0x34, 0x56, 0x78], "its solicited-node group");
        assert_eq!(parse_ethernet(&asked, 86).class, Class::NeighbourDiscovery);
        let solicitation = read(&asked).unwrap();
        assert_eq!(solicitation, Neighbour::Solicitation { target: BOX, from: HOST, mac: [2; 6] });
        let answered = solicitation.advertise([1; 6]).unwrap();
        assert_eq!((&answered[..6], &answered[6..12]), (&[2; 6][..], &[1; 6][..]));
        assert_eq!(parse_ethernet(&answered, 86).dst, HOST);
        let advertisement = read(&answered).unwrap();
        assert_eq!(advertisement, Neighbour::Advertisement { target: BOX, mac: [1; 6] });
        assert_eq!(advertisement.advertise([1; 6]), None);
    }

    #[test]
    fn who_is_not_sure_of_its_address_is_answered_before_everybody() {
        let asked = Neighbour::solicit(BOX, (Address(0), [2; 6]));
        let answered = read(&asked).unwrap().advertise([1; 6]).unwrap();
        assert_eq!(&answered[..6], &[0x33, 0x33, 0, 0, 0, 1]);
        assert_eq!(parse_ethernet(&answered, 86).dst, ALL_NODES);
        assert!(read(&answered).is_some());
    }

    #[test]
    fn what_is_damaged_or_from_far_away_is_not_believed() {
        let asked = Neighbour::solicit(BOX, (HOST, [2; 6]));
        for (at, value) in [(21, 254), (56, 1), (70, 0xff), (79, 0)] {
            let mut frame = asked;
            frame[at] = value;
            assert_eq!(read(&frame), None, "byte {at}");
        }
    }

    #[test]
    fn options_are_walked_to_their_end() {
        let one = [1, 1, 9, 9, 9, 9, 9, 9];
        assert_eq!(link_address(&[&[14, 1, 0, 0, 0, 0, 0, 0], &one[..]].concat(), SOURCE), Some([9; 6]));
        assert_eq!(link_address(&one, TARGET), None);
        assert_eq!(link_address(&[5, 0, 0, 0, 0, 0, 0, 0], SOURCE), None);
    }
}
