//! The chain of IPv6 extension headers (RFC 8200, 4; RFC 4302 for AH; RFC 5533 for Shim6).
//!
//! Step between `ipv6` and the transport. Always holds: at most [`DEPTH_MAX`] headers are followed;
//! ESP, "no next header", Mobility and HIP end the chain, because nothing follows them.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::parsed::Known;
use crate::walk::{Step, Stop, Walk};

/// How many extension headers are followed (RFC 8504, 5.3 lets a node refuse more than 8).
pub const DEPTH_MAX: usize = 8;

/// Start of every extension header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Protocol number of what follows.
    pub next_header: u8,
    /// Length: units of 8 bytes beyond the first 8; for AH units of 4 bytes beyond the first 8.
    pub len: u8,
}

/// The fragment header: 8 bytes.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Fragment {
    /// Protocol number of what follows.
    pub next_header: u8,
    /// Reserved.
    pub reserved: u8,
    /// Offset in units of 8 bytes (13 bits), reserved (2 bits), more-fragments (1 bit).
    pub offset_more: U16,
    /// Identification, common to the fragments of one packet.
    pub id: U32,
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const SHIM6: u8 = 140;

impl Walk<'_> {
    pub(crate) fn ipv6_extensions(&mut self, mut next: u8, mut at: usize) -> Step {
        for _ in 0..DEPTH_MAX {
            self.found.protocol = next;
            let (following, len) = match next {
                HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | SHIM6 => self.extension(at, 8)?,
                AUTHENTICATION => self.extension(at, 4)?,
                FRAGMENT => self.fragment_header(at)?,
                _ => return self.fragment_or_transport(at),
            };
            at += len;
            if self.found.frag_off != 0 {
                self.found.protocol = following;
                return self.fragment_or_transport(at);
            }
            next = following;
        }
        self.found.protocol = next;
        match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | SHIM6 | AUTHENTICATION | FRAGMENT => {
                Err(Stop::Malformed(Reason::Ipv6ExtensionDepth))
            }
            _ => self.fragment_or_transport(at),
        }
    }

    /// What follows an extension header, and its length: 8 bytes and `len` times `unit`.
    fn extension(&self, at: usize, unit: usize) -> Step<(u8, usize)> {
        let short = self.short(Reason::Ipv6Extension);
        let header: &Header = self.header(at, short)?;
        let len = 8 + usize::from(header.len) * unit;
        self.span(at, len, short)?;
        Ok((header.next_header, len))
    }

    fn fragment_header(&mut self, at: usize) -> Step<(u8, usize)> {
        let short = self.short(Reason::Ipv6Extension);
        let header: &Fragment = self.header(at, short)?;
        let offset_more = header.offset_more.get();
        self.found.frag_off = offset_more >> 3;
        self.found.known.add(Known::FRAGMENT);
        if offset_more & 1 != 0 {
            self.found.known.add(Known::MORE);
        }
        Ok((header.next_header, size_of::<Fragment>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{L4, Parsed, parse_ip};

    /// An IPv6 packet whose first header is `next`, with `chain` and 16 zero bytes behind it.
    fn parse(next: u8, chain: &[u8]) -> Parsed {
        let mut bytes = vec![0x60, 0, 0, 0, 0, chain.len() as u8 + 16, next, 64];
        bytes.resize(40, 1);
        bytes.extend(chain);
        bytes.resize(bytes.len() + 16, 0);
        parse_ip(&bytes, bytes.len() as u32)
    }

    #[test]
    fn the_chain_leads_to_the_transport() {
        let mut chain = vec![60, 0, 0, 0, 0, 0, 0, 0]; // hop-by-hop
        chain.extend([51, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // destination options
        chain.extend([17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // AH, 12 bytes
        chain.extend([0, 1, 0, 2, 0, 16, 0, 0]); // UDP
        let parsed = parse(0, &chain);
        assert_eq!((parsed.l4, parsed.l4_off), (L4::Udp, 40 + 36));
        assert_eq!((parsed.sport, parsed.dport), (1, 2));
        assert!(!parsed.has_fragment());
    }

    #[test]
    fn the_chain_is_bounded() {
        let eight: Vec<u8> = [[60, 0, 0, 0, 0, 0, 0, 0]; 7].concat();
        let with_end = |chain: &[u8]| [chain, &[99, 0, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!(parse(60, &with_end(&eight)).error, None);
        let nine = [&[60, 0, 0, 0, 0, 0, 0, 0], &eight[..]].concat();
        assert_eq!(parse(60, &with_end(&nine)).error, Some(Reason::Ipv6ExtensionDepth));
    }

    #[test]
    fn a_header_beyond_the_packet() {
        let parsed = parse(60, &[17, 9, 0, 0, 0, 0, 0, 0]);
        assert_eq!(parsed.error, Some(Reason::Ipv6Extension));
    }

    #[test]
    fn fragments() {
        let first = parse(44, &[99, 0, 0, 1, 0, 0, 0, 7]);
        assert_eq!((first.l4, first.frag_off, first.frag_more()), (L4::Other, 0, true));
        let later = parse(44, &[6, 0, 0, 0x51, 0, 0, 0, 7]);
        assert_eq!((later.l4, later.frag_off, later.protocol), (L4::Fragment, 10, 6));
        assert_eq!(later.error, None);
        let tiny = parse(44, &[60, 0, 0, 1, 0, 0, 0, 7, 6, 9, 0, 0, 0, 0, 0, 0]);
        assert_eq!(tiny.error, Some(Reason::TinyFragment));
        let overwriting = parse(44, &[6, 0, 0, 8, 0, 0, 0, 7]);
        assert_eq!(overwriting.error, Some(Reason::TinyFragment));
        let beyond = parse(44, &[6, 0, 0xff, 0xf8, 0, 0, 0, 7]);
        assert_eq!(beyond.error, Some(Reason::FragmentOverflow));
        let uneven = parse(44, &[99, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]);
        assert_eq!(uneven.error, Some(Reason::FragmentLength));
    }
}
