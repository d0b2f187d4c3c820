//! How a row is written: its version, its checksum, its content.
//!
//! ```text
//! 0        1                5
//! | version | CRC-32 (LE)   | content: postcard of the row's type
//! ```
//! The checksum (CRC-32/ISO-HDLC, as in zlib) is over version and content. redb checks its pages; this finds what went
//! wrong before a page was written or after it was read.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Fault;

/// The version of all rows that this release writes.
const VERSION: u8 = 1;

const HEAD: usize = 5;

/// A row as bytes.
pub(crate) fn seal(row: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; HEAD];
    bytes[0] = VERSION;
    let mut bytes = postcard::to_extend(row, bytes)
        .map_err(|error| Fault::Damaged(format!("a row cannot be written: {error}")))?;
    let sum = checksum(VERSION, &bytes[HEAD..]).to_le_bytes();
    bytes[1..HEAD].copy_from_slice(&sum);
    Ok(bytes)
}

/// The row that was sealed. `what` names it in errors.
pub(crate) fn unseal<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Fault> {
    let bad = |why: String| Fault::Damaged(format!("{what}: {why}"));
    let [version, s0, s1, s2, s3, content @ ..] = bytes else {
        return Err(bad(format!("a row of {} bytes", bytes.len())));
    };
    if u32::from_le_bytes([*s0, *s1, *s2, *s3]) != checksum(*version, content) {
        return Err(bad("the checksum is wrong".to_owned()));
    }
    if *version != VERSION {
        return Err(bad(format!("row version {version}, this release knows {VERSION}")));
    }
    let (row, rest) = postcard::take_from_bytes(content).map_err(|error| bad(error.to_string()))?;
    if rest.is_empty() { Ok(row) } else { Err(bad(format!("{} bytes too many", rest.len()))) }
}

fn checksum(version: u8, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[version]);
    hasher.update(content);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (String, u64, Vec<u32>);

    #[test]
    fn every_damaged_byte_and_every_length_is_noticed() {
        let row: Row = ("a row".to_owned(), 7, vec![1, 2, 3]);
        let sealed = seal(&row).unwrap();
        assert_eq!(unseal::<Row>("test", &sealed).unwrap(), row);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut bad = sealed.clone();
                bad[at] ^= 1 << bit;
                assert!(unseal::<Row>("test", &bad).is_err(), "byte {at} bit {bit}");
            }
            assert!(unseal::<Row>("test", &sealed[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn a_row_of_another_release_is_named() {
        let mut sealed = seal(&1u8).unwrap();
        sealed[0] = 9;
        let sum = checksum(9, &sealed[HEAD..]).to_le_bytes();
        sealed[1..HEAD].copy_from_slice(&sum);
        let what = unseal::<u8>("nudge", &sealed).unwrap_err().damage().unwrap();
        assert_eq!(what, "nudge: row version 9, this release knows 1");
    }
}
