//! ICMP (RFC 792), and the step both ICMP versions share.
//!
//! Last step of a walk. Always holds: type and code are read as soon as two bytes are there; a message
//! below 8 bytes is malformed in either version.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::L4;
use crate::parsed::Known;
use crate::walk::{Step, Walk};

/// IP protocol number.
pub const PROTOCOL: u8 = 1;

/// Destination unreachable.
pub const UNREACHABLE: u8 = 3;
/// Code of [`UNREACHABLE`]: fragmentation needed (RFC 1191).
pub const FRAGMENTATION_NEEDED: u8 = 4;
/// Echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Echo request.
pub const ECHO: u8 = 8;

/// The 8 bytes every ICMP and ICMPv6 message starts with.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Ones' complement sum.
    pub checksum: U16,
    /// Meaning depends on type and code: identifier and sequence, MTU, pointer, unused.
    pub rest: [u8; 4],
}

/// Whether messages of this type quote the packet that caused them.
pub const fn is_error(kind: u8) -> bool {
    matches!(kind, UNREACHABLE | 4 | 5 | 11 | 12)
}

impl Walk<'_> {
    pub(crate) fn icmp(&mut self, l4: L4, at: usize) -> Step {
        self.found.l4 = l4;
        let short = self.short(Reason::ShortIcmp);
        let start = self.span(at, 2, short)?;
        self.found.icmp_type = start[0];
        self.found.icmp_code = start[1];
        self.found.known.add(Known::ICMP);
        self.span(at, size_of::<Header>(), short)?;
        self.payload(at + size_of::<Header>());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_ip;

    #[test]
    fn a_message_has_eight_bytes() {
        let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, PROTOCOL];
        bytes.resize(20, 1);
        bytes.extend([3, 1, 0, 0, 0, 0, 0, 0]);
        let parsed = parse_ip(&bytes, 28);
        assert_eq!((parsed.l4, parsed.icmp_type, parsed.icmp_code), (L4::Icmp, 3, 1));
        assert_eq!((parsed.error, parsed.payload_len), (None, 0));
        bytes[3] = 27;
        let parsed = parse_ip(&bytes, 28);
        assert_eq!((parsed.error, parsed.icmp_type), (Some(Reason::ShortIcmp), 3));
    }
}
