//! VLAN tags: IEEE 802.1Q, 802.1ad (QinQ) and the older vendor TPIDs.
//!
//! A step between `ethernet` and the network layer. Always holds: at most [`DEPTH_MAX`] tags are
//! followed, and the outermost identifier is the packet's domain.

use repute_model::Reason;
use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::walk::{Step, Stop, Walk};

/// The 4 bytes behind a tag protocol identifier.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Tag {
    /// Priority (3 bits), drop eligible (1 bit), VLAN identifier (12 bits).
    pub control: U16,
    /// EtherType of what follows.
    pub ether_type: U16,
}

impl Tag {
    /// The VLAN identifier, 0..=4095.
    pub fn id(&self) -> u16 {
        self.control.get() & 0x0fff
    }
}

/// How many tags are followed: two are standard, three and four occur between providers.
pub const DEPTH_MAX: u8 = 4;

/// Whether an EtherType announces a VLAN tag: 802.1Q, 802.1ad, and 0x9100/0x9200 of older QinQ gear.
pub const fn is_tpid(ether_type: u16) -> bool {
    matches!(ether_type, 0x8100 | 0x88a8 | 0x9100 | 0x9200)
}

impl Walk<'_> {
    pub(crate) fn vlan(&mut self, at: usize) -> Step {
        let tag: &Tag = self.header(at, Reason::ShortEthernet)?;
        if self.found.vlan_depth == DEPTH_MAX {
            return Err(Stop::Malformed(Reason::VlanDepth));
        }
        if self.found.vlan_depth == 0 {
            self.found.vlan_id = tag.id();
        }
        self.found.vlan_depth += 1;
        self.ether_type(tag.ether_type.get(), at + size_of::<Tag>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, parse_ethernet};

    /// A frame with `ids` as tags, 0x88a8 all, around LLDP.
    fn tagged(ids: &[u16]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        for id in ids {
            frame.extend([0x88, 0xa8]);
            frame.extend((0xe000 | id).to_be_bytes());
        }
        frame.extend([0x88, 0xcc]);
        frame.resize(64, 0);
        frame
    }

    #[test]
    fn the_outermost_tag_is_the_domain() {
        let parsed = parse_ethernet(&tagged(&[100, 7]), 64);
        assert_eq!((parsed.vlan_depth, parsed.vlan_id), (2, 100));
        assert_eq!((parsed.l3_off, parsed.class), (22, Class::Lldp));
    }

    #[test]
    fn the_depth_is_bounded() {
        assert_eq!(parse_ethernet(&tagged(&[1; 4]), 64).error, None);
        let parsed = parse_ethernet(&tagged(&[1; 5]), 64);
        assert_eq!(parsed.error, Some(Reason::VlanDepth));
        assert_eq!(parsed.vlan_depth, DEPTH_MAX);
    }
}
