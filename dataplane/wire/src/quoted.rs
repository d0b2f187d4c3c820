//! The packet that an ICMP or ICMPv6 error quotes.
//!
//! Called by the engine for errors only: the quoted *source* is who is said to have sent the packet that
//! failed. Always holds: the quote is short by nature, so nothing in it is malformed.

use repute_model::Address;

use crate::{L4, Parsed, icmp, icmpv6, parse_ip};

/// Who was talking to whom in the packet an error is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quoted {
    /// Source address of the quoted packet.
    pub src: Address,
    /// Its destination address.
    pub dst: Address,
    /// Its transport protocol number.
    pub protocol: u8,
    /// Its source and destination port, where the quote is long enough and the transport has any.
    pub ports: Option<(u16, u16)>,
}

/// Reads the packet quoted in `packet`, which `parsed` describes; `None` unless it is an ICMP error whose
/// quote carries at least a whole IP header.
pub fn quoted(packet: &[u8], parsed: &Parsed) -> Option<Quoted> {
    let is_error = parsed.has_icmp()
        && match parsed.l4 {
            L4::Icmp => icmp::is_error(parsed.icmp_type),
            L4::Icmpv6 => icmpv6::is_error(parsed.icmp_type),
            _ => false,
        };
    let from = usize::from(parsed.l4_off) + size_of::<icmp::Header>();
    let quote = packet.get(from..).filter(|_| is_error)?;
    // A quote ends anywhere by design: read it as a capture cut short of a very long packet.
    let inner = parse_ip(quote, u32::MAX);
    inner.has_addresses().then_some(Quoted {
        src: inner.src,
        dst: inner.dst,
        protocol: inner.protocol,
        ports: inner.has_ports().then_some((inner.sport, inner.dport)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable(kind: u8, quote: &[u8]) -> Option<Quoted> {
        let total = 28 + quote.len() as u8;
        let mut bytes = vec![0x45, 0, 0, total, 0, 0, 0, 0, 64, icmp::PROTOCOL, 0, 0];
        bytes.extend([192, 0, 2, 1, 192, 0, 2, 2, kind, 3, 0, 0, 0, 0, 0, 0]);
        bytes.extend(quote);
        quoted(&bytes, &parse_ip(&bytes, bytes.len() as u32))
    }

    #[test]
    fn a_quoted_datagram() {
        let mut quote = vec![0x45, 0, 5, 0xdc, 0, 0, 0, 0, 1, 17, 0, 0];
        quote.extend([198, 51, 100, 9, 203, 0, 113, 8, 0, 53, 0, 99, 5, 0xc8, 0, 0]);
        let quoted = unreachable(3, &quote).unwrap();
        assert_eq!(quoted.src.to_string(), "198.51.100.9");
        assert_eq!(quoted.dst.to_string(), "203.0.113.8");
        assert_eq!((quoted.protocol, quoted.ports), (17, Some((53, 99))));
        assert_eq!(unreachable(3, &quote[..22]).unwrap().ports, None);
        assert_eq!(unreachable(3, &quote[..19]), None);
        assert_eq!(unreachable(icmp::ECHO, &quote), None);
    }
}
