//! Who has a standing.

use std::fmt;
use std::str::FromStr;

use crate::{Address, Prefix, PrefixError};

/// How many leading bits of an address name one source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Width {
    /// IPv4, 8..=32.
    pub v4: u8,
    /// IPv6, 16..=128.
    pub v6: u8,
}

impl Width {
    /// Outside: IPv4 /32, IPv6 /64 (one customer's link).
    pub const OUTSIDE: Self = Self { v4: 32, v6: 64 };
    /// Inside: single hosts.
    pub const INSIDE: Self = Self { v4: 32, v6: 128 };
}

/// A width worked out: what [`Source::masked`] wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Masks {
    v4: u32,
    v6: u128,
    width: Width,
}

impl Width {
    /// The width as masks.
    pub const fn masks(self) -> Masks {
        let v4 = if self.v4 == 0 { 0 } else { u32::MAX << (32 - self.v4 as u32) };
        let v6 = if self.v6 == 0 { 0 } else { u128::MAX << (128 - self.v6 as u32) };
        Masks { v4, v6, width: self }
    }
}

/// An address or prefix with a standing: never unspecified, multicast, broadcast or link-local.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source(Prefix);

impl Source {
    /// The source that `address` belongs to, or `None` where the address names nobody.
    #[inline]
    pub fn of(address: Address, width: Width) -> Option<Self> {
        if address.is_nobody() {
            return None;
        }
        let len = if address.is_v4() { width.v4 + 96 } else { width.v6 };
        Some(Self(Prefix::containing(address, len)))
    }

    /// The same for a width that was worked out before; `is_v4` is what [`Address::is_v4`] says.
    #[inline(always)]
    pub fn masked(address: Address, is_v4: bool, masks: &Masks) -> Option<Self> {
        if is_v4 {
            let bits = address.0 as u32;
            // Zero, class D and class E in one comparison; few sources are in class E.
            if bits.wrapping_sub(1) >= 0xdfff_ffff && Address::v4(bits).is_nobody() {
                return None;
            }
            return Some(Self::host_v4(bits, masks));
        }
        let source = Self(Prefix::known(Address(address.0 & masks.v6), masks.width.v6));
        (!address.is_nobody()).then_some(source)
    }

    /// The same for the bits of an IPv4 address that names somebody.
    #[inline(always)]
    pub const fn host_v4(bits: u32, masks: &Masks) -> Self {
        Self(Prefix::known(Address::v4(bits & masks.v4), masks.width.v4 + 96))
    }

    /// The source kept as its first address and its length on the 128-bit scale.
    pub const fn from_parts(first: Address, len: u8) -> Self {
        Self(Prefix::containing(first, len))
    }

    /// The first address of the source.
    pub const fn first(self) -> Address {
        self.0.first()
    }

    /// Prefix length on the 128-bit scale (an IPv4 /32 has 128).
    pub const fn len128(self) -> u8 {
        self.0.len128()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len128() == 128 { self.first().fmt(f) } else { self.0.fmt(f) }
    }
}

impl FromStr for Source {
    type Err = PrefixError;

    /// Reads an address (`192.0.2.1`, `2001:db8::1`) or a prefix (`2001:db8::/64`) as it stands.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let prefix: Prefix = text.parse()?;
        if prefix.first().is_nobody() {
            return Err(PrefixError::Nobody(text.to_owned()));
        }
        Ok(Self(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_say_what_widths_say() {
        let addresses = [
            "0.0.0.0",
            "0.0.0.1",
            "10.1.2.3",
            "223.255.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.254",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db8:1:2:3:4:5:6",
            "fe80::1",
            "ff02::1",
        ];
        for (v4, v6) in [(8, 16), (24, 48), (32, 64), (32, 128)] {
            let width = Width { v4, v6 };
            for text in addresses {
                let address: Address = text.parse::<std::net::IpAddr>().unwrap().into();
                let masked = Source::masked(address, address.is_v4(), &width.masks());
                assert_eq!(masked, Source::of(address, width), "{text}/{v4}/{v6}");
            }
        }
    }

    #[test]
    fn width_decides_who_is_one_source() {
        let a: Source = "2001:db8:0:1::/64".parse().unwrap();
        let address: Address = "2001:db8:0:1::42".parse::<std::net::IpAddr>().unwrap().into();
        assert_eq!(Source::of(address, Width::OUTSIDE), Some(a));
        assert_eq!(Source::of(address, Width::INSIDE).unwrap().to_string(), "2001:db8:0:1::42");
        assert_eq!(a.to_string(), "2001:db8:0:1::/64");
        assert_eq!(Source::of(Address::v4(0), Width::OUTSIDE), None);
    }
}
