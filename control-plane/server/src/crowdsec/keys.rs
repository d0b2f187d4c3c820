//! The file of API keys: one bouncer a line, its name and the SHA-256 of its key.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Bouncers at most.
const KEYS_MAX: usize = 1024;
/// Largest file in bytes.
const FILE_MAX: u64 = 256 << 10;

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("{path}: {cause}; it has a line for each bouncer: its name and the SHA-256 of its key")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A line is none.
    #[error(
        "{path}:{line}: expected a name, a space and 64 hexadecimal digits (printf '%s' KEY | sha256sum)"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
    },
    /// Too many.
    #[error("{path}: more than {KEYS_MAX} keys or {FILE_MAX} bytes; remove those that nobody uses")]
    TooMany {
        /// The file.
        path: PathBuf,
    },
}

/// The bouncers by the hashes of their keys: secrets are in no memory and no file.
#[derive(Debug)]
pub struct Keys(HashMap<[u8; 32], String>);

impl Keys {
    /// The keys of a file. Empty lines and those that begin with `#` say nothing.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(FILE_MAX + 1).read_to_string(&mut text));
        read.map_err(|cause| KeysError::Read { path: path.to_owned(), cause })?;
        let mut keys = HashMap::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let (name, hash) = entry(text).ok_or_else(|| KeysError::Line { path: path.to_owned(), line })?;
            keys.insert(hash, name.to_owned());
        }
        if text.len() as u64 > FILE_MAX || keys.len() > KEYS_MAX {
            return Err(KeysError::TooMany { path: path.to_owned() });
        }
        Ok(Self(keys))
    }

    /// Whose key this is. How long it takes tells of the hash only, which says nothing about any key.
    pub fn name(&self, key: &[u8]) -> Option<&str> {
        self.0.get(&<[u8; 32]>::from(Sha256::digest(key))).map(String::as_str)
    }
}

fn entry(text: &str) -> Option<(&str, [u8; 32])> {
    let mut words = text.split_whitespace();
    let (name, digits) = (words.next()?, words.next()?);
    let is_hex = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut hash = [0; 32];
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    (is_hex && words.next().is_none()).then_some((name, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // sha256("secret")
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        std::fs::write(&file, format!("# bouncers\n\nnginx {hash}\n")).unwrap();
        let keys = Keys::read(file.path()).unwrap();
        assert_eq!((keys.name(b"secret"), keys.name(b"Secret"), keys.name(b"")), (Some("nginx"), None, None));
        std::fs::write(&file, "nginx\nx y\n").unwrap();
        assert!(Keys::read(file.path()).unwrap_err().to_string().contains(":1: expected a name"));
    }
}
