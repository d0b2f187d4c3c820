//! IEEE 802.2 LLC and its SNAP extension (RFC 1042): what an 802.3 frame carries.
//!
//! A step after `ethernet` or `vlan` when the type field is a length. Always holds: LLC is never
//! malformed; what is not IP or ARP behind SNAP is control traffic of the link and passes.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::walk::{Step, Walk};
use crate::{Class, ethernet};

/// LLC header in unnumbered format with the SNAP fields behind it: 8 bytes.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Snap {
    /// Destination and source service access point, control: `aa aa 03` for SNAP.
    pub llc: [u8; 3],
    /// Organisation; zero when `protocol` is an EtherType.
    pub oui: [u8; 3],
    /// Protocol of that organisation.
    pub protocol: U16,
}

const SNAP_ETHER_TYPE: ([u8; 3], [u8; 3]) = ([0xaa, 0xaa, 0x03], [0; 3]);
const SAP_STP: [u8; 2] = [0x42, 0x42];

impl Walk<'_> {
    /// The LLC frame of `len` bytes (802.3 length field) at `at`.
    pub(crate) fn llc(&mut self, len: usize, at: usize) -> Step {
        self.narrow(at, len);
        self.found.class = self.llc_class(at);
        match self.header::<Snap>(at, Reason::ShortEthernet) {
            Ok(snap) if (snap.llc, snap.oui) == SNAP_ETHER_TYPE => {
                self.snap(snap.protocol.get(), at + size_of::<Snap>())
            }
            _ => Ok(()),
        }
    }

    /// Only IP and ARP are followed; what else SNAP carries keeps the class of LLC.
    fn snap(&mut self, protocol: u16, at: usize) -> Step {
        match protocol {
            ethernet::IPV4 | ethernet::IPV6 | ethernet::ARP => {
                self.found.class = Class::Ordinary;
                self.network(protocol, at)
            }
            _ => Ok(()),
        }
    }

    fn llc_class(&self, at: usize) -> Class {
        match self.span(at, 2, Reason::ShortEthernet) {
            Ok(saps) if saps == SAP_STP => Class::Stp,
            _ => Class::Llc,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{L3, parse_ethernet};

    fn frame(len: u16, llc: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[12..14].copy_from_slice(&len.to_be_bytes());
        frame[14..14 + llc.len()].copy_from_slice(llc);
        frame
    }

    #[test]
    fn spanning_tree_and_the_rest() {
        for (llc, class) in [
            (&[0x42, 0x42, 0x03][..], Class::Stp),
            (&[0xfe, 0xfe, 0x03], Class::Llc),
            (&[0xff, 0xff], Class::Llc),
            (&[0xaa, 0xaa, 0x03, 0, 0, 0x0c, 0x01, 0x0b], Class::Llc),
        ] {
            let parsed = parse_ethernet(&frame(38, llc), 60);
            assert_eq!((parsed.class, parsed.error), (class, None));
        }
        assert_eq!(parse_ethernet(&frame(0, &[]), 60).class, Class::Llc);
    }

    #[test]
    fn ip_behind_snap_is_ip() {
        let mut llc = vec![0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];
        llc.extend([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 99, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        let parsed = parse_ethernet(&frame(28, &llc), 60);
        assert_eq!((parsed.l3, parsed.protocol, parsed.error), (L3::Ipv4, 99, None));
        assert_eq!(parsed.l3_off, 22);
    }
}
