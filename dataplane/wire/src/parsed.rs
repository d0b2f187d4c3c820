//! What one walk over a packet's headers found.
//!
//! Written by the protocol files during the walk, read by the engine, `quoted` and `Columns`.
//! Always holds: flat, `Copy`, 64 bytes; a field whose presence test says no is zero.

use repute_model::{Address, Reason};

use crate::Class;

/// How the packet was handed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum L2 {
    /// An Ethernet frame.
    Ethernet,
    /// A bare IP packet (`LINKTYPE_RAW` and its kin).
    Raw,
}

/// The outermost network layer header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum L3 {
    /// IPv4 by EtherType, or by version nibble where there is no EtherType.
    Ipv4,
    /// IPv6, likewise.
    Ipv6,
    /// Address resolution.
    Arp,
    /// Anything else, or nothing readable.
    Other,
}

/// The transport behind the outermost IP header and its extension headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum L4 {
    /// TCP, at least by protocol number.
    Tcp,
    /// UDP, likewise.
    Udp,
    /// ICMP.
    Icmp,
    /// ICMPv6.
    Icmpv6,
    /// A fragment that is not the first: its transport header travelled in another packet.
    Fragment,
    /// Any other protocol; with an L3 that is not IP, none at all.
    Other,
}

/// The outermost headers of one packet, read once.
///
/// Offsets count bytes from the start of the slice that was parsed. Ports, flags and lengths are in
/// host order. Fields that do not apply are zero; where zero is also a value, a method tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parsed {
    /// Source address; IPv4 as `::ffff:a.b.c.d`. Zero unless [`has_addresses`](Self::has_addresses).
    pub src: Address,
    /// Destination address, likewise.
    pub dst: Address,
    /// Bytes of transport payload on the wire: from the length fields, not from the capture.
    pub payload_len: u32,
    /// IPv4 total length or IPv6 payload length as written; 0 also for segmentation offload.
    pub ip_len: u16,
    /// TCP or UDP source port.
    pub sport: u16,
    /// TCP or UDP destination port.
    pub dport: u16,
    /// The 12 bits after the TCP data offset: reserved, AE, CWR, ECE, URG, ACK, PSH, RST, SYN, FIN.
    pub tcp_flags: u16,
    /// Fragment offset in units of 8 bytes.
    pub frag_off: u16,
    /// VLAN identifier (0..=4095) of the outermost tag; 0 without a tag.
    pub vlan_id: u16,
    /// Where the transport header starts, 0 if it was not reached.
    pub l4_off: u16,
    /// Where the transport payload starts, 0 if it was not reached.
    pub payload_off: u16,
    /// Where the network header starts.
    pub l3_off: u8,
    /// How many VLAN tags were passed.
    pub vlan_depth: u8,
    /// IPv4 time to live or IPv6 hop limit.
    pub ttl: u8,
    /// IP protocol number of the transport (behind IPv6 extension headers).
    pub protocol: u8,
    /// ICMP or ICMPv6 type.
    pub icmp_type: u8,
    /// ICMP or ICMPv6 code.
    pub icmp_code: u8,
    /// What the packet was handed in as.
    pub l2: L2,
    /// Outermost network layer.
    pub l3: L3,
    /// Transport layer.
    pub l4: L4,
    /// Whether it belongs to what keeps a network alive. Never set on a malformed packet.
    pub class: Class,
    /// The first thing wrong with the packet's bytes, if any.
    pub error: Option<Reason>,
    pub(crate) known: Known,
}

/// Which fields hold a value that was read: a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Known(u8);

impl Known {
    pub(crate) const ADDRESSES: Self = Self(1);
    pub(crate) const PORTS: Self = Self(1 << 1);
    pub(crate) const TCP_FLAGS: Self = Self(1 << 2);
    pub(crate) const ICMP: Self = Self(1 << 3);
    pub(crate) const FRAGMENT: Self = Self(1 << 4);
    pub(crate) const MORE: Self = Self(1 << 5);
    pub(crate) const IP_LEN: Self = Self(1 << 6);
    pub(crate) const CUT: Self = Self(1 << 7);

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Parsed {
    /// What is known of no packet at all.
    pub const NOTHING: Self = Self::empty(L2::Ethernet);

    /// A packet nothing is known of yet.
    pub(crate) const fn empty(l2: L2) -> Self {
        Self {
            src: Address(0),
            dst: Address(0),
            payload_len: 0,
            ip_len: 0,
            sport: 0,
            dport: 0,
            tcp_flags: 0,
            frag_off: 0,
            vlan_id: 0,
            l4_off: 0,
            payload_off: 0,
            l3_off: 0,
            vlan_depth: 0,
            ttl: 0,
            protocol: 0,
            icmp_type: 0,
            icmp_code: 0,
            l2,
            l3: L3::Other,
            l4: L4::Other,
            class: Class::Ordinary,
            error: None,
            known: Known(0),
        }
    }

    /// Whether the outermost network layer is IP.
    pub const fn is_ip(&self) -> bool {
        matches!(self.l3, L3::Ipv4 | L3::Ipv6)
    }

    /// Whether `src`, `dst`, `ttl` and `protocol` were read.
    pub const fn has_addresses(&self) -> bool {
        self.known.has(Known::ADDRESSES)
    }

    /// Whether `sport` and `dport` were read.
    pub const fn has_ports(&self) -> bool {
        self.known.has(Known::PORTS)
    }

    /// Whether `tcp_flags` was read.
    pub const fn has_tcp_flags(&self) -> bool {
        self.known.has(Known::TCP_FLAGS)
    }

    /// Whether `icmp_type` and `icmp_code` were read.
    pub const fn has_icmp(&self) -> bool {
        self.known.has(Known::ICMP)
    }

    /// Whether there are fragment fields: always with IPv4, with IPv6 only behind a fragment header.
    pub const fn has_fragment(&self) -> bool {
        self.known.has(Known::FRAGMENT)
    }

    /// Whether `ip_len` was read.
    pub const fn has_ip_len(&self) -> bool {
        self.known.has(Known::IP_LEN)
    }

    /// The more-fragments bit.
    pub const fn frag_more(&self) -> bool {
        self.known.has(Known::MORE)
    }

    /// Whether the captured bytes ended before the headers did (not an error of the packet).
    pub const fn is_cut(&self) -> bool {
        self.known.has(Known::CUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cache_line() {
        assert_eq!(size_of::<Parsed>(), 64);
    }
}
