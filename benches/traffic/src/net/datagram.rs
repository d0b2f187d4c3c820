//! UDP datagrams (RFC 768) and ICMP messages (RFC 792, RFC 4443), each with a zero checksum for the host to fill.

use super::{Host, Packet, protocol};

/// A UDP datagram.
pub fn udp(sport: u16, dport: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + payload.len());
    bytes.extend_from_slice(&sport.to_be_bytes());
    bytes.extend_from_slice(&dport.to_be_bytes());
    bytes.extend_from_slice(&((8 + payload.len()) as u16).to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

/// An echo request (or its reply) of the host's family.
pub fn echo(v6: bool, reply: bool, id: u16, seq: u16, payload: &[u8]) -> Vec<u8> {
    let kind = match (v6, reply) {
        (false, false) => 8,
        (false, true) => 0,
        (true, false) => 128,
        (true, true) => 129,
    };
    let mut bytes = vec![kind, 0, 0, 0];
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(&seq.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// What `host` sends when the offending packet reached a closed UDP port: destination unreachable, port
/// unreachable, quoting the offender's IP header and its first octets (RFC 1812 §4.3.2.3 allows up to 576).
pub fn port_unreachable(host: &mut Host, offender: &Packet) -> Packet {
    const ETHERNET: usize = 14;
    let v6 = host.address.is_ipv6();
    let quoted_max = if v6 { 40 + 64 } else { 20 + 64 };
    let ip = &offender.frame[ETHERNET..];
    let mut bytes = if v6 { vec![1, 4, 0, 0] } else { vec![3, 3, 0, 0] };
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&ip[..ip.len().min(quoted_max)]);
    host.send(offender.src, host.icmp(), bytes)
}

/// A UDP packet from one host to another.
pub fn send_udp(from: &mut Host, to: std::net::IpAddr, ports: [u16; 2], payload: &[u8]) -> Packet {
    from.send(to, protocol::UDP, udp(ports[0], ports[1], payload))
}
