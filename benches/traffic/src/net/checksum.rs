//! The Internet checksum (RFC 1071) and the pseudo headers of IPv4 (RFC 9293 §3.1) and IPv6 (RFC 8200 §8.1).

use std::net::IpAddr;

/// The ones' complement sum of these octets as big-endian words, not yet folded; an odd octet is padded with zero.
fn sum(octets: &[u8]) -> u64 {
    let mut pairs = octets.chunks_exact(2);
    let whole: u64 = pairs.by_ref().map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    whole + pairs.remainder().first().map_or(0, |&odd| u64::from(odd) << 8)
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The checksum of a header or message that has no pseudo header (IPv4, ICMP).
pub fn plain(octets: &[u8]) -> u16 {
    fold(sum(octets))
}

/// The checksum of a transport segment together with its pseudo header. Both addresses are of one family.
pub fn transport(src: IpAddr, dst: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let addresses = sum(&octets(src)) + sum(&octets(dst));
    fold(addresses + u64::from(protocol) + segment.len() as u64 + sum(segment))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_example_of_rfc_1071() {
        // RFC 1071 §3: the sum of these octets is ddf2.
        assert_eq!(plain(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn matches_a_known_ipv4_header() {
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0x00, 0x01, 0xc0,
            0xa8, 0x00, 0xc7,
        ];
        assert_eq!(plain(&header), 0xb861);
    }

    #[test]
    fn odd_octets_count_as_high_halves() {
        assert_eq!(plain(&[0x12]), !0x1200);
    }
}
