//! Records as they are written: a thousand to a row, all of one moment.
//!
//! Rows are appended in the order of the walk, never sorted into a tree by address: a walk in the order of the table
//! would otherwise touch a page of the file for every source. A full chunk fills one 64 KiB page of redb.

use std::time::SystemTime;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::fault::Fault;
use crate::source::{RECORD_BYTES, SourceRecord, StoredRecord};
use crate::time::to_ms;

/// Records of a chunk at most.
pub(crate) const CHUNK_RECORDS: usize = 1000;

const VERSION: u8 = 1;

/// What stands before the records.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Head {
    version: u8,
    reserved: u8,
    count: U16,
    /// Over the other fields; records have their own.
    checksum: U32,
    written_ms: U64,
}

impl Head {
    fn new(count: usize, written_ms: u64) -> Self {
        let count = (count as u16).into();
        let mut head =
            Self { version: VERSION, reserved: 0, count, checksum: 0.into(), written_ms: written_ms.into() };
        head.checksum = head.sum().into();
        head
    }

    fn sum(&self) -> u32 {
        crc32fast::hash(Self { checksum: 0.into(), ..*self }.as_bytes())
    }
}

/// A chunk read back.
#[derive(Debug)]
pub(crate) struct Chunk<'a> {
    /// When it was written.
    pub written_ms: u64,
    /// Its records, not yet checked one by one.
    pub records: &'a [StoredRecord],
}

/// At most [`CHUNK_RECORDS`] records as a row.
pub(crate) fn encode(records: &[SourceRecord], now: SystemTime) -> Vec<u8> {
    encode_stored(records.iter().map(StoredRecord::of), records.len(), to_ms(now))
}

/// The same from records as they stand in the file.
pub(crate) fn encode_stored(
    records: impl Iterator<Item = StoredRecord>,
    count: usize,
    written_ms: u64,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of::<Head>() + count * RECORD_BYTES);
    bytes.extend_from_slice(Head::new(count, written_ms).as_bytes());
    records.for_each(|record| bytes.extend_from_slice(record.as_bytes()));
    bytes
}

/// Reads a row.
pub(crate) fn decode(bytes: &[u8]) -> Result<Chunk<'_>, Fault> {
    let bad = |why: &str| Fault::Damaged(format!("a chunk of sources: {why}"));
    let (head, rest) = Head::ref_from_prefix(bytes).map_err(|_| bad("too short"))?;
    if head.checksum.get() != head.sum() {
        return Err(bad("the checksum of its head is wrong"));
    }
    if head.version != VERSION {
        return Err(bad(&format!("row version {}, this release knows {VERSION}", head.version)));
    }
    let records = <[StoredRecord]>::ref_from_bytes(rest).map_err(|_| bad("a piece of a record"))?;
    if records.len() != usize::from(head.count.get()) {
        return Err(bad("another number of records than its head says"));
    }
    Ok(Chunk { written_ms: head.written_ms.get(), records })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_ms;

    #[test]
    fn every_damaged_byte_and_every_length_is_noticed() {
        let now = from_ms(1_700_000_000_000);
        let records =
            ["192.0.2.7", "2001:db8::/64"].map(|text| SourceRecord::new(text.parse().unwrap(), now));
        let bytes = encode(&records, now);
        let whole = |bytes: &[u8]| -> Option<Vec<SourceRecord>> {
            let chunk = decode(bytes).ok()?;
            (chunk.written_ms == 1_700_000_000_000).then_some(())?;
            chunk.records.iter().map(StoredRecord::record).collect()
        };
        assert_eq!(whole(&bytes).unwrap(), records);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert_eq!(whole(&bad), None, "byte {at}");
            assert_eq!(whole(&bytes[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_full_chunk_leaves_room_in_a_page() {
        let record = SourceRecord::new("192.0.2.7".parse().unwrap(), from_ms(0));
        assert!(encode(&[record; CHUNK_RECORDS], from_ms(0)).len() < (64 << 10) - 512);
    }
}
