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

/// Bytes that the memory of a packet has room for.
const ROOM: usize = 2_048;

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
    fn prepend(&mut self, header: &[u8]) -> bool {
        if self.segments > 1 {
            return false;
        }
        self.bytes.extend_from_slice(header);
        self.bytes.rotate_right(header.len());
        self.wire_len += header.len() as u32;
        true
    }
    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        (self.segments == 1).then_some(&mut self.bytes)
    }
    fn resize(&mut self, len: u32) -> bool {
        let fits = self.segments == 1 && len as usize <= ROOM;
        if fits {
            self.bytes.resize(len as usize, 0);
            self.wire_len = len;
        }
        fits
    }
}

impl Frame {
    /// Becomes a copy of the first `bytes_max` bytes of another packet, as scattered as that one, in the memory
    /// that it has.
    pub fn copy_prefix(&mut self, packet: &Frame, bytes_max: u32) {
        let prefix = &packet.bytes[..packet.bytes.len().min(bytes_max as usize)];
        self.bytes.clear();
        self.bytes.extend_from_slice(prefix);
        self.wire_len = prefix.len() as u32;
        (self.link, self.segments) = (packet.link, packet.segments);
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
const ICMPV6: u8 = 58;
/// The extension header of fragments.
const FRAGMENT: u8 = 44;
/// Where a later fragment begins, in units of 8 bytes.
const FRAGMENT_OFFSET: u16 = 185;

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

    /// An Ethernet frame around a bare IPv6 packet.
    pub fn framed(self) -> Self {
        let bytes = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd], &self.bytes[..]].concat();
        Self::raw(Link::Ethernet, bytes)
    }

    /// The same TCP segment over IPv4 with these sequence and acknowledgement numbers.
    pub fn numbered(mut self, seq: u32, ack: u32) -> Self {
        self.bytes[38..42].copy_from_slice(&seq.to_be_bytes());
        self.bytes[42..46].copy_from_slice(&ack.to_be_bytes());
        self
    }

    /// The same TCP segment over IPv4 with these options (whole words of them) and this window.
    pub fn with_options(mut self, options: &[u8], window: u16) -> Self {
        let more = options.len() as u16;
        let total = u16::from_be_bytes([self.bytes[16], self.bytes[17]]) + more;
        self.bytes[16..18].copy_from_slice(&total.to_be_bytes());
        self.bytes[46] += (more as u8 / 4) << 4;
        self.bytes[48..50].copy_from_slice(&window.to_be_bytes());
        self.bytes.splice(54..54, options.iter().copied());
        self.wire_len += u32::from(more);
        self
    }

    /// The same Ethernet frame in a VLAN.
    pub fn tagged(mut self, vlan: u16) -> Self {
        let [high, low] = vlan.to_be_bytes();
        self.bytes.splice(12..12, [0x81, 0, high, low]);
        self.wire_len += 4;
        self
    }

    /// The IPv4 packet inside, for ICMP errors to quote.
    fn packet(&self) -> &[u8] {
        &self.bytes[14..]
    }
}

/// A TCP segment with `data` bytes of payload. Everybody begins at 1, so that an ACK acknowledges a SYN-ACK.
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
    let ack = if flags & ACK != 0 { 2 } else { 0 };
    segment.extend([0, 0, 0, 1, 0, 0, 0, ack, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.resize(20 + data, 0x61);
    segment
}

/// A UDP datagram with `data` bytes of payload.
pub fn udp(src: (Ip, u16), dst: (Ip, u16), data: usize) -> Frame {
    Frame::ipv4(src.0, dst.0, UDP, &datagram(src.1, dst.1, data))
}

/// A UDP datagram that carries these bytes.
pub fn udp_of(src: (Ip, u16), dst: (Ip, u16), payload: &[u8]) -> Frame {
    let mut datagram = datagram(src.1, dst.1, payload.len());
    datagram[8..].copy_from_slice(payload);
    Frame::ipv4(src.0, dst.0, UDP, &datagram)
}

/// A TCP segment that carries these bytes.
pub fn tcp_of(src: (Ip, u16), dst: (Ip, u16), flags: u8, payload: &[u8]) -> Frame {
    let mut segment = segment(src.1, dst.1, flags, payload.len());
    segment[20..].copy_from_slice(payload);
    Frame::ipv4(src.0, dst.0, TCP, &segment)
}

/// A UDP datagram over IPv6.
pub fn udp6(src: (u128, u16), dst: (u128, u16), data: usize) -> Frame {
    Frame::ipv6(src.0, dst.0, UDP, &datagram(src.1, dst.1, data))
}

fn datagram(sport: u16, dport: u16, data: usize) -> Vec<u8> {
    let mut datagram = Vec::with_capacity(8 + data);
    datagram.extend(sport.to_be_bytes());
    datagram.extend(dport.to_be_bytes());
    datagram.extend((8 + data as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.resize(8 + data, 0x62);
    datagram
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

/// The same over IPv6, about a bare packet.
pub fn unreachable6(src: u128, dst: u128, about: &Frame) -> Frame {
    let mut error = vec![1, 4, 0, 0, 0, 0, 0, 0];
    error.extend(&about.bytes[..48]);
    Frame::ipv6(src, dst, ICMPV6, &error)
}

/// The end of a datagram of which the rest came before.
pub fn fragment(src: Ip, dst: Ip) -> Frame {
    let mut frame = Frame::ipv4(src, dst, UDP, &[0x63; 26]);
    frame.bytes[20..22].copy_from_slice(&FRAGMENT_OFFSET.to_be_bytes());
    frame
}

/// The same over IPv6.
pub fn fragment6(src: u128, dst: u128) -> Frame {
    let [high, low] = (FRAGMENT_OFFSET << 3).to_be_bytes();
    let header = [UDP, 0, high, low, 0, 0, 0, 1];
    Frame::ipv6(src, dst, FRAGMENT, &[&header[..], &[0x63; 26]].concat())
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
