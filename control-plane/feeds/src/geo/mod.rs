//! Where addresses are: country and AS from MaxMind DB files, and whether that is consistent.
//!
//! Called by the control plane for events, policies and `explain`; never by a worker. **Always holds:** a database is
//! walked once before it answers anything, and one that is damaged never takes the place of a good one.

mod consistency;
mod database;
mod places;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub use consistency::{Consistency, Settings, Subject};
pub use database::{Database, GeoError};
pub use places::Country;

/// What is known about an address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Where {
    /// ISO 3166-1 code; where the address is, else where it is registered.
    pub country: Option<Country>,
    /// Number of the autonomous system.
    pub asn: Option<u32>,
    /// Who runs it.
    pub organisation: Option<String>,
}

/// The databases in force. Cheap to ask from anywhere, replaced as a whole.
#[derive(Debug, Default)]
pub struct Atlas {
    files: Vec<PathBuf>,
    databases: RwLock<Arc<Vec<Database>>>,
}

/// So many files are asked at most.
pub const FILES_MAX: usize = 8;

impl Atlas {
    /// Opens and checks every file; an address is looked up in all of them, the first that knows something counts.
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn open<P: AsRef<Path>>(files: &[P]) -> Result<Self, GeoError> {
        let files: Vec<PathBuf> = files.iter().map(|file| file.as_ref().to_owned()).collect();
        let databases = load(&files)?;
        Ok(Self { files, databases: RwLock::new(Arc::new(databases)) })
    }

    /// Reads the files again. Whoever asks meanwhile gets the old answers; after an error they stay in force.
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn reload(&self) -> Result<(), GeoError> {
        let databases = Arc::new(load(&self.files)?);
        *self.databases.write().unwrap_or_else(PoisonError::into_inner) = databases;
        Ok(())
    }

    /// What the databases know about an address.
    pub fn find(&self, address: IpAddr) -> Where {
        let databases = Arc::clone(&self.databases.read().unwrap_or_else(PoisonError::into_inner));
        let mut found = Where::default();
        for database in databases.iter() {
            let more = database.find(address);
            found.country = found.country.or(more.country);
            if found.asn.is_none() {
                found.asn = more.asn;
                found.organisation = more.organisation;
            }
        }
        found
    }

    /// Kind and build time (seconds since 1970) of every database.
    pub fn kinds(&self) -> Vec<(String, u64)> {
        let databases = self.databases.read().unwrap_or_else(PoisonError::into_inner);
        databases.iter().map(|database| (database.kind().to_owned(), database.built_s())).collect()
    }
}

fn load(files: &[PathBuf]) -> Result<Vec<Database>, GeoError> {
    if files.len() > FILES_MAX {
        return Err(GeoError::TooMany(files.len()));
    }
    files.iter().map(|file| Database::open(file)).collect()
}
