//! One MaxMind DB file (format 2.0), checked before it is used.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use repute_model::Prefix;
use serde::Deserialize;

use super::Where;
use super::places::Country;
use super::select::Pick;
use crate::feed::version;

/// The longest file in bytes.
const FILE_MAX: u64 = 1 << 30;
/// So many records are looked at for a country or an AS.
const LOOKED_AT: usize = 10_000;

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// It cannot be read.
    #[error("geo database {}: {error}; check the path and its permissions (`[geo]`)", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is too long, or no file.
    #[error("geo database {}: {what}; name a MaxMind DB file (`[geo]`)", .path.display())]
    NoFile {
        /// Which file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It is damaged.
    #[error("geo database {}: {error}; the file is damaged or was cut off: fetch it again", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: MaxMindDbError,
    },
    /// It holds something else.
    #[error(
        "geo database {}: a `{kind}` names neither countries nor AS numbers; use a country, city, ASN or ISP database",
        .path.display()
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Its type, as it says.
        kind: String,
    },
    /// Too many files.
    #[error("{0} geo databases, at most 8 are read; leave some out (`[geo]`)")]
    TooMany(usize),
    /// It names more networks than a policy takes.
    #[error(
        "geo database {}: more than {max} networks; use one that is about countries or AS numbers alone (`[geo]`)",
        .path.display()
    )]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// How many are taken.
        max: usize,
    },
    /// A selection that no database can answer.
    #[error("{0} are selected, but no geo database names any; use one that does (`[geo]`)")]
    Unnamed(&'static str),
    /// A selection of too many prefixes.
    #[error(
        "more than {max} prefixes are selected by country and AS, {count} of them by {pick}: leave that out, or \
         list the worst of its prefixes (`lists.deny_files`)"
    )]
    TooLarge {
        /// What makes the most of them.
        pick: Pick,
        /// How many that is.
        count: usize,
        /// How many there may be in all.
        max: usize,
    },
}

/// What is read of a record; whatever else it has does not matter.
#[derive(Deserialize, Default)]
struct Record<'a> {
    #[serde(borrow, default)]
    country: Option<Named<'a>>,
    #[serde(borrow, default)]
    registered_country: Option<Named<'a>>,
    #[serde(default)]
    autonomous_system_number: Option<u32>,
    #[serde(borrow, default)]
    autonomous_system_organization: Option<&'a str>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    iso_code: Option<&'a str>,
}

impl Record<'_> {
    fn country(&self) -> Option<Country> {
        let code = |named: &Option<Named<'_>>| Country::new(named.as_ref()?.iso_code?);
        code(&self.country).or_else(|| code(&self.registered_country))
    }

    fn at(&self) -> Where {
        Where {
            country: self.country(),
            asn: self.autonomous_system_number,
            organisation: self.autonomous_system_organization.map(str::to_owned),
        }
    }
}

/// A database that has been walked from end to end.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    reader: Reader<Vec<u8>>,
}

/// A network, its country, its AS.
pub(super) type Network = (Prefix, Option<Country>, Option<u32>);

impl Database {
    /// Opens a file, walks its tree and all its data, and looks whether it names countries or AS numbers.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or is about something else.
    pub fn open(path: &Path) -> Result<Self, GeoError> {
        let bytes = read(path)?;
        let damaged = |error| GeoError::Damaged { path: path.to_owned(), error };
        let reader = Reader::from_source(bytes).map_err(damaged)?;
        reader.verify().map_err(damaged)?;
        let database = Self { path: path.to_owned(), reader };
        if database.tells_something().map_err(damaged)? {
            return Ok(database);
        }
        Err(GeoError::Foreign { path: path.to_owned(), kind: database.kind().to_owned() })
    }

    fn tells_something(&self) -> Result<bool, MaxMindDbError> {
        for network in self.reader.networks(WithinOptions::default())?.take(LOOKED_AT) {
            let at = match network?.decode::<Record<'_>>() {
                Ok(record) => record.unwrap_or_default().at(),
                // Records of another shape are another kind of database.
                Err(_) => continue,
            };
            if at.country.is_some() || at.asn.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All networks of which it knows something, ascending.
    pub(super) fn networks(&self) -> Result<impl Iterator<Item = Result<Network, GeoError>>, GeoError> {
        let damaged = |error| GeoError::Damaged { path: self.path.clone(), error };
        let networks = self.reader.networks(WithinOptions::default()).map_err(damaged)?;
        Ok(networks.filter_map(move |found| {
            let found = match found {
                Ok(found) => found,
                Err(error) => return Some(Err(damaged(error))),
            };
            // Records of another shape say nothing of places.
            let record = found.decode::<Record<'_>>().ok().flatten()?;
            let (country, asn) = (record.country(), record.autonomous_system_number);
            let network = found.network().map_err(damaged).map(|network| {
                let len = network.prefix() + if network.is_ipv4() { 96 } else { 0 };
                (Prefix::containing(network.ip().into(), len), country, asn)
            });
            (country.is_some() || asn.is_some()).then_some(network)
        }))
    }

    pub(super) fn too_long(&self, max: usize) -> GeoError {
        GeoError::TooLong { path: self.path.clone(), max }
    }

    /// What it knows about an address; nothing where it does not cover it.
    pub fn find(&self, address: IpAddr) -> Where {
        let record = self.reader.lookup(address).and_then(|found| found.decode::<Record<'_>>());
        record.ok().flatten().unwrap_or_default().at()
    }

    /// Its type, as it says: `GeoLite2-Country`.
    pub fn kind(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// When it was built, in seconds since 1970.
    pub fn built_s(&self) -> u64 {
        self.reader.metadata().build_epoch
    }
}

/// What a file looks like from outside; empty where there is none.
pub(super) fn stamp(path: &Path) -> String {
    path.metadata().map(|file| version(&file)).unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<u8>, GeoError> {
    let failed = |error| GeoError::Read { path: path.to_owned(), error };
    let refused = |what| GeoError::NoFile { path: path.to_owned(), what };
    // Asked before it is opened: opening a pipe would wait for whoever writes to it.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(refused("not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(refused("longer than 1 GiB"));
    }
    Ok(bytes)
}
