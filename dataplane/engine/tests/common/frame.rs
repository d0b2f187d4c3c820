//! Frames made by hand: right headers, no checksums (nobody here judges them).

use repute_model::Address;
use repute_model::{Link, Packet};

/// A packet that owns its bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    pub bytes: Vec<u8>,
    pub wire_len: u32,
    pub segments: u16,
    pub link: Link,
    /// Which one it is, for accounts of what became of it.
    pub id: u32,
}

impl Packet for Frame {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    fn wire_len(&self) -> u32 {
        self.wire_len
    }
    fn segments(&self) -> u16 {
        self.segments
    }
    fn link(&self) -> Link {
        self.link
    }
}

/// An IPv4 address.
pub type Ip = [u8; 4];

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;

/// The address as the product writes it.
pub fn address(ip: Ip) -> Address {
    Address::v4(u32::from_be_bytes(ip))
}

impl Frame {
    /// Bytes as they stand.
    pub fn raw(link: Link, bytes: Vec<u8>) -> Self {
        Self { wire_len: bytes.len() as u32, bytes, segments: 1, link, id: 0 }
    }

    /// Bytes from hexadecimal digits.
    pub fn hex(link: Link, digits: &str) -> Self {
        let byte = |i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap();
        Self::raw(link, (0..digits.len()).step_by(2).map(byte).collect())
    }

    /// The same packet as part of a longer one on the wire.
    pub fn longer(self, wire_len: u32) -> Self {
        Self { wire_len, ..self }
    }

    /// An Ethernet frame around an IPv4 packet.
    pub fn ipv4(src: Ip, dst: Ip, protocol: u8, payload: &[u8]) -> Self {
        let total = (20 + payload.len()) as u16;
        let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
        bytes.extend([0x45, 0]);
        bytes.extend(total.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
        bytes.extend(src);
        bytes.extend(dst);
        bytes.extend(payload);
        Self::raw(Link::Ethernet, bytes)
    }

    /// A bare IPv6 packet.
    pub fn ipv6(src: u128, dst: u128, next: u8, payload: &[u8]) -> Self {
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend((payload.len() as u16).to_be_bytes());
        bytes.extend([next, 64]);
        bytes.extend(src.to_be_bytes());
        bytes.extend(dst.to_be_bytes());
        bytes.extend(payload);
        Self::raw(Link::Ip, bytes)
    }

    /// The IPv4 packet inside, for ICMP errors to quote.
    fn packet(&self) -> &[u8] {
        &self.bytes[14..]
    }
}

/// A TCP segment with `data` bytes of payload.
pub fn tcp(src: (Ip, u16), dst: (Ip, u16), flags: u8, data: usize) -> Frame {
    Frame::ipv4(src.0, dst.0, TCP, &segment(src.1, dst.1, flags, data))
}

/// A TCP segment over IPv6.
pub fn tcp6(src: (u128, u16), dst: (u128, u16), flags: u8, data: usize) -> Frame {
    Frame::ipv6(src.0, dst.0, TCP, &segment(src.1, dst.1, flags, data))
}

fn segment(sport: u16, dport: u16, flags: u8, data: usize) -> Vec<u8> {
    let mut segment = Vec::with_capacity(20 + data);
    segment.extend(sport.to_be_bytes());
    segment.extend(dport.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.resize(20 + data, 0x61);
    segment
}

/// A UDP datagram with `data` bytes of payload.
pub fn udp(src: (Ip, u16), dst: (Ip, u16), data: usize) -> Frame {
    let mut datagram = Vec::with_capacity(8 + data);
    datagram.extend(src.1.to_be_bytes());
    datagram.extend(dst.1.to_be_bytes());
    datagram.extend((8 + data as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.resize(8 + data, 0x62);
    Frame::ipv4(src.0, dst.0, UDP, &datagram)
}

/// An ICMP echo request, or its reply.
pub fn echo(src: Ip, dst: Ip, reply: bool) -> Frame {
    let kind = if reply { 0 } else { 8 };
    Frame::ipv4(src, dst, ICMP, &[kind, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4])
}

/// ICMP port unreachable from `src` about a frame that `dst` sent.
pub fn unreachable(src: Ip, dst: Ip, about: &Frame) -> Frame {
    let mut error = vec![3, 3, 0, 0, 0, 0, 0, 0];
    error.extend(&about.packet()[..28]);
    Frame::ipv4(src, dst, ICMP, &error)
}

/// The two ends of a TCP or UDP conversation, and what each may send.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    pub client: (Ip, u16),
    pub server: (Ip, u16),
}

impl Talk {
    pub fn new(client: Ip, sport: u16, server: Ip, dport: u16) -> Self {
        Self { client: (client, sport), server: (server, dport) }
    }
    /// A segment of the client.
    pub fn asks(&self, flags: u8, data: usize) -> Frame {
        tcp(self.client, self.server, flags, data)
    }
    /// A segment of the server.
    pub fn answers(&self, flags: u8, data: usize) -> Frame {
        tcp(self.server, self.client, flags, data)
    }
    /// A datagram of the client.
    pub fn datagram(&self, data: usize) -> Frame {
        udp(self.client, self.server, data)
    }
    /// A datagram of the server.
    pub fn reply(&self, data: usize) -> Frame {
        udp(self.server, self.client, data)
    }

    /// A whole exchange, in order: handshake, request, answer, end. `true` = the client's.
    pub fn whole(&self, request: usize, answer: usize) -> Vec<(bool, Frame)> {
        vec![
            (true, self.asks(SYN, 0)),
            (false, self.answers(SYN | ACK, 0)),
            (true, self.asks(ACK, 0)),
            (true, self.asks(ACK | PSH, request)),
            (false, self.answers(ACK | PSH, answer)),
            (true, self.asks(ACK, 0)),
            (true, self.asks(FIN | ACK, 0)),
            (false, self.answers(FIN | ACK, 0)),
            (true, self.asks(ACK, 0)),
        ]
    }
}
