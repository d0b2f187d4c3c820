//! VXLAN (RFC 7348): what carries an Ethernet frame through an IP network to another box.
//!
//! Called by the engine's mirror, which puts [`Tunnel::headers`] before its copies; nothing here reads VXLAN. Always
//! holds: lengths and checksums are right for exactly the frame that was given, VLAN tags and all.
//!
//! Over IPv4 the UDP checksum is 0, as RFC 7348, 5 wants it. Over IPv6 it is computed: RFC 6935 allows 0 where the
//! frame inside protects itself, which a truncated copy cannot, and most receivers refuse 0 until they are told
//! otherwise (RFC 6936, 4).

use std::net::{Ipv4Addr, Ipv6Addr};

use zerocopy::byteorder::network_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::checksum::Sum;
use crate::{ethernet, ipv4, ipv6, udp};

/// The UDP port of VXLAN (IANA).
pub const PORT: u16 = 4789;

/// The 8 bytes of a VXLAN header.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Header {
    /// Flags (8 bits, of which 0x08 says that the identifier is valid), reserved (24 bits).
    pub flags: U32,
    /// VXLAN network identifier (24 bits), reserved (8 bits).
    pub vni: U32,
}

const VNI_IS_VALID: u32 = 0x08 << 24;
/// The least of the 2^14 source ports that flows are spread over.
const SPORT_MIN: u16 = 0xc000;

/// A VXLAN network identifier: 24 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vni(u32);

impl Vni {
    /// The identifier of this number, at most 16 777 215.
    pub const fn new(number: u32) -> Option<Self> {
        if number >> 24 == 0 { Some(Self(number)) } else { None }
    }
}

/// Between which addresses a tunnel runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// IPv4.
    V4 {
        /// This box.
        src: Ipv4Addr,
        /// Who takes the frames.
        dst: Ipv4Addr,
    },
    /// IPv6.
    V6 {
        /// This box.
        src: Ipv6Addr,
        /// Who takes the frames.
        dst: Ipv6Addr,
    },
}

/// A tunnel to another box.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tunnel {
    /// MAC address of this box's port.
    pub src_mac: [u8; 6],
    /// MAC address of the other end, or of the router on the way to it.
    pub dst_mac: [u8; 6],
    /// Both addresses.
    pub ends: Ends,
    /// UDP port of the other end: [`PORT`] for most.
    pub port: u16,
    /// Which network the frames belong to.
    pub vni: Vni,
}

/// Outer headers, from Ethernet to VXLAN.
#[derive(Clone, Copy, Debug)]
pub struct Headers(Outer);

#[derive(Clone, Copy, Debug)]
enum Outer {
    V4(Over<ipv4::Header>),
    V6(Over<ipv6::Header>),
}

/// The headers over one network layer.
#[derive(IntoBytes, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
struct Over<Network> {
    ethernet: ethernet::Header,
    network: Network,
    inner: Inner,
}

/// What follows the network layer.
#[derive(IntoBytes, Immutable, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
struct Inner {
    udp: udp::Header,
    vxlan: Header,
}

impl Headers {
    /// What goes before the frame.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Outer::V4(headers) => headers.as_bytes(),
            Outer::V6(headers) => headers.as_bytes(),
        }
    }
}

impl Tunnel {
    /// Bytes that the tunnel puts before a frame: 50 over IPv4, 70 over IPv6.
    pub const fn overhead(&self) -> u32 {
        match self.ends {
            Ends::V4 { .. } => size_of::<Over<ipv4::Header>>() as u32,
            Ends::V6 { .. } => size_of::<Over<ipv6::Header>>() as u32,
        }
    }

    /// The headers that go before `frame`, a whole Ethernet frame as it is to be sent. `None` where it is too long
    /// for an IP packet. The upper bits of `flow`, a hash of the frame's flow, choose the UDP source port among
    /// 49152..=65535 (RFC 7348, 5), by which networks and receivers spread what arrives.
    pub fn headers(&self, frame: &[u8], flow: u64) -> Option<Headers> {
        let len = u16::try_from(size_of::<Inner>() + frame.len()).ok()?;
        let inner = Inner {
            udp: udp::Header {
                sport: (SPORT_MIN | (flow >> 50) as u16).into(),
                dport: self.port.into(),
                len: len.into(),
                checksum: 0.into(),
            },
            vxlan: Header { flags: VNI_IS_VALID.into(), vni: (self.vni.0 << 8).into() },
        };
        Some(Headers(match self.ends {
            Ends::V4 { src, dst } => {
                let network = network4(src, dst, len)?;
                Outer::V4(Over { ethernet: self.ethernet(ethernet::IPV4), network, inner })
            }
            Ends::V6 { src, dst } => {
                let network = network6(src, dst, len);
                let inner = summed(&network, inner, frame);
                Outer::V6(Over { ethernet: self.ethernet(ethernet::IPV6), network, inner })
            }
        }))
    }

    fn ethernet(&self, ether_type: u16) -> ethernet::Header {
        ethernet::Header { dst: self.dst_mac, src: self.src_mac, ether_type: ether_type.into() }
    }
}

/// Hops that a packet may take (the IANA's recommended default).
const HOPS: u8 = 64;
const DONT_FRAGMENT: u16 = 0x4000;

/// An IPv4 header that is never fragmented, which is why it needs no identification (RFC 6864, 4.1).
fn network4(src: Ipv4Addr, dst: Ipv4Addr, payload_len: u16) -> Option<ipv4::Header> {
    let total = payload_len.checked_add(size_of::<ipv4::Header>() as u16)?;
    let mut header = ipv4::Header {
        version_ihl: 0x45,
        tos: 0,
        total_len: total.into(),
        id: 0.into(),
        fragment: DONT_FRAGMENT.into(),
        ttl: HOPS,
        protocol: udp::PROTOCOL,
        checksum: 0.into(),
        src: src.to_bits().into(),
        dst: dst.to_bits().into(),
    };
    header.checksum = Sum::default().with(header.as_bytes()).checksum().into();
    Some(header)
}

fn network6(src: Ipv6Addr, dst: Ipv6Addr, payload_len: u16) -> ipv6::Header {
    ipv6::Header {
        version_class_flow: (6 << 28).into(),
        payload_len: payload_len.into(),
        next_header: udp::PROTOCOL,
        hop_limit: HOPS,
        src: src.to_bits().into(),
        dst: dst.to_bits().into(),
    }
}

/// With the UDP checksum over the pseudo header and everything behind it (RFC 8200, 8.1).
fn summed(network: &ipv6::Header, mut inner: Inner, frame: &[u8]) -> Inner {
    let sum = Sum::default()
        .with(network.src.as_bytes())
        .with(network.dst.as_bytes())
        .with(network.payload_len.as_bytes())
        .with(&[0, network.next_header])
        .with(inner.as_bytes())
        .with(frame);
    let checksum = match sum.checksum() {
        0 => u16::MAX,
        other => other,
    };
    inner.udp.checksum = checksum.into();
    inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{L4, parse_ethernet};

    const V4: Ends = Ends::V4 { src: Ipv4Addr::new(192, 0, 2, 1), dst: Ipv4Addr::new(198, 51, 100, 9) };
    const V6: Ends = Ends::V6 {
        src: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
        dst: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9),
    };
    /// Leads to source port 51234.
    const FLOW: u64 = (51_234 - 49_152) << 50 | 7;

    fn tunnel(ends: Ends) -> Tunnel {
        let [src_mac, dst_mac] = [1, 2].map(|last| [2, 0, 0, 0, 0, last]);
        Tunnel { src_mac, dst_mac, ends, port: PORT, vni: Vni::new(0x12_3456).unwrap() }
    }

    /// An Ethernet frame of an odd length, cut in its IPv4 header.
    const FRAME: [u8; 17] = [2, 0, 0, 0, 0, 0xbb, 2, 0, 0, 0, 0, 0xaa, 8, 0, 0x45, 0, 1];

    fn hex(tunnel: Tunnel) -> String {
        let headers = tunnel.headers(&FRAME, FLOW).unwrap();
        assert_eq!(headers.as_bytes().len(), tunnel.overhead() as usize);
        headers.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn over_ipv4_to_the_byte() {
        let ethernet = "020000000002020000000001".to_owned() + "0800";
        let network = "450000350000400040114e7ac0000201c6336409";
        let inner = "c82212b500210000".to_owned() + "0800000012345600";
        assert_eq!(hex(tunnel(V4)), ethernet + network + &inner);
    }

    #[test]
    fn over_ipv6_to_the_byte() {
        let ethernet = "020000000002020000000001".to_owned() + "86dd";
        let network = "600000000021114020010db800000000000000000000000120010db8000000000000000000000009";
        let inner = "c82212b5002105bf".to_owned() + "0800000012345600";
        assert_eq!(hex(tunnel(V6)), ethernet + network + &inner);
    }

    #[test]
    fn what_sums_to_nothing_is_sent_as_all_ones() {
        let checksum = |frame: &[u8]| {
            let headers = tunnel(V6).headers(frame, FLOW).unwrap();
            <[u8; 2]>::try_from(&headers.as_bytes()[60..62]).unwrap()
        };
        let mut frame = [0; 64];
        let other = checksum(&frame);
        frame[62..].copy_from_slice(&other);
        assert_eq!(checksum(&frame), [0xff, 0xff]);
    }

    #[test]
    fn what_no_ip_packet_holds_is_refused() {
        for (ends, most) in [(V4, 65_535 - 20 - 16), (V6, 65_535 - 16)] {
            let frame = vec![0; most + 1];
            let whole =
                [tunnel(ends).headers(&frame[..most], FLOW).unwrap().as_bytes(), &frame[..most]].concat();
            let parsed = parse_ethernet(&whole, whole.len() as u32);
            assert_eq!((parsed.error, parsed.l4, parsed.payload_len), (None, L4::Udp, most as u32 + 8));
            assert!(tunnel(ends).headers(&frame, FLOW).is_none());
        }
    }

    #[test]
    fn identifiers_have_24_bits() {
        assert_eq!(Vni::new(0xff_ffff), Some(Vni(0xff_ffff)));
        assert_eq!(Vni::new(0x100_0000), None);
    }
}
