//! Prefixes, as people write them and as tables hold them.
//!
//! Read from configs and lists by the control plane; workers only meet them in a [`PrefixTable`].

mod combine;
mod flatten;
mod lines;
mod runs;
mod table;
mod text;

use std::fmt;

use crate::Address;

pub use table::{Located, PrefixTable};

/// An IP prefix; IPv4 lengths are kept on the 128-bit scale (+96). Host bits are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    first: Address,
    len: u8,
}

/// Why a text is not a prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrefixError {
    /// Not an address at all.
    Address(String),
    /// The length is no number or longer than the family has bits.
    Length(String),
    /// Bits are set behind the prefix length.
    HostBits(String, Prefix),
    /// Unspecified, multicast, broadcast and link-local addresses name no source.
    Nobody(String),
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(f, "`{text}` is not an IPv4 or IPv6 address or prefix"),
            Self::Length(text) => {
                write!(f, "`{text}` has a bad prefix length (0 to 32 for IPv4, 0 to 128 for IPv6)")
            }
            Self::HostBits(text, meant) => {
                write!(f, "`{text}` has bits set behind its length; did you mean `{meant}`?")
            }
            Self::Nobody(text) => {
                write!(f, "`{text}` (unspecified, multicast, broadcast or link-local) is never a source")
            }
        }
    }
}

impl std::error::Error for PrefixError {}

impl Prefix {
    /// The prefix of `len` bits (128-bit scale) around `address`.
    pub const fn containing(address: Address, len: u8) -> Self {
        Self { first: Address(address.0 & mask(len)), len }
    }

    /// The prefix of `len` bits that begins at `first`, whose other bits are zero.
    pub(crate) const fn known(first: Address, len: u8) -> Self {
        Self { first, len }
    }

    /// First address.
    pub const fn first(self) -> Address {
        self.first
    }

    /// Last address.
    pub const fn last(self) -> Address {
        Address(self.first.0 | !mask(self.len))
    }

    /// Length on the 128-bit scale (an IPv4 /24 has 120).
    pub const fn len128(self) -> u8 {
        self.len
    }

    /// Whether `address` lies inside.
    pub const fn contains(self, address: Address) -> bool {
        address.0 & mask(self.len) == self.first.0
    }
}

const fn mask(len: u8) -> u128 {
    if len == 0 { 0 } else { u128::MAX << (128 - len as u32) }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = if self.first.is_v4() && self.len >= 96 { self.len - 96 } else { self.len };
        write!(f, "{}/{len}", self.first)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a list says about the sources in a prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Always wins, and lifts what stands.
    Allow,
    /// Known bad, with confidence 1..=100 percent.
    Deny(u8),
}
