//! Where addresses are: country and AS from MaxMind DB files, and whether that is consistent.
//!
//! Called by the control plane for events, policies and `explain`; never by a worker, which gets tables ([`Atlas::homes`]). **Always holds:** a database is
//! walked once before it answers anything, and one that is damaged never takes the place of a good one.

mod consistency;
mod database;
mod homes;
mod places;
mod select;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use consistency::{Consistency, Settings, Subject};
pub use database::{Database, GeoError};
pub use places::Country;
pub use select::{Pick, Selection};

use database::stamp;

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

/// Some databases at one moment; newer files make a new atlas.
#[derive(Debug, Default)]
pub struct Atlas {
    /// Where they are, with what they looked like before they were read.
    files: Vec<(PathBuf, String)>,
    databases: Vec<Database>,
}

/// So many files are asked at most.
pub const FILES_MAX: usize = 8;

impl Atlas {
    /// Opens and checks every file; an address is looked up in all of them, the first that knows something counts.
    ///
    /// # Errors
    /// The first file that cannot be used, and why.
    pub fn open<P: AsRef<Path>>(files: &[P]) -> Result<Self, GeoError> {
        if files.len() > FILES_MAX {
            return Err(GeoError::TooMany(files.len()));
        }
        let files: Vec<_> =
            files.iter().map(|file| (file.as_ref().to_owned(), stamp(file.as_ref()))).collect();
        let databases = files.iter().map(|(file, _)| Database::open(file)).collect::<Result<_, _>>()?;
        Ok(Self { files, databases })
    }

    /// Whether these are its files, and they look as they did when they were read.
    pub fn is_current<P: AsRef<Path>>(&self, files: &[P]) -> bool {
        let same =
            |(known, file): (&(PathBuf, String), &P)| known.0 == file.as_ref() && known.1 == stamp(&known.0);
        self.files.len() == files.len() && self.files.iter().zip(files).all(same)
    }

    /// What the databases know about an address.
    pub fn find(&self, address: IpAddr) -> Where {
        let mut found = Where::default();
        for database in &self.databases {
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
        self.databases.iter().map(|database| (database.kind().to_owned(), database.built_s())).collect()
    }
}
