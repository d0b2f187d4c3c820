//! Who has a standing, and which worker owns it.

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

/// The worker that alone reads and writes the state of `source`, 0..workers.
///
/// One function for the whole product: receive-side scaling is only a hint that makes hand-over rare.
#[inline]
pub fn owner(source: Source, workers: u16) -> u16 {
    let bits = source.first().0;
    let folded = (bits as u64) ^ ((bits >> 64) as u64).rotate_left(32);
    let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((u128::from(mixed) * u128::from(workers)) >> 64) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_decides_who_is_one_source() {
        let a: Source = "2001:db8:0:1::/64".parse().unwrap();
        let address: Address = "2001:db8:0:1::42".parse::<std::net::IpAddr>().unwrap().into();
        assert_eq!(Source::of(address, Width::OUTSIDE), Some(a));
        assert_eq!(Source::of(address, Width::INSIDE).unwrap().to_string(), "2001:db8:0:1::42");
        assert_eq!(a.to_string(), "2001:db8:0:1::/64");
        assert_eq!(Source::of(Address::v4(0), Width::OUTSIDE), None);
    }

    #[test]
    fn every_worker_owns_a_fair_part() {
        let mut counts = [0u32; 4];
        for i in 0..40_000u32 {
            let source = Source::of(Address::v4(0x0a00_0000 + i), Width::OUTSIDE).unwrap();
            counts[usize::from(owner(source, 4))] += 1;
        }
        assert!(counts.iter().all(|&c| (9_000..11_000).contains(&c)), "{counts:?}");
    }
}
