//! The text of a key: `rpt_`, 16 digits of id, `_`, 64 digits of secret; hexadecimal in lower case.
//!
//! The prefix lets scanners find keys that were committed or pasted by mistake. **Always holds:** the secret is
//! printed by [`Secret::reveal`] alone.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::hex;

/// How the text of every key begins.
pub(crate) const PREFIX: &str = "rpt_";

/// The name of a key: no secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// The text of a key, shown once.
pub struct Secret(String);

impl Secret {
    /// The text. Give it to its holder and forget it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A key out of random bytes: its id, its text, its hash.
pub(super) fn draw(random: &[u8; 40]) -> (KeyId, Secret, [u8; 32]) {
    let (id, secret) =
        random.split_first_chunk::<8>().map_or(([0; 8], &random[..]), |(id, rest)| (*id, rest));
    let text = format!("{PREFIX}{}_{}", hex::encode(&id), hex::encode(secret));
    (KeyId(id), Secret(text), Sha256::digest(secret).into())
}

/// The id and the hash of what is presented; `None` if it has not the form of a key.
pub(super) fn read(text: &str) -> Option<(KeyId, [u8; 32])> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let secret: [u8; 32] = hex::decode(secret)?;
    Some((id.parse().ok()?, Sha256::digest(secret).into()))
}

/// Compares in constant time.
pub(super) fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a key's id has 16 hexadecimal digits in lower case; `list` shows them".to_owned();
        hex::decode(text).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_hash() {
        let random: [u8; 40] = std::array::from_fn(|at| at as u8);
        let (id, secret, hash) = draw(&random);
        assert_eq!(id.to_string(), "0001020304050607");
        assert_eq!(secret.reveal().len(), 85);
        assert_eq!(read(secret.reveal()), Some((id, hash)));
        assert!(!format!("{secret:?}{id:?}").contains("08090a"));
        let other = Sha256::digest(b"other").into();
        assert!(is_same(&hash, &hash) && !is_same(&hash, &other));
    }

    #[test]
    fn what_is_no_key() {
        let (_, secret, _) = draw(&[7; 40]);
        let text = secret.reveal();
        assert!(read(text).is_some());
        for at in 0..text.len() {
            assert_eq!(read(&text[..at]), None);
        }
        for wrong in [text.to_uppercase(), format!("{text} "), format!(" {text}"), format!("{text}00")] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
