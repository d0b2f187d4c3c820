//! IPv4 (RFC 791) with options and fragments.
//!
//! Step between the link and the transport. Always holds: a total length of 0 (segmentation offload)
//! means "to the end of the frame"; bytes behind the total length are Ethernet padding; the
//! checksum is not judged.

use repute_model::{Address, Reason};
use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::L3;
use crate::parsed::Known;
use crate::walk::{Step, Stop, Walk};

/// The fixed 20 bytes of an IPv4 header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Version (4 bits) and header length in words of 4 bytes (4 bits).
    pub version_ihl: u8,
    /// Differentiated services and congestion notification.
    pub tos: u8,
    /// Bytes of header and payload; 0 when the sender's NIC was to fill it in.
    pub total_len: U16,
    /// Identification, common to the fragments of one packet.
    pub id: U16,
    /// Reserved, don't-fragment, more-fragments (3 bits) and offset in units of 8 bytes (13 bits).
    pub fragment: U16,
    /// Time to live in hops.
    pub ttl: u8,
    /// Protocol number of the payload.
    pub protocol: u8,
    /// Ones' complement sum over the header.
    pub checksum: U16,
    /// Source address.
    pub src: U32,
    /// Destination address.
    pub dst: U32,
}

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

impl Header {
    /// Header length in bytes, options included: 0..=60, valid from 20.
    pub fn header_len(&self) -> usize {
        usize::from(self.version_ihl & 0x0f) * 4
    }
}

impl Walk<'_> {
    pub(crate) fn ipv4(&mut self, at: usize) -> Step {
        self.found.l3 = L3::Ipv4;
        if self.span(at, 1, Reason::ShortIpv4)?[0] >> 4 != 4 {
            return Err(Stop::Malformed(Reason::Ipv4Version));
        }
        let header: &Header = self.header(at, Reason::ShortIpv4)?;
        self.ipv4_lengths(header)?;
        self.ipv4_fields(header);
        let total = usize::from(header.total_len.get());
        if total != 0 && !self.narrow(at, total) {
            self.flag(Reason::Ipv4TotalLength);
        }
        self.span(at, header.header_len(), Reason::ShortIpv4)?;
        self.fragment_or_transport(at + header.header_len())
    }

    /// Lengths that make the rest of the header unreadable when they are wrong.
    fn ipv4_lengths(&mut self, header: &Header) -> Step {
        let (header_len, total) = (header.header_len(), header.total_len.get());
        if header_len < size_of::<Header>() {
            return Err(Stop::Malformed(Reason::Ipv4HeaderLength));
        }
        self.found.ip_len = total;
        self.found.known.add(Known::IP_LEN);
        if total != 0 && usize::from(total) < header_len {
            return Err(Stop::Malformed(Reason::Ipv4TotalLength));
        }
        Ok(())
    }

    fn ipv4_fields(&mut self, header: &Header) {
        let fragment = header.fragment.get();
        let found = &mut self.found;
        found.src = Address::v4(header.src.get());
        found.dst = Address::v4(header.dst.get());
        found.ttl = header.ttl;
        found.protocol = header.protocol;
        found.frag_off = fragment & OFFSET_MASK;
        found.known.add(Known::ADDRESSES);
        found.known.add(Known::FRAGMENT);
        if fragment & MORE_FRAGMENTS != 0 {
            found.known.add(Known::MORE);
        }
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::FromZeros;

    use super::*;
    use crate::{L4, Parsed, parse_ip};

    /// An IPv4 packet of protocol 17 with `edit` applied and 40 bytes behind the header.
    fn packet(edit: impl FnOnce(&mut Header)) -> Vec<u8> {
        let mut header = Header::new_zeroed();
        header.version_ihl = 0x45;
        header.total_len = 60.into();
        header.protocol = 99;
        edit(&mut header);
        let mut bytes = header.as_bytes().to_vec();
        bytes.resize(60, 0);
        bytes
    }

    fn parse(edit: impl FnOnce(&mut Header)) -> Parsed {
        parse_ip(&packet(edit), 60)
    }

    #[test]
    fn lengths_that_lie() {
        let error = |edit: fn(&mut Header)| parse(edit).error;
        assert_eq!(error(|_| {}), None);
        assert_eq!(error(|h| h.version_ihl = 0x44), Some(Reason::Ipv4HeaderLength));
        assert_eq!(error(|h| h.total_len = 19.into()), Some(Reason::Ipv4TotalLength));
        assert_eq!(error(|h| h.total_len = 61.into()), Some(Reason::Ipv4TotalLength));
        assert_eq!(error(|h| h.total_len = 0.into()), None);
        assert_eq!(error(|h| h.total_len = 20.into()), None);
    }

    #[test]
    fn the_payload_ends_where_the_total_length_says() {
        let parsed = parse(|h| h.total_len = 30.into());
        assert_eq!((parsed.payload_off, parsed.payload_len), (20, 10));
        let parsed = parse(|h| h.version_ihl = 0x46);
        assert_eq!((parsed.payload_off, parsed.payload_len), (24, 36));
        assert_eq!(parse(|h| h.total_len = 0.into()).payload_len, 40);
    }

    #[test]
    fn a_later_fragment_has_no_transport() {
        let parsed = parse(|h| h.fragment = 0x2005.into());
        assert_eq!((parsed.l4, parsed.frag_off, parsed.frag_more()), (L4::Fragment, 5, true));
        assert_eq!(parsed.error, None);
    }

    #[test]
    fn a_cut_capture_is_no_error() {
        let parsed = parse_ip(&packet(|_| {})[..12], 60);
        assert_eq!((parsed.error, parsed.is_cut(), parsed.has_addresses()), (None, true, false));
        assert_eq!(parse_ip(&packet(|_| {})[..12], 12).error, Some(Reason::ShortIpv4));
    }
}
