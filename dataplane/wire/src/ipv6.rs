//! IPv6 (RFC 8200): the fixed header.
//!
//! Step between the link and the extension headers. Always holds: a payload length of 0 (jumbogram
//! RFC 2675, segmentation offload) means "to the end of the frame"; addresses that would read as IPv4
//! are refused, so the two families cannot be confused.

use repute_model::{Address, Reason};
use zerocopy::byteorder::network_endian::{U16, U32, U128};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::L3;
use crate::parsed::Known;
use crate::walk::{Step, Stop, Walk};

/// The 40 bytes of an IPv6 header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Version (4 bits), traffic class (8 bits), flow label (20 bits).
    pub version_class_flow: U32,
    /// Bytes behind this header; 0 for jumbograms and when the sender's NIC was to fill it in.
    pub payload_len: U16,
    /// Protocol number of what follows.
    pub next_header: u8,
    /// Hops the packet may still take.
    pub hop_limit: u8,
    /// Source address.
    pub src: U128,
    /// Destination address.
    pub dst: U128,
}

impl Walk<'_> {
    pub(crate) fn ipv6(&mut self, at: usize) -> Step {
        self.found.l3 = L3::Ipv6;
        if self.span(at, 1, Reason::ShortIpv6)?[0] >> 4 != 6 {
            return Err(Stop::Malformed(Reason::Ipv6Version));
        }
        let header: &Header = self.header(at, Reason::ShortIpv6)?;
        self.ipv6_fields(header);
        let payload = at + size_of::<Header>();
        let len = usize::from(header.payload_len.get());
        if len != 0 && !self.narrow(payload, len) {
            self.flag(Reason::Ipv6PayloadLength);
        }
        self.ipv6_extensions(header.next_header, payload)
    }

    fn ipv6_fields(&mut self, header: &Header) {
        let found = &mut self.found;
        found.src = Address(header.src.get());
        found.dst = Address(header.dst.get());
        found.ip_len = header.payload_len.get();
        found.ttl = header.hop_limit;
        found.protocol = header.next_header;
        found.known.add(Known::ADDRESSES);
        found.known.add(Known::IP_LEN);
        if found.src.is_v4() || found.dst.is_v4() {
            self.flag(Reason::MappedAddress);
        }
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::FromZeros;

    use super::*;
    use crate::{Parsed, parse_ip};

    fn parse(edit: impl FnOnce(&mut Header)) -> Parsed {
        let mut header = Header::new_zeroed();
        header.version_class_flow = 0x6000_0000.into();
        header.payload_len = 20.into();
        header.next_header = 99;
        header.src = 1.into();
        header.dst = 2.into();
        edit(&mut header);
        let mut bytes = header.as_bytes().to_vec();
        bytes.resize(60, 0);
        parse_ip(&bytes, 60)
    }

    #[test]
    fn lengths_that_lie() {
        let error = |len: u16| parse(|h| h.payload_len = len.into()).error;
        assert_eq!(error(20), None);
        assert_eq!(error(0), None);
        assert_eq!(error(21), Some(Reason::Ipv6PayloadLength));
        let padded = parse(|h| h.payload_len = 4.into());
        assert_eq!((padded.payload_off, padded.payload_len), (40, 4));
    }

    #[test]
    fn mapped_addresses_are_refused() {
        let parsed = parse(|h| h.src = (0xffff_u128 << 32 | 0x0a00_0001).into());
        assert_eq!(parsed.error, Some(Reason::MappedAddress));
        assert_eq!(parsed.protocol, 99);
    }
}
