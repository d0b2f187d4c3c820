//! DNS messages made by hand, and who sends them.

use repute_wire::dns::Answer;
use repute_wire::parse_ethernet;

use super::frame::{ACK, Frame, Ip, PSH, tcp_of, udp_of};

pub const A: u16 = 1;
pub const TXT: u16 = 16;
pub const AAAA: u16 = 28;

pub const NOERROR: u8 = 0;
pub const SERVFAIL: u8 = 2;
pub const NXDOMAIN: u8 = 3;

/// The server that everybody asks.
pub const RESOLVER: (Ip, u16) = ([10, 0, 0, 53], 53);

/// A query with recursion desired; `edns` are the options of its OPT record, if it has one.
pub fn query(id: u16, name: &str, kind: u16, edns: Option<&[u8]>) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    if let Some(options) = edns {
        message.extend([0, 0, 41, 4, 208, 0, 0, 0, 0]);
        message.extend((options.len() as u16).to_be_bytes());
        message.extend(options);
    }
    message
}

/// A COOKIE option: the client's half and what the server gave it.
pub fn cookie(client: &[u8; 8], server: &[u8]) -> Vec<u8> {
    let len = 8 + server.len() as u16;
    [&[0, 10][..], &len.to_be_bytes(), client, server].concat()
}

/// What a server answers to a query without EDNS: this code, and so many addresses.
pub fn answer(query: &[u8], rcode: u8, addresses: u8) -> Vec<u8> {
    let mut message = query.to_vec();
    (message[2], message[3], message[7]) = (0x81, 0x80 | rcode, addresses);
    for n in 0..addresses {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, n]);
    }
    message
}

/// A query as it goes by TCP.
pub fn by_tcp(client: (Ip, u16), query: &[u8]) -> Frame {
    let framed = [&(query.len() as u16).to_be_bytes()[..], query].concat();
    tcp_of(client, RESOLVER, ACK | PSH, &framed)
}

/// A query as it goes by UDP.
pub fn by_udp(client: (Ip, u16), query: &[u8]) -> Frame {
    udp_of(client, RESOLVER, query)
}

/// The server's datagram to a client.
pub fn back(client: (Ip, u16), answer: &[u8]) -> Frame {
    udp_of(RESOLVER, client, answer)
}

/// The DNS message in a UDP frame that the box has sent.
pub fn message(frame: &Frame) -> &[u8] {
    let parsed = parse_ethernet(&frame.bytes, frame.wire_len);
    assert_eq!(parsed.error, None);
    let from = usize::from(parsed.payload_off);
    &frame.bytes[from..from + parsed.payload_len as usize]
}

/// The same, read as an answer.
pub fn read(frame: &Frame) -> Answer<'_> {
    Answer::read(message(frame)).unwrap_or_else(|malformed| panic!("{malformed}"))
}
