//! The open store: transactions, and opening anew after a failure.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use crate::fault::Fault;
use crate::open::load;
use crate::tables::SPARE;
use crate::{Limits, StoreError};

/// Bytes in one piece that are free in the file after every transaction that stores something.
const SPARE_BYTES: usize = 128 << 10;

/// The store of one box. Cheap to clone; writers wait for each other, readers for nobody.
///
/// After a failure of the disk the file is closed, and the next call opens it anew.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    limits: Limits,
    /// `None` after a failure, until the next call.
    database: RwLock<Option<Database>>,
    /// Held as long as the file is open.
    _lock: File,
}

impl Store {
    pub(crate) fn new(path: PathBuf, limits: Limits, database: Database, lock: File) -> Self {
        Self { shared: Arc::new(Shared { path, limits, database: RwLock::new(Some(database)), _lock: lock }) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// How much it keeps.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Bytes of the file now.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn file_bytes(&self) -> Result<u64, StoreError> {
        let found = std::fs::metadata(self.path());
        found.map(|found| found.len()).map_err(|cause| StoreError::Io { path: self.path().to_owned(), cause })
    }

    /// One durable transaction that stores something: all of it, or nothing where it fails. It fails also where it
    /// would leave no room for [`Store::free`].
    pub(crate) fn write<R>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<R, Fault>,
    ) -> Result<R, StoreError> {
        self.free(|transaction| {
            let result = work(transaction)?;
            let mut spare = transaction.open_table(SPARE)?;
            spare.insert((), [0; SPARE_BYTES].as_slice())?;
            spare.remove(())?;
            Ok(result)
        })
    }

    /// One durable transaction that stores next to nothing, or makes room: removing takes some pages too, and they are
    /// there even if the disk is full.
    pub(crate) fn free<R>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<R, Fault>,
    ) -> Result<R, StoreError> {
        self.with(|database| {
            let transaction = begin(database)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    /// Looks at the latest state.
    pub(crate) fn read<R>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<R, Fault>,
    ) -> Result<R, StoreError> {
        self.with(|database| work(&database.begin_read()?))
    }

    /// Does something with the open file; closes it where it is of no use any more.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&Database) -> Result<R, Fault>) -> Result<R, StoreError> {
        self.reopen()?;
        let outcome = {
            let held = self.shared.database.read().unwrap_or_else(PoisonError::into_inner);
            let closed =
                || Fault::from(redb::StorageError::Io(io::Error::other("closed by another failure")));
            Fault::contain(|| work(held.as_ref().ok_or_else(closed)?))
        };
        outcome.map_err(|fault| {
            if fault.spoils() {
                self.shared.database.write().unwrap_or_else(PoisonError::into_inner).take();
            }
            fault.at(self.path())
        })
    }

    /// Opens the file anew if it was closed.
    fn reopen(&self) -> Result<(), StoreError> {
        if self.shared.database.read().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let mut held = self.shared.database.write().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            *held = Some(load(self.path(), self.limits()).map_err(|fault| fault.at(self.path()))?);
        }
        Ok(())
    }
}

/// A transaction that is durable when its commit returns.
pub(crate) fn begin(database: &Database) -> Result<WriteTransaction, Fault> {
    let mut transaction = database.begin_write()?;
    // What is stored is under the influence of whoever sends packets: never trust a half-written commit because its
    // checksum happens to match.
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}
