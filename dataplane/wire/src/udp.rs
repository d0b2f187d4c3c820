//! UDP (RFC 768).
//!
//! Last step of a walk. Always holds: a UDP length shorter than the IP payload leaves trailing bytes
//! out of the payload and is legal; a longer one is legal only in a first fragment.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::L4;
use crate::walk::{Step, Stop, Walk};

/// IP protocol number.
pub const PROTOCOL: u8 = 17;

/// The 8 bytes of a UDP header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Source port.
    pub sport: U16,
    /// Destination port.
    pub dport: U16,
    /// Bytes of header and payload; 0 in jumbograms (RFC 2675, 4).
    pub len: U16,
    /// Ones' complement sum over pseudo header and datagram; 0 when not used (IPv4).
    pub checksum: U16,
}

impl Walk<'_> {
    pub(crate) fn udp(&mut self, at: usize) -> Step {
        self.found.l4 = L4::Udp;
        let short = self.short(Reason::ShortUdp);
        self.ports(at, short)?;
        let header: &Header = self.header(at, short)?;
        let len = usize::from(header.len.get());
        let to_the_end = len == 0 && self.found.ip_len == 0;
        if len < size_of::<Header>() && !to_the_end {
            return Err(Stop::Malformed(Reason::UdpLength));
        }
        if !to_the_end && !self.narrow(at, len) && !self.found.frag_more() {
            self.flag(Reason::UdpLength);
        }
        self.payload(at + size_of::<Header>());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parsed, parse_ip};

    /// A UDP datagram with length field `len` in an IPv4 packet of `total` bytes, 20 on the wire behind IP.
    fn parse(len: u16, total: u8, fragment: u8) -> Parsed {
        let mut bytes = vec![0x45, 0, 0, total, 0, 0, fragment, 0, 64, PROTOCOL];
        bytes.resize(20, 1);
        bytes.extend([0, 53, 0x80, 0]);
        bytes.extend(len.to_be_bytes());
        bytes.resize(44, 0);
        parse_ip(&bytes, 44)
    }

    #[test]
    fn lengths() {
        for (len, total, error, payload) in [
            (24, 44, None, 16),
            (10, 44, None, 2),
            (8, 44, None, 0),
            (7, 44, Some(Reason::UdpLength), 24),
            (0, 44, Some(Reason::UdpLength), 24),
            (0, 0, None, 16),
            (25, 44, Some(Reason::UdpLength), 16),
            (24, 27, Some(Reason::ShortUdp), 7),
        ] {
            let parsed = parse(len, total, 0);
            assert_eq!((parsed.error, parsed.payload_len), (error, payload), "{len} {total}");
            assert_eq!((parsed.sport, parsed.dport), (53, 0x8000));
        }
    }

    #[test]
    fn a_first_fragment_promises_more_than_it_carries() {
        let parsed = parse(2000, 44, 0x20);
        assert_eq!((parsed.error, parsed.payload_len), (None, 16));
    }
}
