//! An IP address of either family as one 128-bit number.
//!
//! IPv4 lives in `::ffff:0:0/96` (RFC 4291, 2.5.5.2). On the wire that range is never legitimate
//! IPv6, so the two families cannot collide: the parser refuses such packets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 address in network order as one integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(pub u128);

const V4_PREFIX: u128 = 0xffff << 32;

impl Address {
    /// An IPv4 address from its four bytes as a big-endian number.
    pub const fn v4(bits: u32) -> Self {
        Self(V4_PREFIX | bits as u128)
    }

    /// Whether this is an IPv4 address.
    pub const fn is_v4(self) -> bool {
        self.0 >> 32 == 0xffff
    }

    /// Whether packets to or from this address say nothing about one sender: unspecified,
    /// multicast, limited broadcast, IPv6 link-local.
    pub const fn is_nobody(self) -> bool {
        if self.is_v4() {
            let bits = self.0 as u32;
            bits == 0 || bits >> 28 == 0xe || bits == u32::MAX
        } else {
            self.0 == 0 || self.0 >> 120 == 0xff || self.0 >> 118 == 0xfe80 >> 6
        }
    }

    /// The address as the standard library's type.
    pub fn to_ip(self) -> IpAddr {
        if self.is_v4() {
            IpAddr::V4(Ipv4Addr::from_bits(self.0 as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(self.0))
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::v4(v4.to_bits()),
            IpAddr::V6(v6) => Self(v6.to_bits()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ip().fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ip().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn families_keep_their_text() {
        for text in ["192.0.2.7", "2001:db8::1", "::1"] {
            assert_eq!(address(text).to_string(), text);
        }
        assert!(address("192.0.2.7").is_v4());
        assert!(!address("2001:db8::1").is_v4());
    }

    #[test]
    fn nobody_is_never_a_source() {
        for text in [
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "ff02::1",
            "fe80::1",
            "febf::1",
        ] {
            assert!(address(text).is_nobody(), "{text}");
        }
        for text in ["10.0.0.1", "127.0.0.1", "240.0.0.1", "fec0::1", "fc00::1"] {
            assert!(!address(text).is_nobody(), "{text}");
        }
    }
}
