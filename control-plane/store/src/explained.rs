//! Explanations over time: why a source stood where, kept for the retention period.
//!
//! Rows by source and time, and an index by time for what goes first. Two explanations of one source in the same
//! millisecond are one: the later.

use std::borrow::Cow;
use std::time::SystemTime;

use redb::{ReadableTable, ReadableTableMetadata, Table};
use repute_model::{Address, Band, Score, Source};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::store::Store;
use crate::tables::{EXPLAINED, EXPLAINED_AT};
use crate::time::{from_ms, to_ms};
use crate::{Limits, StoreError};

/// Factors of one explanation at most.
pub const TERMS_MAX: usize = 64;
/// Bytes of a factor's name or a treatment at most.
pub const NAME_MAX: usize = 128;
/// Explanations of one [`Store::add_explanations`] at most.
const AT_ONCE_MAX: usize = 4096;
/// Explanations that one [`Store::expire_explanations`] removes at most.
pub const EXPIRE_AT_ONCE: u64 = 4096;

/// Why a source stood where, at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Explained {
    /// Who.
    pub source: Source,
    /// When; stored in ms.
    pub at: SystemTime,
    /// Standing.
    pub score: Score,
    /// Band.
    pub band: Band,
    /// What it got, by name.
    pub treatment: Cow<'static, str>,
    /// Version of the policy that judged.
    pub policy_version: u64,
    /// What made the score, at most [`TERMS_MAX`].
    pub terms: Vec<ExplainedTerm>,
}

/// One term of a score.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ExplainedTerm {
    /// The factor's name: names outlive releases, numbers do not.
    pub factor: Cow<'static, str>,
    /// How bad, 0..1.
    pub value: f32,
    /// How much it counts.
    pub weight: f32,
}

/// What the key does not say.
#[derive(Serialize, Deserialize)]
struct Row {
    score: u16,
    band: u8,
    treatment: Cow<'static, str>,
    policy_version: u64,
    terms: Vec<ExplainedTerm>,
}

type Key = (u128, u8, u64);
type Rows<'a> = Table<'a, Key, &'static [u8]>;
type Times<'a> = Table<'a, (u64, u128, u8), ()>;

impl Explained {
    fn key(&self) -> Key {
        (self.source.first().0, self.source.len128(), to_ms(self.at))
    }

    fn row(&self) -> Row {
        let Self { score, band, treatment, policy_version, terms, .. } = self.clone();
        Row { score: score.get(), band: band.index() as u8, treatment, policy_version, terms }
    }

    fn of((first, len, at): Key, bytes: &[u8]) -> Result<Self, Fault> {
        if len > 128 {
            return Err(Fault::Damaged(format!("an explanation of a prefix of {len} bits")));
        }
        let Row { score, band, treatment, policy_version, terms } = unseal("an explanation", bytes)?;
        let source = Source::from_parts(Address(first), len);
        let (score, band) = (Score::new(score), Band::from_index(band));
        Ok(Self { source, at: from_ms(at), score, band, treatment, policy_version, terms })
    }

    fn expect_short(&self) -> Result<(), StoreError> {
        let names = self.terms.iter().map(|term| &term.factor).chain([&self.treatment]);
        let longest = names.map(|name| name.len()).max().unwrap_or(0);
        expect("factors of an explanation", self.terms.len(), TERMS_MAX)?;
        expect("bytes of a name", longest, NAME_MAX)
    }
}

fn expect(what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
    let way_out = "store less of it";
    let (found, max) = (found as u64, max as u64);
    if found > max { Err(StoreError::TooMany { what, found, max, way_out }) } else { Ok(()) }
}

impl Store {
    /// Keeps some explanations, at most 4096 at once, all or none. Beyond the limits the oldest go.
    ///
    /// # Errors
    /// [`StoreError::TooMany`]; [`StoreError::Full`], [`StoreError::Io`].
    pub fn add_explanations(&self, explanations: &[Explained]) -> Result<(), StoreError> {
        expect("explanations at once", explanations.len(), AT_ONCE_MAX)?;
        explanations.iter().try_for_each(Explained::expect_short)?;
        self.write(|transaction| {
            let mut rows = transaction.open_table(EXPLAINED)?;
            let mut times = transaction.open_table(EXPLAINED_AT)?;
            for explained in explanations {
                let (first, len, at) = explained.key();
                rows.insert((first, len, at), seal(&explained.row())?.as_slice())?;
                times.insert((at, first, len), ())?;
                trim_source(&mut rows, &mut times, explained.source, self.limits())?;
            }
            trim_all(&mut rows, &mut times, self.limits())
        })
    }

    /// What is kept of one source between two times (both included), the latest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn explanations(
        &self,
        source: Source,
        from: SystemTime,
        to: SystemTime,
        max: usize,
    ) -> Result<Vec<Explained>, StoreError> {
        let (first, len) = (source.first().0, source.len128());
        let (from, to) = (to_ms(from), to_ms(to));
        if from > to {
            return Ok(Vec::new());
        }
        self.read(|transaction| {
            let rows = transaction.open_table(EXPLAINED)?;
            let found = rows.range((first, len, from)..=(first, len, to))?.rev().take(max);
            found
                .map(|row| {
                    row.map_err(Fault::from).and_then(|(key, row)| Explained::of(key.value(), row.value()))
                })
                .collect()
        })
    }

    /// The explanation that held at `time`: the last one before or at it.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn explanation_at(&self, source: Source, time: SystemTime) -> Result<Option<Explained>, StoreError> {
        Ok(self.explanations(source, SystemTime::UNIX_EPOCH, time, 1)?.pop())
    }

    /// How many explanations are kept.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn explanations_len(&self) -> Result<u64, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(EXPLAINED)?.len()?))
    }

    /// Removes what is older than the retention time, at most [`EXPIRE_AT_ONCE`]; returns how many. Call it now and
    /// then, again at once where it returned that many.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub fn expire_explanations(&self, now: SystemTime) -> Result<u64, StoreError> {
        let before = to_ms(now).saturating_sub(self.limits().retention.as_millis() as u64);
        let due = self.read(|transaction| {
            let times = transaction.open_table(EXPLAINED_AT)?;
            Ok(times.range(..(before, 0, 0))?.next().is_some())
        })?;
        if !due {
            return Ok(0);
        }
        self.free(|transaction| {
            let mut rows = transaction.open_table(EXPLAINED)?;
            let mut times = transaction.open_table(EXPLAINED_AT)?;
            let mut removed = 0;
            while removed < EXPIRE_AT_ONCE && remove_oldest(&mut rows, &mut times, before)? {
                removed += 1;
            }
            Ok(removed)
        })
    }
}

/// Removes the oldest of one source beyond its limit.
fn trim_source(rows: &mut Rows, times: &mut Times, source: Source, limits: &Limits) -> Result<(), Fault> {
    let (first, len) = (source.first().0, source.len128());
    let of_source = || (first, len, 0)..=(first, len, u64::MAX);
    let have = rows.range(of_source())?.count() as u64;
    let excess = have.saturating_sub(limits.explanations_per_source.max(1));
    for _ in 0..excess {
        let oldest = rows.range(of_source())?.next().transpose()?.map(|(key, _)| key.value());
        let Some((first, len, at)) = oldest else { break };
        rows.remove((first, len, at))?;
        times.remove((at, first, len))?;
    }
    Ok(())
}

/// Removes the oldest of all beyond the limit.
fn trim_all(rows: &mut Rows, times: &mut Times, limits: &Limits) -> Result<(), Fault> {
    while times.len()? > limits.explanations.max(1) && remove_oldest(rows, times, u64::MAX)? {}
    Ok(())
}

/// Removes the oldest of all if it is from before a time; whether there was one.
fn remove_oldest(rows: &mut Rows, times: &mut Times, before: u64) -> Result<bool, Fault> {
    let oldest = times.first()?.map(|(key, _)| key.value());
    match oldest {
        Some((at, first, len)) if at < before => {
            times.remove((at, first, len))?;
            rows.remove((first, len, at))?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
