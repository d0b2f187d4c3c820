//! A decoder of frames for tests, written apart from the encoder: it verifies lengths and checksums as a receiver
//! does (the sum over everything, checksum included, is all ones) and panics where they are wrong.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a receiver reads from a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub src: IpAddr,
    pub dst: IpAddr,
    pub protocol: u8,
    pub sport: u16,
    pub dport: u16,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub payload: Vec<u8>,
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Ones' complement addition with the carry brought round at every step.
fn ones_sum(parts: &[&[u8]]) -> u16 {
    let mut total: u16 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            let next = u16::from(pair[0]) << 8 | u16::from(*pair.get(1).unwrap_or(&0));
            let (sum, carry) = total.overflowing_add(next);
            total = sum + u16::from(carry);
        }
    }
    total
}

/// Reads a frame and checks everything that a receiver would.
pub fn decode(frame: &[u8]) -> Decoded {
    assert!((60..=1514).contains(&frame.len()), "frame of {} octets", frame.len());
    let (src, dst, protocol, pseudo, segment) = match word(frame, 12) {
        0x0800 => ipv4(&frame[14..]),
        0x86dd => ipv6(&frame[14..]),
        other => panic!("ethertype {other:04x}"),
    };
    let pseudo: &[u8] = if protocol == 1 { &[] } else { &pseudo };
    assert_eq!(ones_sum(&[pseudo, segment]), 0xffff, "checksum of protocol {protocol}");
    let mut decoded = Decoded {
        src,
        dst,
        protocol,
        sport: word(segment, 0),
        dport: word(segment, 2),
        seq: 0,
        ack: 0,
        flags: 0,
        payload: vec![],
    };
    match protocol {
        6 => {
            let header = usize::from(segment[12] >> 4) * 4;
            (decoded.seq, decoded.ack, decoded.flags) = (long(segment, 4), long(segment, 8), segment[13]);
            decoded.payload = segment[header..].to_vec();
        }
        17 => {
            assert_eq!(usize::from(word(segment, 4)), segment.len(), "UDP length");
            assert_ne!(word(segment, 6), 0, "UDP checksum left out");
            decoded.payload = segment[8..].to_vec();
        }
        // Type and code stand where ports would.
        1 | 58 => decoded.payload = segment[4..].to_vec(),
        other => panic!("protocol {other}"),
    }
    decoded
}

fn ipv4(packet: &[u8]) -> (IpAddr, IpAddr, u8, Vec<u8>, &[u8]) {
    assert_eq!(packet[0], 0x45);
    assert_eq!(ones_sum(&[&packet[..20]]), 0xffff, "IPv4 header checksum");
    let segment = &packet[20..usize::from(word(packet, 2))];
    let address = |at: usize| IpAddr::V4(Ipv4Addr::from(long(packet, at)));
    let pseudo = [&packet[12..20], &[0, packet[9]], &(segment.len() as u16).to_be_bytes()].concat();
    (address(12), address(16), packet[9], pseudo, segment)
}

fn ipv6(packet: &[u8]) -> (IpAddr, IpAddr, u8, Vec<u8>, &[u8]) {
    assert_eq!(packet[0] >> 4, 6);
    let segment = &packet[40..40 + usize::from(word(packet, 4))];
    let address = |at: usize| {
        let octets: [u8; 16] = packet[at..at + 16].try_into().unwrap();
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    let pseudo = [&packet[8..40], &(segment.len() as u32).to_be_bytes()[..], &[0, 0, 0, packet[6]]].concat();
    (address(8), address(24), packet[6], pseudo, segment)
}
