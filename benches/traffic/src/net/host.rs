//! One machine's IP identity: turns transport segments into frames.
//!
//! What always holds: total length, header and transport checksums are right, the frame has at least 60 octets
//! (what a NIC delivers after stripping the FCS), and two IPv4 packets of one host differ in their identification
//! until it wraps.

use std::net::IpAddr;

use super::{checksum, protocol};
use crate::event::Side;

/// Smallest Ethernet frame without its FCS (IEEE 802.3).
const FRAME_MIN: usize = 60;
/// Of the routers at both ends of the protected wire (locally administered).
const MAC_OUTSIDE: [u8; 6] = [0x02, 0x00, 0x5e, 0x00, 0x00, 0x01];
const MAC_INSIDE: [u8; 6] = [0x02, 0x00, 0x5e, 0x00, 0x00, 0x02];

/// A finished frame with the addresses of its IP header.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Where it enters.
    pub side: Side,
    /// IP source.
    pub src: IpAddr,
    /// IP destination.
    pub dst: IpAddr,
    /// The whole frame.
    pub frame: Vec<u8>,
}

/// A machine that sends.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its address.
    pub address: IpAddr,
    /// The side it sits on.
    pub side: Side,
    /// TTL or hop limit of its packets when they pass the wire.
    pub ttl: u8,
    /// The next IPv4 identification; for IPv6 it seeds the flow label.
    pub id: u16,
}

impl Host {
    /// The frame that carries this transport segment to `dst`, which is of the host's own address family.
    /// The checksum field of the segment is filled in here for TCP, UDP and both ICMPs.
    pub fn send(&mut self, dst: IpAddr, protocol: u8, mut segment: Vec<u8>) -> Packet {
        fill_checksum(self.address, dst, protocol, &mut segment);
        let mut frame = Vec::with_capacity((54 + segment.len()).max(FRAME_MIN));
        self.ethernet(&mut frame);
        match (self.address, dst) {
            (IpAddr::V6(src), IpAddr::V6(dst)) => self.ipv6(&mut frame, [src, dst], protocol, segment.len()),
            (src, dst) => self.ipv4(&mut frame, [octets4(src), octets4(dst)], protocol, segment.len()),
        }
        frame.extend_from_slice(&segment);
        if frame.len() < FRAME_MIN {
            frame.resize(FRAME_MIN, 0);
        }
        Packet { side: self.side, src: self.address, dst, frame }
    }

    /// The protocol number of ICMP in this host's family.
    pub fn icmp(&self) -> u8 {
        if self.address.is_ipv6() { protocol::ICMPV6 } else { protocol::ICMP }
    }

    fn ethernet(&self, frame: &mut Vec<u8>) {
        let (to, from) = match self.side {
            Side::Outside => (MAC_INSIDE, MAC_OUTSIDE),
            Side::Inside => (MAC_OUTSIDE, MAC_INSIDE),
        };
        frame.extend_from_slice(&to);
        frame.extend_from_slice(&from);
        frame.extend_from_slice(if self.address.is_ipv6() { &[0x86, 0xdd] } else { &[0x08, 0x00] });
    }

    fn ipv4(&mut self, frame: &mut Vec<u8>, [src, dst]: [[u8; 4]; 2], protocol: u8, payload: usize) {
        let start = frame.len();
        frame.extend_from_slice(&[0x45, 0]);
        frame.extend_from_slice(&((20 + payload) as u16).to_be_bytes());
        frame.extend_from_slice(&self.id.to_be_bytes());
        // Don't Fragment: path MTU discovery is on everywhere.
        frame.extend_from_slice(&[0x40, 0, self.ttl, protocol, 0, 0]);
        frame.extend_from_slice(&src);
        frame.extend_from_slice(&dst);
        let sum = checksum::plain(&frame[start..]);
        frame[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());
        self.id = self.id.wrapping_add(1);
    }

    fn ipv6(&self, frame: &mut Vec<u8>, ends: [std::net::Ipv6Addr; 2], protocol: u8, payload: usize) {
        let flow_label = u32::from(self.id).wrapping_mul(0x9e37) & 0xf_ffff;
        frame.extend_from_slice(&(0x6000_0000 | flow_label).to_be_bytes());
        frame.extend_from_slice(&(payload as u16).to_be_bytes());
        frame.extend_from_slice(&[protocol, self.ttl]);
        for end in ends {
            frame.extend_from_slice(&end.octets());
        }
    }
}

fn octets4(address: IpAddr) -> [u8; 4] {
    match address {
        IpAddr::V4(v4) => v4.octets(),
        // A mixed pair is a programming error of a component; the mapped form keeps the frame well-formed.
        IpAddr::V6(v6) => v6.to_ipv4().map_or([0; 4], |v4| v4.octets()),
    }
}

fn fill_checksum(src: IpAddr, dst: IpAddr, protocol: u8, segment: &mut [u8]) {
    let at = match protocol {
        protocol::TCP => 16,
        protocol::UDP => 6,
        _ => 2,
    };
    segment[at..at + 2].fill(0);
    let sum = match protocol {
        protocol::ICMP => checksum::plain(segment),
        _ => checksum::transport(src, dst, protocol, segment),
    };
    // RFC 768: a computed zero is sent as all ones, zero would mean "no checksum".
    let sum = if protocol == protocol::UDP && sum == 0 { 0xffff } else { sum };
    segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}
