//! What is usual for services at each hour of the week: one row for each service.

use redb::{ReadableTable, TableError};
use repute_model::Hour;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::store::Store;
use crate::tables::HOURS;

/// Services whose weeks are kept; more are refused.
pub const WEEKS_MAX: usize = 256;

/// One hour of a service's week.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct WeekHour {
    /// Packets per second of one source.
    pub packets_per_s: f32,
    /// Bytes per second of one source.
    pub bytes_per_s: f32,
    /// Weeks learnt.
    pub weeks: u8,
}

/// One service's week.
#[derive(Clone, PartialEq, Debug)]
pub struct ServiceWeek {
    /// The name of the service; the key.
    pub service: String,
    /// Its hours, from Monday 00:00 UTC on.
    pub hours: Vec<WeekHour>,
}

impl Store {
    /// Puts the weeks of all services in the place of those before.
    ///
    /// # Errors
    /// [`StoreError::TooMany`]; [`StoreError::Full`], [`StoreError::Io`].
    pub fn put_weeks(&self, weeks: &[ServiceWeek]) -> Result<(), StoreError> {
        let hours = weeks.iter().map(|week| week.hours.len()).max().unwrap_or(0);
        expect("weeks of services", weeks.len(), WEEKS_MAX)?;
        expect("hours of a week", hours, Hour::COUNT)?;
        self.write(|transaction| {
            let mut table = transaction.open_table(HOURS)?;
            table.retain(|name, _| weeks.iter().any(|week| week.service == name))?;
            for week in weeks {
                table.insert(week.service.as_str(), seal(&week.hours)?.as_slice())?;
            }
            Ok(())
        })
    }

    /// The weeks of all services, by name; none where nothing was ever kept.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn weeks(&self) -> Result<Vec<ServiceWeek>, StoreError> {
        self.read(|transaction| {
            let table = match transaction.open_table(HOURS) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let week = |row: Result<(redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>), _>| {
                let (name, row) = row.map_err(Fault::from)?;
                let hours = unseal("a service's week", row.value())?;
                Ok(ServiceWeek { service: name.value().to_owned(), hours })
            };
            table.iter()?.map(week).collect()
        })
    }
}

fn expect(what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
    let way_out = "a policy has 255 services, and a week 168 hours";
    let (found, max) = (found as u64, max as u64);
    if found > max { Err(StoreError::TooMany { what, found, max, way_out }) } else { Ok(()) }
}
