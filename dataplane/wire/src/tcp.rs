//! TCP (RFC 9293).
//!
//! Last step of a walk. Always holds: ports and flags are read as far as the packet carries them; a
//! data offset below the header ends the reading before the flags.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::L4;
use crate::parsed::Known;
use crate::tcp_options::Options;
use crate::walk::{Step, Stop, Walk};

/// IP protocol number.
pub const PROTOCOL: u8 = 6;

/// The fixed 20 bytes of a TCP header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Source port.
    pub sport: U16,
    /// Destination port.
    pub dport: U16,
    /// Sequence number.
    pub seq: U32,
    /// Acknowledgement number.
    pub ack: U32,
    /// Data offset in words of 4 bytes (4 bits) and flags (12 bits).
    pub offset_flags: U16,
    /// Receive window, not scaled.
    pub window: U16,
    /// Ones' complement sum over pseudo header and segment.
    pub checksum: U16,
    /// Urgent pointer.
    pub urgent: U16,
}

/// No more data from the sender.
pub const FIN: u16 = 0x001;
/// Synchronise sequence numbers.
pub const SYN: u16 = 0x002;
/// Reset the connection.
pub const RST: u16 = 0x004;
/// Push.
pub const PSH: u16 = 0x008;
/// Acknowledgement number is valid.
pub const ACK: u16 = 0x010;
/// Urgent pointer is valid.
pub const URG: u16 = 0x020;
/// Echo of congestion experienced (RFC 3168).
pub const ECE: u16 = 0x040;
/// Congestion window reduced (RFC 3168).
pub const CWR: u16 = 0x080;
/// Accurate congestion notification (RFC 9768).
pub const AE: u16 = 0x100;

const FLAGS_MASK: u16 = 0x0fff;

impl Header {
    /// Header length in bytes, options included: 0..=60, valid from 20.
    pub fn header_len(&self) -> usize {
        header_len(self.offset_flags.get())
    }
}

fn header_len(offset_flags: u16) -> usize {
    usize::from(offset_flags >> 12) * 4
}

impl Walk<'_> {
    pub(crate) fn tcp(&mut self, at: usize) -> Step {
        self.found.l4 = L4::Tcp;
        let short = self.short(Reason::ShortTcp);
        self.ports(at, short)?;
        let offset_flags = self.header::<U16>(at + 12, short)?.get();
        let len = header_len(offset_flags);
        if len < size_of::<Header>() {
            return Err(Stop::Malformed(Reason::TcpDataOffset));
        }
        self.found.tcp_flags = offset_flags & FLAGS_MASK;
        self.found.known.add(Known::TCP_FLAGS);
        self.span(at, size_of::<Header>(), short)?;
        let options = self.span(at, len, self.short(Reason::TcpDataOffset))?;
        self.payload(at + len);
        if Options::new(&options[size_of::<Header>()..]).any(|option| option.is_err()) {
            self.flag(Reason::TcpOption);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::FromZeros;

    use super::*;
    use crate::{Parsed, parse_ip};

    fn packet(edit: impl FnOnce(&mut Header), options: &[u8]) -> Vec<u8> {
        let mut header = Header::new_zeroed();
        header.sport = 40_000.into();
        header.dport = 443.into();
        let words = (20 + options.len() as u16) / 4;
        header.offset_flags = (words << 12 | AE | SYN).into();
        edit(&mut header);
        let total = 40 + options.len() as u8 + 10;
        let mut bytes = vec![0x45, 0, 0, total, 0, 0, 0, 0, 64, PROTOCOL];
        bytes.resize(20, 1);
        bytes.extend(header.as_bytes());
        bytes.extend(options);
        bytes.resize(usize::from(total), 0);
        bytes
    }

    fn parse(edit: impl FnOnce(&mut Header), options: &[u8]) -> Parsed {
        let bytes = packet(edit, options);
        parse_ip(&bytes, bytes.len() as u32)
    }

    #[test]
    fn ports_flags_and_payload() {
        let parsed = parse(|_| {}, &[2, 4, 5, 0xb4]);
        assert_eq!((parsed.sport, parsed.dport, parsed.tcp_flags), (40_000, 443, 0x102));
        assert_eq!((parsed.payload_off, parsed.payload_len), (44, 10));
        assert_eq!(parsed.error, None);
    }

    #[test]
    fn data_offset() {
        let with = |words: u16| parse(|h| h.offset_flags = (words << 12).into(), &[]).error;
        assert_eq!(with(4), Some(Reason::TcpDataOffset));
        assert_eq!(with(5), None);
        assert_eq!(with(7), None);
        assert_eq!(with(8), Some(Reason::TcpDataOffset));
    }

    #[test]
    fn a_bad_option_is_named_and_the_rest_readable() {
        let parsed = parse(|_| {}, &[2, 1, 0, 0]);
        assert_eq!(parsed.error, Some(Reason::TcpOption));
        assert_eq!((parsed.dport, parsed.payload_len), (443, 10));
    }

    #[test]
    fn what_is_captured_is_read() {
        let bytes = packet(|_| {}, &[]);
        let ports = parse_ip(&bytes[..24], bytes.len() as u32);
        assert!(ports.has_ports() && !ports.has_tcp_flags() && ports.is_cut());
        let flags = parse_ip(&bytes[..34], bytes.len() as u32);
        assert!(flags.has_tcp_flags() && flags.error.is_none());
    }
}
