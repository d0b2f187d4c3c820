//! What is given back after a start: every source once, in its latest record.
//!
//! Chunks are read from the newest to the oldest and a source that was met before is passed over, so that nothing but
//! one chunk and the hashes of the sources met is in memory: about 20 bytes a source.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::iter::Rev;
use std::time::{Duration, SystemTime};

use redb::{OwnedRange, ReadOnlyTable, ReadTransaction};

use crate::chunk;
use crate::fault::Fault;
use crate::round::relevant;
use crate::source::StoredRecord;
use crate::store::Store;
use crate::tables::{ROUNDS, SOURCES};
use crate::time::{age, from_ms};
use crate::{SourceRecord, StoreError};

type Key = (u64, u32);

/// A source as it was.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Restored {
    /// What was stored.
    pub record: SourceRecord,
    /// When: nudges after that are not in its score ([`Store::nudges`]).
    pub written: SystemTime,
    /// How long ago that was: for so long its score, tallies and mitigations have not faded.
    pub age: Duration,
}

/// Every source that is stored, once; see [`Store::restore_sources`].
#[derive(Debug)]
pub struct Restore {
    store: Store,
    walk: Walk,
    now: SystemTime,
    chunk: Option<Unseen>,
    expected: u64,
}

impl Store {
    /// Every source in its latest record, in no order, as of this moment: rounds that are written meanwhile are not
    /// seen, and the room of what they replace is not free before the iterator is dropped. An error is about one chunk,
    /// some records of it, or the rest of a round; the iterator goes on with the next.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn restore_sources(&self, now: SystemTime) -> Result<Restore, StoreError> {
        let (walk, expected) = self.read(|transaction| {
            let rounds = relevant(&transaction.open_table(ROUNDS)?)?;
            Ok((Walk::new(transaction)?, rounds.iter().map(|(_, row)| row.records).sum()))
        })?;
        Ok(Restore { store: self.clone(), walk, now, chunk: None, expected })
    }
}

impl Restore {
    /// Sources to come at most: for a progress bar, or to make room.
    pub const fn expected_max(&self) -> u64 {
        self.expected
    }
}

impl Iterator for Restore {
    type Item = Result<Restored, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(chunk) = &mut self.chunk else {
                match Fault::contain(|| self.walk.next().transpose()) {
                    Ok(chunk) => self.chunk = Some(chunk?),
                    Err(fault) => {
                        if fault.spoils() {
                            self.walk.leave_round();
                        }
                        return Some(Err(fault.at(self.store.path())));
                    }
                }
                continue;
            };
            if let Some(record) = chunk.records.pop().and_then(|stored| stored.record()) {
                let (written, age) = (from_ms(chunk.written_ms), age(self.now, chunk.written_ms));
                return Some(Ok(Restored { record, written, age }));
            }
            let damaged = std::mem::take(&mut chunk.damaged);
            self.chunk = None;
            if damaged > 0 {
                let what = format!("{damaged} records of sources have wrong checksums");
                return Some(Err(Fault::Damaged(what).at(self.store.path())));
            }
        }
    }
}

/// What a chunk has of sources that were not met before: sound records, and how many are not.
#[derive(Debug)]
pub(crate) struct Unseen {
    pub written_ms: u64,
    pub records: Vec<StoredRecord>,
    pub damaged: usize,
}

/// Goes through the chunks, the newest first.
#[derive(Debug)]
pub(crate) struct Walk {
    sources: ReadOnlyTable<Key, &'static [u8]>,
    /// To come, the newest last.
    rounds: Vec<u64>,
    chunks: Option<Chunks>,
    met: Met,
}

/// The chunks of one round, the latest first.
struct Chunks(Rev<OwnedRange<Key, &'static [u8]>>);

impl std::fmt::Debug for Chunks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chunks")
    }
}

/// Which sources were met: their hashes, keyed anew every time, so that nobody can prepare two sources that are taken
/// for one; among ten million, chance does it once in some hundred thousand starts.
#[derive(Debug, Default)]
struct Met {
    key: RandomState,
    hashes: HashSet<u64>,
}

impl Met {
    fn is_new(&mut self, record: &StoredRecord) -> bool {
        self.hashes.insert(self.key.hash_one(record.key()))
    }
}

impl Walk {
    pub fn new(transaction: &ReadTransaction) -> Result<Self, Fault> {
        let rounds = relevant(&transaction.open_table(ROUNDS)?)?;
        let rounds = rounds.into_iter().map(|(number, _)| number).collect();
        let sources = transaction.open_table(SOURCES)?;
        Ok(Self { sources, rounds, chunks: None, met: Met::default() })
    }

    /// Goes on with the round before: what failed would fail again.
    fn leave_round(&mut self) {
        self.chunks = None;
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Unseen, Fault> {
        let chunk = chunk::decode(bytes)?;
        let mut unseen = Unseen { written_ms: chunk.written_ms, records: Vec::new(), damaged: 0 };
        // The latest record of a source is the last one here too.
        for stored in chunk.records.iter().rev() {
            if stored.record().is_none() {
                unseen.damaged += 1;
            } else if self.met.is_new(stored) {
                unseen.records.push(*stored);
            }
        }
        Ok(unseen)
    }
}

impl Iterator for Walk {
    type Item = Result<Unseen, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(chunks) = &mut self.chunks else {
                let round = self.rounds.pop()?;
                match self.sources.range_owned((round, 0)..=(round, u32::MAX)) {
                    Ok(range) => self.chunks = Some(Chunks(range.rev())),
                    Err(error) => return Some(Err(error.into())),
                }
                continue;
            };
            match chunks.0.next() {
                Some(Ok((_, bytes))) => return Some(self.read(bytes.value())),
                None => self.chunks = None,
                Some(Err(error)) => {
                    self.chunks = None;
                    return Some(Err(error.into()));
                }
            }
        }
    }
}
