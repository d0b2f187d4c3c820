//! Signatures of webhooks, and of what comes back.
//!
//! [`SIGNATURE_HEADER`] describes the scheme.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;

/// The header that carries a signature.
///
/// ```text
/// Repute-Signature: t=1700000000,n=0f1e2d…,v1=5257a8…
/// ```
///
/// `t` is when it was signed (seconds since 1970), `n` a nonce (16 to 64 hexadecimal digits), `v1` HMAC-SHA-256
/// under the shared secret over the bytes `t "." n "." body`, in hexadecimal. A receiver (1) computes the same
/// over the body as it came, before it parses it, and compares in constant time; (2) refuses times more than five
/// minutes from its own; (3) remembers nonces for ten minutes and refuses a known one. A retried delivery has a new
/// time and nonce; its `delivery` in the body is the same. [`crate::Verifier`] does all three for what is sent to
/// the box.
pub const SIGNATURE_HEADER: &str = "Repute-Signature";

/// A shared secret.
#[derive(Clone)]
pub struct Secret(hmac::Key);

/// Why bytes are no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Too short or too long.
    #[error("a secret of {0} bytes; expected 16 to 256")]
    Length(usize),
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

impl Secret {
    /// A secret of 16 to 256 bytes.
    ///
    /// # Errors
    /// It is shorter or longer.
    pub fn new(bytes: &[u8]) -> Result<Self, SecretError> {
        if !(16..=256).contains(&bytes.len()) {
            return Err(SecretError::Length(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// The secret in a file, without the white space around it.
    pub(super) fn read(path: &std::path::Path) -> Result<Self, SecretError> {
        use std::io::Read;
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(1024).read_to_end(&mut bytes)?;
        Self::new(bytes.trim_ascii())
    }

    /// Whether `tag` is the signature over what was signed; in constant time.
    pub(super) fn is_signature(&self, t: &str, n: &str, body: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, &signed(t, n, body), tag).is_ok()
    }
}

impl std::fmt::Debug for Secret {
    /// Never shows the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The header's value for a body signed at `at` with a nonce that was never used before.
pub fn sign(secret: &Secret, at: SystemTime, nonce: [u8; 16], body: &[u8]) -> String {
    let t = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let n = hex(&nonce);
    let tag = hmac::sign(&secret.0, &signed(&t, &n, body));
    format!("t={t},n={n},v1={}", hex(tag.as_ref()))
}

fn signed(t: &str, n: &str, body: &[u8]) -> Vec<u8> {
    [t.as_bytes(), b".", n.as_bytes(), b".", body].concat()
}

/// Lower case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The bytes of hexadecimal digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<_> = text.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_as_described() {
        let secret = Secret::new(b"0123456789abcdef").unwrap();
        let at = UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        let nonce = *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
        // printf '1700000000.000102030405060708090a0b0c0d0e0f.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let expected = "t=1700000000,n=000102030405060708090a0b0c0d0e0f,v1=0692b95c0e3ec46d831b1ee692061a504e0e27b9f2281958f5d5342beea57747";
        assert_eq!(sign(&secret, at, nonce, b"{\"a\":1}"), expected);
    }

    #[test]
    fn secrets_are_long_enough_and_never_shown() {
        assert!(matches!(Secret::new(b"short"), Err(SecretError::Length(5))));
        assert_eq!(format!("{:?}", Secret::new(&[7; 16]).unwrap()), "Secret(…)");
    }

    #[test]
    fn hex_is_read_back() {
        assert_eq!(unhex(&hex(b"\x00\xff\x10")), Some(b"\x00\xff\x10".to_vec()));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }
}
