//! From headers to conduct: what a parsed packet does in its conversation.

use repute_reputation::{Act, Conversation, Exchange};
use repute_wire::tcp_options::{Options, TcpOption};
use repute_wire::{L3, L4, Parsed, icmp, icmpv6, quoted};

const FIN: u16 = 1;
const SYN: u16 = 1 << 1;
const RST: u16 = 1 << 2;
const ACK: u16 = 1 << 4;

/// UDP services whose answers are larger than the questions: from these ports come answers, and
/// nothing else unless the other end is one of them too (CISA alert TA14-017A and successors).
const REFLECTORS: [u16; 36] = [
    17, 19, 53, 69, 111, 123, 137, 161, 177, 389, 427, 500, 520, 1434, 1604, 1701, 1900, 2152, 3283, 3389,
    3478, 3702, 4500, 5093, 5351, 5353, 5683, 10_001, 10_074, 11_211, 27_960, 30_718, 32_414, 33_848, 37_810,
    47_808,
];

/// The same, a bit for every port: asked for most datagrams.
static REFLECTS: [u64; 1024] = {
    let mut bits = [0; 1024];
    let mut i = 0;
    while i < REFLECTORS.len() {
        bits[REFLECTORS[i] as usize / 64] |= 1 << (REFLECTORS[i] % 64);
        i += 1;
    }
    bits
};

/// The exchange a packet with addresses is part of.
pub fn exchange(parsed: &Parsed, bytes: &[u8]) -> Exchange {
    let act = match parsed.l4 {
        L4::Tcp if parsed.has_tcp_flags() => segment(parsed),
        L4::Udp if parsed.has_ports() => Act::Datagram {
            answer: comes_from_reflector(u32::from(parsed.sport) << 16 | u32::from(parsed.dport)),
        },
        L4::Icmp if parsed.has_icmp() => icmp_act(parsed, bytes),
        L4::Icmpv6 if parsed.has_icmp() => icmpv6_act(parsed, bytes),
        L4::Other => Act::Datagram { answer: false },
        _ => Act::Opaque,
    };
    let word = |at: usize| match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
        _ => 0,
    };
    let l4 = usize::from(parsed.l4_off);
    let (seq, ack) = if parsed.has_tcp_flags() { (word(l4 + 4), word(l4 + 8)) } else { (0, 0) };
    Exchange {
        src: parsed.src,
        dst: parsed.dst,
        protocol: parsed.protocol,
        sport: parsed.sport,
        dport: parsed.dport,
        act,
        seq,
        ack,
        datagram: datagram(parsed, word),
        make: make(parsed, bytes, act),
    }
}

/// What an answer shows of the question, for TCP. A SYN-ACK has window scale, SACK permitted and timestamps only where
/// the SYN asked for them (RFC 7323, 1.3; RFC 2018, 2), which forged ones rarely do and real hosts nearly always; a reset
/// without acknowledgement answers something that had one (RFC 9293, 3.10.7.1), any other what may have been a bare SYN.
fn make(parsed: &Parsed, bytes: &[u8], act: Act) -> u8 {
    match act {
        Act::SynAck => options(parsed, bytes).fold(BARE, |make, option| make | asked_for(option)),
        Act::Reset if parsed.tcp_flags & ACK == 0 => ACKNOWLEDGED,
        _ => BARE,
    }
}

const fn asked_for(option: TcpOption<'_>) -> u8 {
    match option {
        TcpOption::WindowScale(_) => 1,
        TcpOption::SackPermitted => 1 << 1,
        TcpOption::Timestamps(..) => 1 << 2,
        TcpOption::Mss(_) | TcpOption::Other(..) => 0,
    }
}

/// Nothing is known of the question, or that it asked for nothing.
const BARE: u8 = 0;
/// The question was no SYN.
const ACKNOWLEDGED: u8 = 1 << 3;

/// The options of a segment, as far as they can be read.
fn options<'a>(parsed: &Parsed, bytes: &'a [u8]) -> impl Iterator<Item = TcpOption<'a>> {
    let at = usize::from(parsed.l4_off);
    let len = bytes.get(at + 12).map_or(0, |offset| usize::from(offset >> 4) * 4);
    Options::new(bytes.get(at + 20..at + len).unwrap_or_default()).map_while(Result::ok)
}

/// The number of the datagram that a packet is a fragment of: in the IPv4 header, or at the end of the IPv6 fragment
/// header, which comes last but in packets that nobody sends.
fn datagram(parsed: &Parsed, word: impl Fn(usize) -> u32) -> Option<u32> {
    if !parsed.has_fragment() || (parsed.frag_off == 0 && !parsed.frag_more()) {
        return None;
    }
    match parsed.l3 {
        L3::Ipv4 => Some(word(usize::from(parsed.l3_off) + 4) >> 16),
        _ => Some(word(usize::from(parsed.l4_off).saturating_sub(4))),
    }
}

fn segment(parsed: &Parsed) -> Act {
    let has = |bit: u16| parsed.tcp_flags & bit != 0;
    match (has(RST), has(SYN), has(ACK)) {
        (true, ..) => Act::Reset,
        (_, true, false) => Act::Syn,
        (_, true, true) => Act::SynAck,
        // Neither SYN nor ACK nor RST belongs to no conversation (null, FIN and Xmas scans).
        (_, false, false) => Act::Syn,
        (_, false, true) => Act::Segment { data: parsed.payload_len > 0, fin: has(FIN) },
    }
}

/// Whether only an answer looks like a datagram between these ports (source port in the upper half): it comes
/// from a service that amplifies.
#[inline]
pub fn comes_from_reflector(ports: u32) -> bool {
    let reflects = |port: u16| REFLECTS[usize::from(port) / 64] >> (port % 64) & 1 != 0;
    reflects((ports >> 16) as u16) && !reflects(ports as u16)
}

fn icmp_act(parsed: &Parsed, bytes: &[u8]) -> Act {
    match parsed.icmp_type {
        icmp::ECHO => Act::Echo,
        icmp::ECHO_REPLY => Act::EchoReply,
        kind if icmp::is_error(kind) => error(parsed, bytes, kind == icmp::UNREACHABLE),
        _ => Act::Datagram { answer: false },
    }
}

fn icmpv6_act(parsed: &Parsed, bytes: &[u8]) -> Act {
    match parsed.icmp_type {
        icmpv6::ECHO => Act::Echo,
        icmpv6::ECHO_REPLY => Act::EchoReply,
        kind if icmpv6::is_error(kind) => error(parsed, bytes, kind == icmpv6::UNREACHABLE),
        _ => Act::Datagram { answer: false },
    }
}

fn error(parsed: &Parsed, bytes: &[u8], unreachable: bool) -> Act {
    let quoted = quoted(bytes, parsed).map(|quote| Conversation {
        asker: quote.src,
        asked: quote.dst,
        protocol: quote.protocol,
        port: quote.ports.map_or(0, |(_, dport)| dport),
    });
    Act::Error { quoted, unreachable }
}
