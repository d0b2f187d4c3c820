//! Prefixes, and flat tables of them with longest-prefix-match look-up.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::Address;

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

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (ip, len) = match text.split_once('/') {
            Some((ip, len)) => (ip, Some(len)),
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| PrefixError::Address(text.to_owned()))?;
        let bits: u8 = if ip.is_ipv4() { 32 } else { 128 };
        let len: u8 = match len {
            None => bits,
            Some(len) => len.parse().map_err(|_| PrefixError::Length(text.to_owned()))?,
        };
        if len > bits {
            return Err(PrefixError::Length(text.to_owned()));
        }
        let prefix = Self::containing(ip.into(), len + (128 - bits));
        if prefix.first != ip.into() {
            return Err(PrefixError::HostBits(text.to_owned(), prefix));
        }
        Ok(prefix)
    }
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

/// An immutable map from prefixes to values; the longest match answers.
///
/// Nested prefixes are flattened at build time into disjoint ranges, so that a look-up is one
/// binary search. Two flat arrays, no pointers between them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixTable<V> {
    starts: Vec<u128>,
    values: Vec<Option<V>>,
}

impl<V> Default for PrefixTable<V> {
    fn default() -> Self {
        Self { starts: Vec::new(), values: Vec::new() }
    }
}

impl<V: Copy + PartialEq> PrefixTable<V> {
    /// Builds the table; of two equal prefixes the later one counts.
    pub fn new(entries: impl IntoIterator<Item = (Prefix, V)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        // Stable: outer before inner, later duplicates last.
        entries.sort_by_key(|(prefix, _)| (prefix.first, prefix.len));
        let mut table = Self::default();
        let mut open: Vec<(Prefix, V)> = Vec::new();
        for (prefix, value) in entries {
            table.close_before(prefix.first, &mut open);
            table.push(prefix.first.0, Some(value));
            open.push((prefix, value));
        }
        table.close_before(Address(u128::MAX), &mut open);
        table
    }

    /// Ends every open prefix that lies wholly before `next`.
    fn close_before(&mut self, next: Address, open: &mut Vec<(Prefix, V)>) {
        while let Some((prefix, _)) = open.last() {
            let last = prefix.last();
            if last >= next || last.0 == u128::MAX {
                return;
            }
            open.pop();
            self.push(last.0 + 1, open.last().map(|(_, value)| *value));
        }
    }

    fn push(&mut self, start: u128, value: Option<V>) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last() != Some(&value) {
            self.starts.push(start);
            self.values.push(value);
        }
    }

    /// The value of the longest prefix that contains `address`.
    #[inline]
    pub fn get(&self, address: Address) -> Option<V> {
        let after = self.starts.partition_point(|&start| start <= address.0);
        self.values.get(after.wrapping_sub(1)).copied().flatten()
    }

    /// Whether no prefix is listed.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn text_round_trips_and_errors_help() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0"] {
            assert_eq!(prefix(text).to_string(), text);
        }
        let error = "10.1.2.3/8".parse::<Prefix>().unwrap_err().to_string();
        assert_eq!(error, "`10.1.2.3/8` has bits set behind its length; did you mean `10.0.0.0/8`?");
        assert!(matches!("10.0.0.0/33".parse::<Prefix>(), Err(PrefixError::Length(_))));
        assert!(matches!("ten".parse::<Prefix>(), Err(PrefixError::Address(_))));
    }

    #[test]
    fn longest_prefix_answers() {
        let table = PrefixTable::new([
            (prefix("10.0.0.0/8"), 1),
            (prefix("10.1.0.0/16"), 2),
            (prefix("10.1.2.0/24"), 3),
            (prefix("::/0"), 9),
            (prefix("10.255.255.255/32"), 4),
        ]);
        for (address, value) in [
            ("10.0.0.1", Some(1)),
            ("10.1.0.1", Some(2)),
            ("10.1.2.255", Some(3)),
            ("10.1.3.0", Some(2)),
            ("10.2.0.0", Some(1)),
            ("10.255.255.255", Some(4)),
            ("11.0.0.0", Some(9)),
            ("2001:db8::", Some(9)),
        ] {
            assert_eq!(table.get(at(address)), value, "{address}");
        }
    }

    #[test]
    fn later_duplicates_count_and_gaps_are_gaps() {
        let table = PrefixTable::new([(prefix("192.0.2.0/24"), 1), (prefix("192.0.2.0/24"), 2)]);
        assert_eq!(table.get(at("192.0.2.9")), Some(2));
        assert_eq!(table.get(at("192.0.3.0")), None);
        assert_eq!(table.get(at("192.0.1.255")), None);
        let whole = PrefixTable::new([(prefix("ff00::/8"), 7)]);
        assert_eq!(whole.get(at("ffff::1")), Some(7));
        assert_eq!(PrefixTable::<u8>::default().get(at("::1")), None);
    }

    #[test]
    fn agrees_with_a_linear_search() {
        // A xorshift walk over a small universe makes nesting and adjacency common.
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..200 {
            let entries: Vec<(Prefix, u64)> = (0..20)
                .map(|i| {
                    let address = Address::v4((next() % 256) as u32);
                    (Prefix::containing(address, 120 + (next() % 9) as u8), i)
                })
                .collect();
            let table = PrefixTable::new(entries.clone());
            for host in 0..256 {
                let address = Address::v4(host);
                let plain = entries
                    .iter()
                    .filter(|(p, _)| p.contains(address))
                    .max_by_key(|(p, i)| (p.len128(), *i))
                    .map(|(_, i)| *i);
                assert_eq!(table.get(address), plain);
            }
        }
    }
}
