//! Entries of a feed of names. A file that is older than they are has no table for them.

use std::time::SystemTime;

use redb::{ReadTransaction, TableError, WriteTransaction};
use repute_model::DomainName;
use serde::{Deserialize, Serialize};

use super::{PART, expect, moment, seconds};
use crate::StoreError;
use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::tables::FEED_NAMES;

/// Names of one feed at most; more are refused.
pub const FEED_NAMES_MAX: usize = 1 << 20;

/// One name of a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedName {
    /// The name.
    pub name: DomainName,
    /// Until when it counts; stored in whole seconds.
    pub until: Option<SystemTime>,
    /// Which of the feed's labels stands with it, or any other number.
    pub note: u32,
}

/// A name in its row.
#[derive(Serialize, Deserialize)]
struct Packed {
    wire: Vec<u8>,
    /// Seconds since 1970 + 1; 0 = none.
    until: u64,
    note: u32,
}

pub(super) fn expect_size(names: &[FeedName]) -> Result<(), StoreError> {
    expect("names of a feed", names.len() as u64, FEED_NAMES_MAX as u64)
}

pub(super) fn put(transaction: &WriteTransaction, feed: &str, names: &[FeedName]) -> Result<(), Fault> {
    let mut table = transaction.open_table(FEED_NAMES)?;
    let pack = |name: &FeedName| Packed {
        wire: name.name.as_bytes().to_vec(),
        until: seconds(name.until),
        note: name.note,
    };
    for (part, number) in names.chunks(PART).zip(0..) {
        let packed: Vec<_> = part.iter().map(pack).collect();
        table.insert((feed, number), seal(&packed)?.as_slice())?;
    }
    Ok(())
}

pub(super) fn all(transaction: &ReadTransaction, feed: &str) -> Result<Vec<FeedName>, Fault> {
    let table = match transaction.open_table(FEED_NAMES) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut names = Vec::new();
    for part in table.range((feed, 0)..=(feed, u32::MAX))? {
        let packed: Vec<Packed> = unseal("names of a feed", part?.1.value())?;
        for Packed { wire, until, note } in packed {
            let none = || Fault::Damaged("a name of a feed is none".to_owned());
            let name = DomainName::from_wire(&wire).ok_or_else(none)?;
            names.push(FeedName { name, until: moment(until), note });
        }
    }
    Ok(names)
}

pub(super) fn clear(transaction: &WriteTransaction, feed: &str) -> Result<(), Fault> {
    let mut table = transaction.open_table(FEED_NAMES)?;
    table.retain_in((feed, 0)..=(feed, u32::MAX), |_: (&str, u32), _: &[u8]| false)?;
    Ok(())
}
