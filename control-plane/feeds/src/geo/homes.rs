//! Where all addresses are at home, as the tables that workers look up in.
//!
//! Called by the daemon for policies that judge queries, and by a replay. **Always holds:** of several databases the first
//! that names AS numbers decides about them, and the first that names countries about those, as in every other answer.

use std::num::NonZeroU32;

use repute_model::{Homes, Prefix};

use super::database::{Database, GeoError};
use super::{Atlas, Country};

/// Prefixes of each kind that are taken at most: three times what all of the internet takes today.
const PREFIXES_MAX: usize = 1 << 22;

/// What one database names.
#[derive(Default)]
struct Named {
    systems: Vec<(Prefix, NonZeroU32)>,
    countries: Vec<(Prefix, [u8; 2])>,
}

impl Atlas {
    /// In which system and country all addresses are; nothing where no database names AS numbers. May take seconds.
    ///
    /// # Errors
    /// A database that cannot be walked, or names more prefixes than are taken.
    pub fn homes(&self) -> Result<Homes, GeoError> {
        let mut all = Named::default();
        for database in &self.databases {
            let named = Named::of(database, PREFIXES_MAX)?;
            if all.systems.is_empty() {
                all.systems = named.systems;
            }
            if all.countries.is_empty() {
                all.countries = named.countries;
            }
        }
        if all.systems.is_empty() {
            return Ok(Homes::default());
        }
        Ok(Homes::new(all.systems, all.countries))
    }
}

impl Named {
    fn of(database: &Database, max: usize) -> Result<Self, GeoError> {
        let mut named = Self::default();
        for network in database.networks()? {
            let (prefix, country, asn) = network?;
            named.systems.extend(asn.and_then(NonZeroU32::new).map(|number| (prefix, number)));
            named.countries.extend(country.map(|code: Country| (prefix, code.letters())));
            if named.systems.len().max(named.countries.len()) > max {
                return Err(database.too_long(max));
            }
        }
        Ok(named)
    }
}
