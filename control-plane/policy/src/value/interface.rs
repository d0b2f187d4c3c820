//! An address of the box's own with its link, as a config value.

use std::fmt;

use repute_model::{Address, Prefix};

use super::written::written;
use crate::read::{Node, Reader, Scalar};

/// An address and how many of its leading bits are those of its link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interface {
    address: Address,
    link: Prefix,
}

impl Interface {
    /// What stands for one that is required until it is read.
    pub(crate) const UNREAD: Self = Self { address: Address(0), link: Prefix::containing(Address(0), 0) };

    /// The address.
    pub const fn address(self) -> Address {
        self.address
    }

    /// What is on its link.
    pub const fn link(self) -> Prefix {
        self.link
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, len) = text.split_once('/')?;
        let address = Address::from(address.parse::<std::net::IpAddr>().ok()?.to_canonical());
        let (bits, before) = if address.is_v4() { (32, 96) } else { (128, 0) };
        let len = len.parse::<u8>().ok().filter(|&len| (1..=bits).contains(&len))?;
        let link = Prefix::containing(address, before + len);
        let is_host = len == bits || bits - len == 1 || (address != link.first() && address != link.last());
        (is_host && !address.is_nobody()).then_some(Self { address, link })
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = if self.address.is_v4() { 96 } else { 0 };
        write!(f, "{}/{}", self.address, self.link.len128() - before)
    }
}

impl Scalar for Interface {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "an address with its prefix length, such as \"192.0.2.9/24\"")?;
        let interface = Self::parse(text);
        if interface.is_none() {
            let help = "write the address of a host and how many bits are those of its link, such as \"192.0.2.9/24\"";
            reader.reject(
                node,
                "no address of a host with the length of its link".to_owned(),
                Some(help.to_owned()),
            );
        }
        interface
    }
}

written!(Interface, "an address with its prefix length, such as 192.0.2.9/24");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_host_bits() {
        for text in ["192.0.2.9/24", "2001:db8::9/64", "192.0.2.0/31", "192.0.2.9/32", "2001:db8::9/128"] {
            let interface = Interface::parse(text).unwrap();
            assert_eq!(interface.to_string(), text);
            assert!(interface.link().contains(interface.address()));
        }
        for text in [
            "",
            "192.0.2.9",
            "192.0.2.0/24",
            "192.0.2.255/24",
            "192.0.2.9/33",
            "192.0.2.9/0",
            "fe80::1/64",
            "x/24",
        ] {
            assert_eq!(Interface::parse(text), None, "{text}");
        }
    }
}
