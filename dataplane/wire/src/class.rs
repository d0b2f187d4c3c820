//! What keeps a network alive and therefore passes before any treatment, on its own counters and cap.
//!
//! Decided here from the packet alone, at the end of a walk; the engine adds what takes configuration
//! (protected prefixes, BGP neighbours). Always holds: a protocol whose RFC tells receivers to discard
//! packets that crossed a router (hop limit below 255) is only recognised with 255, so that nobody far away
//! can wear its coat.

use crate::{L3, L4, Parsed, ethernet, icmp, icmpv6};

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// The kind of control traffic a packet is, if any.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Class {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Class {
            /// Every class, in counter order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used in counters, API and CLI.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

classes! {
    /// No control traffic: to be judged.
    Ordinary = "ordinary",
    /// TCP port 179. Passes only between configured neighbours: the engine decides.
    Bgp = "bgp",
    /// Address resolution.
    Arp = "arp",
    /// Spanning tree (LLC).
    Stp = "stp",
    /// Link aggregation and the other slow protocols.
    Lacp = "lacp",
    /// Link layer discovery.
    Lldp = "lldp",
    /// 802.1X.
    Eapol = "eapol",
    /// Any other LLC frame.
    Llc = "llc",
    /// An EtherType the parser does not know.
    OtherEtherType = "other-ethertype",
    /// IPv6 neighbour discovery, router advertisements and redirects included.
    NeighbourDiscovery = "nd",
    /// IPv6 multicast listener discovery.
    Mld = "mld",
    /// IPv4 group management.
    Igmp = "igmp",
    /// OSPF, either version.
    Ospf = "ospf",
    /// Router redundancy.
    Vrrp = "vrrp",
    /// Bidirectional forwarding detection.
    Bfd = "bfd",
    /// DHCP and DHCPv6.
    Dhcp = "dhcp",
    /// ICMPv6 packet too big, ICMP fragmentation needed.
    PacketTooBig = "packet-too-big",
}

const IGMP: u8 = 2;
const OSPF: u8 = 89;
const VRRP: u8 = 112;
const BGP_PORT: u16 = 179;
/// A packet with this time to live was sent on this link (RFC 5082).
const TTL_ON_LINK: u8 = 255;

impl Class {
    /// How many classes there are: the length of a counter array.
    pub const COUNT: usize = Self::ALL.len();

    /// The position in counter arrays.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether the packet passes before any treatment, whatever is configured.
    pub const fn always_forwards(self) -> bool {
        !matches!(self, Self::Ordinary | Self::Bgp)
    }

    pub(crate) const fn of_ether_type(ether_type: u16) -> Self {
        match ether_type {
            ethernet::SLOW => Self::Lacp,
            ethernet::LLDP => Self::Lldp,
            ethernet::EAPOL => Self::Eapol,
            _ => Self::OtherEtherType,
        }
    }

    /// The class of a sound packet: what the link layer found, or what the IP headers say.
    pub(crate) fn refine(found: &Parsed) -> Self {
        if !found.has_addresses() {
            return found.class;
        }
        match (found.l4, found.protocol) {
            (L4::Tcp, _) => Self::of_tcp(found),
            (L4::Udp, _) => Self::of_udp(found),
            (L4::Icmp | L4::Icmpv6, _) => Self::of_icmp(found),
            (_, IGMP) if found.l3 == L3::Ipv4 => Self::Igmp,
            (_, OSPF) => Self::Ospf,
            (_, VRRP) if found.ttl == TTL_ON_LINK => Self::Vrrp,
            _ => Self::Ordinary,
        }
    }

    const fn of_tcp(found: &Parsed) -> Self {
        if found.sport == BGP_PORT || found.dport == BGP_PORT { Self::Bgp } else { Self::Ordinary }
    }

    const fn of_udp(found: &Parsed) -> Self {
        match (found.l3, found.sport, found.dport) {
            (L3::Ipv4, 67 | 68, 67 | 68) | (L3::Ipv6, 546 | 547, 546 | 547) => Self::Dhcp,
            // RFC 5881 (single hop), RFC 7130 (link aggregation).
            (_, _, 3784 | 3785 | 6784) if found.ttl == TTL_ON_LINK => Self::Bfd,
            // RFC 5883 (multihop), RFC 7880 (seamless).
            (_, _, 4784 | 7784) => Self::Bfd,
            _ => Self::Ordinary,
        }
    }

    fn of_icmp(found: &Parsed) -> Self {
        let kind = found.icmp_type;
        match found.l4 {
            _ if !found.has_icmp() => Self::Ordinary,
            L4::Icmp if (kind, found.icmp_code) == (icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED) => {
                Self::PacketTooBig
            }
            L4::Icmpv6 if kind == icmpv6::PACKET_TOO_BIG => Self::PacketTooBig,
            L4::Icmpv6 if icmpv6::is_neighbour_discovery(kind) && found.ttl == TTL_ON_LINK => {
                Self::NeighbourDiscovery
            }
            // RFC 2710, 3: sent with hop limit 1.
            L4::Icmpv6 if icmpv6::is_listener_discovery(kind) && found.ttl == 1 => Self::Mld,
            _ => Self::Ordinary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_indices_dense() {
        for (i, class) in Class::ALL.iter().enumerate() {
            assert_eq!(class.index(), i);
            assert!(Class::ALL[..i].iter().all(|c| c.name() != class.name()));
        }
        assert!(!Class::Bgp.always_forwards() && Class::Arp.always_forwards());
    }
}
