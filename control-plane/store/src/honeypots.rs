//! Names of honeypots that came while the box ran: one row for each.

use std::time::SystemTime;

use redb::{ReadableTable, ReadableTableMetadata, TableError};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::store::Store;
use crate::tables::HONEYPOTS;
use crate::time::ms;

/// Names that are kept; more are refused.
pub const HONEYPOTS_MAX: usize = 65_536;

/// One name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptHoneypot {
    /// The name, as in zone files; the key.
    pub name: String,
    /// Until when it counts; stored in ms.
    pub until: SystemTime,
    /// Who says so, and why.
    pub note: String,
}

/// What stands in a row.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(with = "ms")]
    until: SystemTime,
    note: String,
}

impl Store {
    /// Puts these names in the place of those before.
    ///
    /// # Errors
    /// [`StoreError::TooMany`]; [`StoreError::Full`], [`StoreError::Io`].
    pub fn put_honeypots(&self, names: &[KeptHoneypot]) -> Result<(), StoreError> {
        if names.len() > HONEYPOTS_MAX {
            let (what, way_out) =
                ("names of honeypots", "name wildcards, or put them into a file of the config");
            let (found, max) = (names.len() as u64, HONEYPOTS_MAX as u64);
            return Err(StoreError::TooMany { what, found, max, way_out });
        }
        self.write(|transaction| {
            let mut table = transaction.open_table(HONEYPOTS)?;
            if table.len()? > 0 {
                table.retain(|_, _| false)?;
            }
            for KeptHoneypot { name, until, note } in names {
                let row = Row { until: *until, note: note.clone() };
                table.insert(name.as_str(), seal(&row)?.as_slice())?;
            }
            Ok(())
        })
    }

    /// All of them, by name; none where nothing was ever kept.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn honeypots(&self) -> Result<Vec<KeptHoneypot>, StoreError> {
        self.read(|transaction| {
            let table = match transaction.open_table(HONEYPOTS) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let one = |row: Result<(redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>), _>| {
                let (name, row) = row.map_err(Fault::from)?;
                let Row { until, note } = unseal("a honeypot", row.value())?;
                Ok(KeptHoneypot { name: name.value().to_owned(), until, note })
            };
            table.iter()?.map(one).collect()
        })
    }
}
