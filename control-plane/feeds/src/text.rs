//! What lists name: addresses, prefixes, ranges, domain names, and what is none of them.

use std::net::IpAddr;

use repute_model::{Address, DomainName, Prefix, PrefixError};

/// The longest text that may name an address: a range of two IPv6 addresses with IPv4 tails, and spaces.
const TEXT_MAX: usize = 128;

/// What a text names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// A prefix; whether bits behind its length were dropped.
    Prefix(Prefix, bool),
    /// All addresses from the first to the last.
    Range(Address, Address),
    /// A domain name, a URL or an AS number.
    Name,
    /// Nothing that a list names.
    Nothing,
}

/// Reads a text without allocating where it is a prefix in its usual spelling.
#[inline]
pub(crate) fn value(text: &[u8]) -> Value {
    if text.len() > TEXT_MAX {
        return Value::Nothing;
    }
    let Ok(text) = std::str::from_utf8(text) else { return Value::Nothing };
    match text.parse() {
        Ok(prefix) => Value::Prefix(prefix, false),
        Err(PrefixError::HostBits(_, prefix)) => Value::Prefix(prefix, true),
        Err(_) => range(text).unwrap_or_else(|| if is_name(text) { Value::Name } else { Value::Nothing }),
    }
}

fn range(text: &str) -> Option<Value> {
    let (first, last) = text.split_once('-')?;
    let first: IpAddr = first.trim().parse().ok()?;
    let last: IpAddr = last.trim().parse().ok()?;
    let (first, last): (Address, Address) = (first.into(), last.into());
    (first <= last && first.is_v4() == last.is_v4()).then_some(Value::Range(first, last))
}

/// What a text is where a domain name is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    /// A name, with a wildcard or without.
    Name(DomainName),
    /// An address, a prefix, a range or a URL.
    Other,
    /// Nothing that a list names.
    Nothing,
}

/// Reads a text as a domain name: letters, digits, `-` and `_` in labels, a `*` as the first one alone.
pub(crate) fn named(text: &[u8]) -> Named {
    let Ok(text) = std::str::from_utf8(text) else { return Named::Nothing };
    let labels = text.strip_prefix("*.").unwrap_or(text).trim_end_matches('.');
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let last = labels.rsplit('.').next().unwrap_or_default();
    // What ends with a number is an address (WHATWG URL, 3.5), or a part of one.
    if !labels.bytes().all(letter) || !last.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return match value(text.as_bytes()) {
            Value::Nothing => Named::Nothing,
            Value::Name if !text.contains("://") => Named::Nothing,
            _ => Named::Other,
        };
    }
    text.parse().map_or(Named::Nothing, Named::Name)
}

/// Whether `text` looks like a host name, a name with a wildcard, a URL or an AS number.
fn is_name(text: &str) -> bool {
    let asn = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("as"))
        && text.len() > 2
        && text[2..].bytes().all(|byte| byte.is_ascii_digit());
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'*');
    let host =
        text.contains('.') && text.bytes().all(letter) && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    asn || host || text.contains("://")
}

/// The fewest prefixes that make up the range from `first` to `last`, ascending; at most 254.
pub(crate) fn prefixes(first: Address, last: Address) -> impl Iterator<Item = Prefix> {
    let mut next = Some(first.0);
    std::iter::from_fn(move || {
        let start = next.filter(|&start| start <= last.0)?;
        let left = last.0 - start;
        // As wide as the start is aligned and as the rest allows.
        let aligned = if start == 0 { 128 } else { start.trailing_zeros() };
        let fits = left.checked_add(1).map_or(128, |count| 127 - count.leading_zeros());
        let bits = aligned.min(fits);
        let prefix = Prefix::containing(Address(start), 128 - bits as u8);
        next = prefix.last().0.checked_add(1);
        Some(prefix)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn shown(text: &str) -> String {
        match value(text.as_bytes()) {
            Value::Prefix(prefix, masked) => format!("{prefix}{}", if masked { " masked" } else { "" }),
            Value::Range(first, last) => {
                let all: Vec<_> = prefixes(first, last).map(|prefix| prefix.to_string()).collect();
                all.join(" ")
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_texts_name() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("10.1.2.3/8", "10.0.0.0/8 masked"),
            ("192.0.2.1-192.0.2.4", "192.0.2.1/32 192.0.2.2/31 192.0.2.4/32"),
            ("192.0.2.0 - 192.0.2.255", "192.0.2.0/24"),
            ("0.0.0.0-255.255.255.255", "0.0.0.0/0"),
            ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
            ("192.0.2.4-192.0.2.1", "Nothing"),
            ("192.0.2.4-2001:db8::", "Nothing"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("www.example.org", "Name"),
            ("*.example.org", "Name"),
            ("AS64496", "Name"),
            ("http://192.0.2.1/", "Name"),
            ("192.0.2.1,high", "Nothing"),
            ("1.2.3", "Nothing"),
            ("é", "Nothing"),
            ("", "Nothing"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_told_from_what_is_none() {
        let longest = format!("{}.example", "a".repeat(63));
        for name in [
            "WWW.example.org",
            "*.example.org.",
            "_dmarc.a.b",
            "com",
            "xn--bcher-kva.example",
            "1.a",
            &longest,
        ] {
            assert_eq!(named(name.as_bytes()), Named::Name(name.parse().unwrap()), "{name}");
        }
        for other in ["192.0.2.1", "192.0.2.0/24", "192.0.2.1-192.0.2.9", "2001:db8::1", "http://a.example/x"]
        {
            assert_eq!(named(other.as_bytes()), Named::Other, "{other}");
        }
        let long = format!("{}.example", "a".repeat(64));
        for nothing in
            ["", ".", "*", "a..b", ".a.b", "*x.example", "a.*.b", "||a.b^", "b\u{fc}.example", "1.2.3", &long]
        {
            assert_eq!(named(nothing.as_bytes()), Named::Nothing, "{nothing}");
        }
        assert_eq!(named(b"\xff.example"), Named::Nothing);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// The prefixes of a range touch each other, begin and end with it, and none can be joined with the next.
        #[test]
        fn ranges_are_covered_exactly(a: u128, b: u128, shift in 0u32..128) {
            let (first, last) = (Address(a.min(b) >> shift), Address(a.max(b) >> shift));
            let all: Vec<Prefix> = prefixes(first, last).collect();
            prop_assert!(all.len() <= 254);
            prop_assert_eq!(all[0].first(), first);
            prop_assert_eq!(all[all.len() - 1].last(), last);
            prop_assert!(all.windows(2).all(|pair| pair[0].last().0 + 1 == pair[1].first().0));
        }

        /// Nothing panics, whatever the bytes.
        #[test]
        fn any_bytes_are_something(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            value(&text);
            if let Named::Name(name) = named(&text) {
                let lower = String::from_utf8_lossy(&text).to_ascii_lowercase();
                prop_assert_eq!(name.to_string(), lower.strip_suffix('.').unwrap_or(&lower));
            }
        }
    }
}
