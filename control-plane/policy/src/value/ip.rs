//! The address of one host as a config value.

use std::fmt;
use std::net::IpAddr;

use super::written::written;
use crate::read::{Node, Reader, Scalar};

/// A unicast IPv4 or IPv6 address. An IPv4-mapped IPv6 address is the IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ip(IpAddr);

impl Ip {
    /// What stands for an address that is required until it is read.
    pub(crate) const UNREAD: Self = Self(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));

    /// The address.
    pub const fn get(self) -> IpAddr {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let address = text.parse::<IpAddr>().ok()?.to_canonical();
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        let host = !address.is_unspecified() && !address.is_multicast() && !broadcast;
        host.then_some(Self(address))
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scalar for Ip {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "an address, such as \"192.0.2.1\"")?;
        let address = Self::parse(text);
        if address.is_none() {
            let help = "write one IPv4 or IPv6 address without a prefix length, such as \"192.0.2.1\"";
            reader.reject(node, "not the address of a host".to_owned(), Some(help.to_owned()));
        }
        address
    }
}

written!(Ip, "the IPv4 or IPv6 address of a host");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_hosts_have_one_spelling() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
        ] {
            assert_eq!(Ip::parse(text).map(|ip| ip.to_string()).as_deref(), Some(shown));
        }
        for text in ["", "192.0.2.1/32", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "host"] {
            assert_eq!(Ip::parse(text), None, "{text}");
        }
    }
}
