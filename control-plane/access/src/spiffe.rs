//! SPIFFE IDs (SPIFFE-ID standard, sections 2 and 4): `spiffe://trust-domain/path`, checked to the letter.
//!
//! **Always holds:** two IDs that mean the same are the same text: the scheme and trust domain are lower case,
//! nothing is percent-encoded, the path has no empty and no dot segments and no slash at its end.

use std::fmt;
use std::str::FromStr;

/// Longest ID in bytes (section 2.3).
pub const SPIFFE_ID_MAX: usize = 2048;
/// Longest trust domain in bytes (section 2.1).
pub const TRUST_DOMAIN_MAX: usize = 255;

const SCHEME: &str = "spiffe://";

/// Who a workload is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SpiffeId(String);

/// Why a text is no SPIFFE ID.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SpiffeError {
    /// It begins otherwise.
    #[error("it does not begin with `spiffe://`")]
    Scheme,
    /// It is too long.
    #[error("it is longer than {SPIFFE_ID_MAX} bytes")]
    TooLong,
    /// The trust domain is empty, too long, or has other characters.
    #[error(
        "its trust domain needs 1 to {TRUST_DOMAIN_MAX} characters of a-z, 0-9, `.`, `-` and `_`, as in \
         `spiffe://example.org/operator/alice`"
    )]
    TrustDomain,
    /// A part of the path is empty, a dot segment, or has other characters.
    #[error(
        "the parts of its path need one or more characters of a-z, A-Z, 0-9, `.`, `-` and `_` each, and none \
         may be `.` or `..`"
    )]
    Path,
}

impl SpiffeId {
    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who vouches for it.
    pub fn trust_domain(&self) -> &str {
        let rest = self.0.get(SCHEME.len()..).unwrap_or_default();
        rest.split_once('/').map_or(rest, |(domain, _)| domain)
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeError;

    fn from_str(text: &str) -> Result<Self, SpiffeError> {
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeError::Scheme)?;
        if text.len() > SPIFFE_ID_MAX {
            return Err(SpiffeError::TooLong);
        }
        let (domain, path) = match rest.split_once('/') {
            Some((domain, path)) => (domain, Some(path)),
            None => (rest, None),
        };
        let mark = |c: u8| matches!(c, b'.' | b'-' | b'_');
        let in_domain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || mark(c);
        if !(1..=TRUST_DOMAIN_MAX).contains(&domain.len()) || !domain.bytes().all(in_domain) {
            return Err(SpiffeError::TrustDomain);
        }
        let in_part = |c: u8| c.is_ascii_alphanumeric() || mark(c);
        let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(in_part);
        match path {
            Some(path) if !path.split('/').all(is_part) => Err(SpiffeError::Path),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones() {
        for text in ["spiffe://td", "spiffe://td/a", "spiffe://a-b_c.d9/Ops/alice.1", "spiffe://td/..."] {
            let id: SpiffeId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
        }
        let id: SpiffeId = "spiffe://example.org/operator/alice".parse().unwrap();
        assert_eq!(id.trust_domain(), "example.org");
    }

    #[test]
    fn bad_ones() {
        use SpiffeError::{Path, Scheme, TooLong, TrustDomain};
        let long = format!("spiffe://td/{}", "a".repeat(SPIFFE_ID_MAX));
        let domain = format!("spiffe://{}/x", "a".repeat(TRUST_DOMAIN_MAX + 1));
        for (text, error) in [
            ("", Scheme),
            ("https://td/a", Scheme),
            ("SPIFFE://td/a", Scheme),
            (long.as_str(), TooLong),
            (domain.as_str(), TrustDomain),
            ("spiffe:///a", TrustDomain),
            ("spiffe://TD/a", TrustDomain),
            ("spiffe://td:1/a", TrustDomain),
            ("spiffe://me@td/a", TrustDomain),
            ("spiffe://td/", Path),
            ("spiffe://td/a/", Path),
            ("spiffe://td//a", Path),
            ("spiffe://td/../admin/a", Path),
            ("spiffe://td/%61", Path),
            ("spiffe://td/a?b", Path),
            ("spiffe://td/a#b", Path),
            ("spiffe://td/a\0b", Path),
            ("spiffe://td/*", Path),
        ] {
            assert_eq!(text.parse::<SpiffeId>(), Err(error), "{text}");
        }
    }
}
