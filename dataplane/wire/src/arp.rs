//! Address resolution (RFC 826).
//!
//! A last step: ARP always passes, so only its length is checked here. Always holds: the addresses
//! in ARP are claims about the link, never a source's.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::walk::{Step, Walk};
use crate::{Class, L3};

/// The fixed 8 bytes of an ARP packet.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Hardware type: 1 for Ethernet.
    pub hardware: U16,
    /// EtherType of the resolved protocol.
    pub protocol: U16,
    /// Bytes of a hardware address.
    pub hardware_len: u8,
    /// Bytes of a protocol address.
    pub protocol_len: u8,
    /// Request (1), reply (2) and others.
    pub operation: U16,
}

impl Header {
    /// Bytes of the whole packet: the fixed part, and sender and target with two addresses each.
    pub fn packet_len(&self) -> usize {
        let pair = usize::from(self.hardware_len) + usize::from(self.protocol_len);
        size_of::<Self>() + 2 * pair
    }
}

impl Walk<'_> {
    pub(crate) fn arp(&mut self, at: usize) -> Step {
        self.found.l3 = L3::Arp;
        self.found.class = Class::Arp;
        let header: &Header = self.header(at, Reason::ShortArp)?;
        self.span(at, header.packet_len(), Reason::ShortArp)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_ethernet;

    #[test]
    fn the_addresses_must_fit() {
        let mut frame = vec![0; 14];
        frame[12..14].copy_from_slice(&[0x08, 0x06]);
        frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
        frame.resize(14 + 28, 0);
        let parsed = parse_ethernet(&frame, 42);
        assert_eq!((parsed.l3, parsed.class, parsed.error), (L3::Arp, Class::Arp, None));
        let parsed = parse_ethernet(&frame[..41], 41);
        assert_eq!((parsed.l3, parsed.class), (L3::Arp, Class::Ordinary));
        assert_eq!(parsed.error, Some(Reason::ShortArp));
    }
}
