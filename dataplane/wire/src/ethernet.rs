//! Ethernet II and IEEE 802.3 frames (IEEE 802.3-2022, 3.1.1), and what an EtherType leads to.
//!
//! First step of every walk that starts at a frame; `vlan` and `llc` come back to `Walk::ether_type`.
//! Always holds: a frame this file cannot follow is classed, never refused.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::walk::{Step, Walk};
use crate::{Class, L3, vlan};

/// The 14 bytes of an Ethernet header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Destination MAC address.
    pub dst: [u8; 6],
    /// Source MAC address.
    pub src: [u8; 6],
    /// EtherType, or length when at most [`LENGTH_MAX`].
    pub ether_type: U16,
}

/// The highest value of the type field that is a length of an 802.3 frame, in bytes.
pub const LENGTH_MAX: u16 = 1500;

/// IPv4.
pub const IPV4: u16 = 0x0800;
/// ARP.
pub const ARP: u16 = 0x0806;
/// IPv6.
pub const IPV6: u16 = 0x86dd;
/// Slow protocols: LACP, OAM (IEEE 802.3 annex 57A).
pub const SLOW: u16 = 0x8809;
/// 802.1X authentication.
pub const EAPOL: u16 = 0x888e;
/// LLDP (IEEE 802.1AB).
pub const LLDP: u16 = 0x88cc;

/// Whose address a frame is for and whose it is from; zeros where there is no header.
pub fn addresses(frame: &[u8]) -> ([u8; 6], [u8; 6]) {
    Header::ref_from_prefix(frame).map_or_else(|_| Default::default(), |(header, _)| (header.dst, header.src))
}

/// Whether an Ethernet address is that of a group (IEEE 802.3, 3.2.3): multicast or broadcast.
pub const fn is_group(address: [u8; 6]) -> bool {
    address[0] & 1 != 0
}

/// Sends a frame back to where it came from.
pub(crate) fn turn_round(frame: &mut [u8]) {
    if let Ok((header, _)) = Header::mut_from_prefix(frame) {
        std::mem::swap(&mut header.src, &mut header.dst);
    }
}

impl Walk<'_> {
    pub(crate) fn ethernet(&mut self, at: usize) -> Step {
        let header: &Header = self.header(at, Reason::ShortEthernet)?;
        self.ether_type(header.ether_type.get(), at + size_of::<Header>())
    }

    /// Follows an EtherType (or 802.3 length) to what starts at `at`.
    pub(crate) fn ether_type(&mut self, ether_type: u16, at: usize) -> Step {
        if ether_type <= LENGTH_MAX {
            self.llc(usize::from(ether_type), at)
        } else if vlan::is_tpid(ether_type) {
            self.vlan(at)
        } else {
            self.network(ether_type, at)
        }
    }

    /// Follows an EtherType that is neither a length nor a VLAN tag.
    pub(crate) fn network(&mut self, ether_type: u16, at: usize) -> Step {
        // Bounded by VLAN_DEPTH_MAX tags and one SNAP header.
        self.found.l3_off = u8::try_from(at).unwrap_or(u8::MAX);
        match ether_type {
            IPV4 => self.ipv4(at),
            IPV6 => self.ipv6(at),
            ARP => self.arp(at),
            other => {
                self.found.l3 = L3::Other;
                self.found.class = Class::of_ether_type(other);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_ethernet;

    fn frame(ether_type: u16, len: usize) -> Vec<u8> {
        let mut frame = vec![0; len];
        frame[12..14].copy_from_slice(&ether_type.to_be_bytes());
        frame
    }

    #[test]
    fn unknown_ether_types_are_classed_not_refused() {
        for (ether_type, class) in [
            (SLOW, Class::Lacp),
            (LLDP, Class::Lldp),
            (EAPOL, Class::Eapol),
            (0x8847, Class::OtherEtherType),
            (1535, Class::OtherEtherType),
        ] {
            let parsed = parse_ethernet(&frame(ether_type, 60), 60);
            assert_eq!((parsed.class, parsed.error), (class, None), "{ether_type:#06x}");
            assert_eq!(parsed.l3, L3::Other);
        }
    }

    #[test]
    fn a_runt_is_short() {
        let parsed = parse_ethernet(&[0; 13], 13);
        assert_eq!(parsed.error, Some(Reason::ShortEthernet));
        assert_eq!(parse_ethernet(&[0; 13], 60).error, None);
    }
}
