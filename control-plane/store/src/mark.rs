//! Marks: a few bytes under a name, for whoever has to go on where he stopped: the box's own id, positions in audit
//! logs and event streams.

use redb::{ReadableTable, ReadableTableMetadata};

use crate::StoreError;
use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::store::Store;
use crate::tables::MARKS;

/// Marks that are kept; more are refused.
pub const MARKS_MAX: u64 = 256;
/// Bytes of a mark and of its name at most; longer ones are refused.
pub const MARK_BYTES_MAX: usize = 4096;

const BOX_ID: &str = "box-id";

impl Store {
    /// Keeps some bytes under a name, in the place of those before.
    ///
    /// # Errors
    /// [`StoreError::TooMany`]; [`StoreError::Full`], [`StoreError::Io`].
    pub fn set_mark(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        expect("bytes of a mark", name.len().max(bytes.len()) as u64, MARK_BYTES_MAX as u64)?;
        self.write(|transaction| {
            let mut marks = transaction.open_table(MARKS)?;
            marks.insert(name, seal(&bytes)?.as_slice())?;
            Ok(expect("marks", marks.len()?, MARKS_MAX)?)
        })
    }

    /// The bytes under a name.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn mark(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|transaction| {
            let row = transaction.open_table(MARKS)?.get(name)?;
            row.map(|row| unseal("a mark", row.value())).transpose()
        })
    }

    /// The id of this box: `fresh` (random, from the caller) where it has none yet, and the same ever after.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn box_id(&self, fresh: [u8; 16]) -> Result<[u8; 16], StoreError> {
        self.write(|transaction| {
            let mut marks = transaction.open_table(MARKS)?;
            let kept: Option<Vec<u8>> =
                marks.get(BOX_ID)?.map(|row| unseal("a mark", row.value())).transpose()?;
            if let Some(kept) = kept {
                return kept
                    .try_into()
                    .map_err(|_| Fault::Damaged("the box's id has no 16 bytes".to_owned()));
            }
            marks.insert(BOX_ID, seal(&fresh.as_slice())?.as_slice())?;
            Ok(fresh)
        })
    }
}

fn expect(what: &'static str, found: u64, max: u64) -> Result<(), StoreError> {
    let way_out = "marks are for a few positions";
    if found > max { Err(StoreError::TooMany { what, found, max, way_out }) } else { Ok(()) }
}
