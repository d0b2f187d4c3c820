//! Prefixes from text: CIDR notation (RFC 4632, RFC 4291); an address alone is a prefix of full length.

use std::net::IpAddr;
use std::str::FromStr;

use super::{Prefix, PrefixError};
use crate::Address;

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        plain_v4(text.as_bytes()).map_or_else(|| general(text), Ok)
    }
}

/// Any prefix, or what is wrong with it.
fn general(text: &str) -> Result<Prefix, PrefixError> {
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
    let prefix = Prefix::containing(ip.into(), len + (128 - bits));
    if prefix.first != ip.into() {
        return Err(PrefixError::HostBits(text.to_owned(), prefix));
    }
    Ok(prefix)
}

/// The short way for what long lists are made of: a correct IPv4 prefix in its usual spelling.
fn plain_v4(text: &[u8]) -> Option<Prefix> {
    let (first, rest) = number(text, 3)?;
    let mut bits = first;
    let mut text = rest;
    for _ in 0..3 {
        let (octet, rest) = number(text.strip_prefix(b".")?, 3)?;
        bits = bits << 8 | octet;
        text = rest;
    }
    let len = match text.strip_prefix(b"/") {
        None => 32,
        Some(len) => {
            let (len, rest) = number(len, 2)?;
            text = rest;
            len
        }
    };
    let prefix = Prefix::containing(Address::v4(bits), (96 + len.min(32)) as u8);
    (text.is_empty() && len <= 32 && prefix.first == Address::v4(bits)).then_some(prefix)
}

/// A decimal number up to 255 of at most `digits_max` digits without leading zeros, and what follows it.
fn number(text: &[u8], digits_max: usize) -> Option<(u32, &[u8])> {
    let digits = text.iter().take(digits_max).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    let value = digits.iter().fold(0, |value, digit| 10 * value + u32::from(digit - b'0'));
    let usual = !digits.is_empty() && (digits.len() == 1 || digits[0] != b'0');
    (usual && value <= 255).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 4096,
            rng_seed: RngSeed::Fixed(0x5eed),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// Whatever the short way takes, the long one reads in the same way.
        #[test]
        fn both_ways_agree(text in "[0-9]{1,3}(\\.[0-9]{1,3}){2,4}(/[0-9]{0,3})?[0-9./ ]{0,2}") {
            if let Some(prefix) = plain_v4(text.as_bytes()) {
                prop_assert_eq!(general(&text), Ok(prefix));
            }
        }

        /// Every IPv4 prefix takes the short way.
        #[test]
        fn prefixes_take_the_short_way(bits: u32, len in 96u8..=128) {
            let prefix = Prefix::containing(Address::v4(bits), len);
            prop_assert_eq!(plain_v4(prefix.to_string().as_bytes()), Some(prefix));
        }
    }

    #[test]
    fn text_round_trips_and_errors_help() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0"] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), text);
        }
        let error = "10.1.2.3/8".parse::<Prefix>().unwrap_err().to_string();
        assert_eq!(error, "`10.1.2.3/8` has bits set behind its length; did you mean `10.0.0.0/8`?");
        assert!(matches!("10.0.0.0/33".parse::<Prefix>(), Err(PrefixError::Length(_))));
        assert!(matches!("ten".parse::<Prefix>(), Err(PrefixError::Address(_))));
    }

    #[test]
    fn the_short_way_takes_what_is_usual() {
        for text in ["0.0.0.0", "255.255.255.255", "10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "9.10.100.0/22"] {
            assert_eq!(plain_v4(text.as_bytes()), general(text).ok(), "{text}");
            assert!(plain_v4(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn the_short_way_leaves_everything_else_to_the_long_one() {
        for text in [
            "",
            ".",
            "1",
            "1.2.3",
            "1.2.3.",
            "1.2.3.4.5",
            "1.2.3.4.",
            "01.2.3.4",
            "1.2.3.00",
            "256.1.1.1",
            "1.2.3.1000",
            "1.2.3.4/",
            "1.2.3.4/33",
            "1.2.3.4/132",
            "1.2.3.4/8",
            "1.2.3.4/032",
            "1.2.3.4/+32",
            " 1.2.3.4",
            "1.2.3.4 ",
            "1.2.3.4/32/",
            "1.2.3.-4",
            "1.2.3.4/3é",
            "::1",
            "1::/16",
            "::ffff:1.2.3.4",
        ] {
            assert_eq!(plain_v4(text.as_bytes()), None, "{text}");
        }
    }
}
