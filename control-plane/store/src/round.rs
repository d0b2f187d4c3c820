//! Rounds of snapshots: all sources, as the sweep hands them out.
//!
//! A round is written piece by piece beside the one before, and takes its place when it is finished. What is restored
//! is the last finished round under whatever newer rounds have brought so far, so a kill at any moment costs a source
//! no more than what happened to it since its last turn. Sources that left the table are gone with the next round.

use std::time::SystemTime;

use redb::{ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::chunk::{self, CHUNK_RECORDS};
use crate::fault::Fault;
use crate::restore::Walk;
use crate::seal::{seal, unseal};
use crate::store::{Store, begin};
use crate::tables::{ROUNDS, SOURCES};
use crate::time::ms;
use crate::{SourceRecord, StoreError};

/// Records of one [`Round::add`] at most: one transaction of a mebibyte.
pub const BATCH_MAX: usize = 16 * CHUNK_RECORDS;

/// Rounds without an end that are kept beside the last finished one: what daemons left that were killed one after
/// the other. When a new round would be one more, all are folded into one first.
pub const UNFINISHED_MAX: usize = 4;

/// What is known of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct RoundRow {
    #[serde(with = "ms")]
    pub begun: SystemTime,
    pub finished: bool,
    /// Records so far.
    pub records: u64,
}

/// A round whose row is damaged.
const UNREADABLE: RoundRow = RoundRow { begun: SystemTime::UNIX_EPOCH, finished: false, records: 0 };

/// The rounds that a restore is made of, the oldest first: the last finished one, if any, and those after it.
pub(crate) fn relevant(
    rounds: &impl ReadableTable<u64, &'static [u8]>,
) -> Result<Vec<(u64, RoundRow)>, Fault> {
    let mut found = Vec::new();
    for row in rounds.iter()?.rev() {
        let (number, row) = row?;
        // What cannot be read may have chunks that can.
        let row: RoundRow = unseal("a round", row.value()).unwrap_or(UNREADABLE);
        found.push((number.value(), row));
        if row.finished {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// A round under way. Dropped without [`Round::finish`], it stays what it is: newer than the last finished one.
#[derive(Debug)]
pub struct Round {
    store: Store,
    number: u64,
    row: RoundRow,
    chunks: u32,
}

impl Store {
    /// Begins a round.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn begin_round(&self, now: SystemTime) -> Result<Round, StoreError> {
        let unfinished = self.read(unfinished)?;
        if unfinished >= UNFINISHED_MAX {
            match self.fold(now) {
                // There is no room to fold: this round makes some when it is finished.
                Err(StoreError::Full { .. }) => {}
                folded => folded?,
            }
        }
        let row = RoundRow { begun: now, finished: false, records: 0 };
        let number = self.free(|transaction| enter(transaction, row))?;
        Ok(Round { store: self.clone(), number, row, chunks: 0 })
    }

    /// When the last finished round began, and how many records it has.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn last_round(&self) -> Result<Option<(SystemTime, u64)>, StoreError> {
        let rounds = self.read(|transaction| relevant(&transaction.open_table(ROUNDS)?))?;
        let finished = rounds.first().filter(|(_, row)| row.finished);
        Ok(finished.map(|(_, row)| (row.begun, row.records)))
    }

    /// Makes one finished round of all that a restore would yield; every record keeps its age.
    fn fold(&self, now: SystemTime) -> Result<(), StoreError> {
        self.with(|database| {
            let walk = Walk::new(&database.begin_read()?)?;
            let transaction = begin(database)?;
            let mut row = RoundRow { begun: now, finished: true, records: 0 };
            let number = enter(&transaction, row)?;
            {
                let mut sources = transaction.open_table(SOURCES)?;
                // A chunk that cannot be read is lost here as it would be in a restore.
                let chunks = walk.filter(|chunk| !matches!(chunk, Err(Fault::Damaged(_))));
                for (chunk, at) in chunks.zip(0..) {
                    let chunk = chunk?;
                    let count = chunk.records.len();
                    let bytes = chunk::encode_stored(chunk.records.into_iter(), count, chunk.written_ms);
                    sources.insert((number, at), bytes.as_slice())?;
                    row.records += count as u64;
                }
            }
            settle(&transaction, number, row)?;
            transaction.commit()?;
            Ok(())
        })
    }
}

fn unfinished(transaction: &ReadTransaction) -> Result<usize, Fault> {
    let rounds = relevant(&transaction.open_table(ROUNDS)?)?;
    Ok(rounds.iter().filter(|(_, row)| !row.finished).count())
}

/// Takes the next number.
fn enter(transaction: &WriteTransaction, row: RoundRow) -> Result<u64, Fault> {
    let mut rounds = transaction.open_table(ROUNDS)?;
    let last = rounds.last()?.map_or(0, |(number, _)| number.value());
    let number =
        last.checked_add(1).ok_or_else(|| Fault::Damaged("the last round number is used".to_owned()))?;
    rounds.insert(number, seal(&row)?.as_slice())?;
    Ok(number)
}

/// Marks a round as finished and removes all before it.
fn settle(transaction: &WriteTransaction, number: u64, row: RoundRow) -> Result<(), Fault> {
    let mut rounds = transaction.open_table(ROUNDS)?;
    rounds.insert(number, seal(&row)?.as_slice())?;
    rounds.retain_in(..number, |_, _| false)?;
    transaction.open_table(SOURCES)?.retain_in(..(number, 0), |_, _| false)?;
    Ok(())
}

/// Removes a round without an end.
fn give_up(transaction: &WriteTransaction, number: u64) -> Result<(), Fault> {
    transaction.open_table(ROUNDS)?.remove(number)?;
    transaction.open_table(SOURCES)?.retain_in((number, 0)..=(number, u32::MAX), |_, _| false)?;
    Ok(())
}

impl Round {
    /// Records written so far.
    pub const fn records(&self) -> u64 {
        self.row.records
    }

    /// Writes some records, at most [`BATCH_MAX`], durably and all or none. Where a source comes twice in a round,
    /// the later record counts. After [`StoreError::Io`] the same records may be added again.
    ///
    /// # Errors
    /// [`StoreError::TooMany`], [`StoreError::RoundOver`], [`StoreError::Io`]; [`StoreError::Full`]: the round is given
    /// up and its room made free, the last finished one stays; begin another one when its time has come.
    pub fn add(&mut self, records: &[SourceRecord], now: SystemTime) -> Result<(), StoreError> {
        let added = self.try_add(records, now);
        if matches!(added, Err(StoreError::Full { .. })) {
            // Where even this fails, the room is made free by the next round that is finished.
            let _ = self.store.free(|transaction| give_up(transaction, self.number));
        }
        added
    }

    fn try_add(&mut self, records: &[SourceRecord], now: SystemTime) -> Result<(), StoreError> {
        self.expect_room(records.len() as u64)?;
        let row = RoundRow { records: self.row.records + records.len() as u64, ..self.row };
        let (number, first) = (self.number, self.chunks);
        let chunks = self.store.write(|transaction| {
            let mut rounds = transaction.open_table(ROUNDS)?;
            expect_open(&rounds, number)?;
            rounds.insert(number, seal(&row)?.as_slice())?;
            let mut sources = transaction.open_table(SOURCES)?;
            let mut chunks = first;
            for piece in records.chunks(CHUNK_RECORDS) {
                sources.insert((number, chunks), chunk::encode(piece, now).as_slice())?;
                chunks = chunks.saturating_add(1);
            }
            Ok(chunks)
        })?;
        (self.row, self.chunks) = (row, chunks);
        Ok(())
    }

    /// Puts this round in the place of all before it. After an error it may be finished again.
    ///
    /// # Errors
    /// [`StoreError::RoundOver`]; [`StoreError::Full`], [`StoreError::Io`].
    pub fn finish(&mut self) -> Result<(), StoreError> {
        let row = RoundRow { finished: true, ..self.row };
        let number = self.number;
        self.store.free(|transaction| {
            expect_open(&transaction.open_table(ROUNDS)?, number)?;
            settle(transaction, number, row)
        })?;
        self.row = row;
        Ok(())
    }

    fn expect_room(&self, more: u64) -> Result<(), StoreError> {
        if more > BATCH_MAX as u64 {
            let way_out = "add them in several batches";
            return Err(StoreError::TooMany {
                what: "records at once",
                found: more,
                max: BATCH_MAX as u64,
                way_out,
            });
        }
        let (found, max) = (self.row.records + more, self.store.limits().sources);
        if found > max {
            let way_out = "the store's limit should not be below `[limits] sources`";
            return Err(StoreError::TooMany { what: "sources of a round", found, max, way_out });
        }
        Ok(())
    }
}

/// Refuses where the round has been finished, or replaced by a later one.
fn expect_open(rounds: &impl ReadableTable<u64, &'static [u8]>, number: u64) -> Result<(), Fault> {
    let row = rounds.get(number)?.ok_or(Fault::Other(StoreError::RoundOver(number)))?;
    let row: RoundRow = unseal("a round", row.value())?;
    if row.finished { Err(StoreError::RoundOver(number).into()) } else { Ok(()) }
}
