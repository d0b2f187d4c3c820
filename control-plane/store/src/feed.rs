//! The last good import of every feed, so that a box without its sources of feeds starts with what it knew.
//!
//! Entries are kept in the order of their prefixes as differences from one to the next, some thousands to a row: four
//! to six bytes for a typical IPv4 entry. Names are in a table of their own.

mod names;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use repute_model::{Address, Listing, Prefix};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::store::Store;
use crate::tables::{FEED_PARTS, FEEDS};
use crate::time::ms;

/// Feeds that are kept; more are refused.
pub const FEEDS_MAX: u64 = 256;
/// Entries of one feed at most; more are refused.
pub const FEED_ENTRIES_MAX: usize = 4_194_304;
/// Labels of one feed at most; more are refused.
pub const LABELS_MAX: usize = 65_536;
/// Bytes of a name or a label at most; longer ones are refused.
const TEXT_MAX: usize = 1024;
/// Entries of one row.
const PART: usize = 8192;

pub use names::{FEED_NAMES_MAX, FeedName};

/// One entry of a feed of prefixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeedEntry {
    /// Whom it is about.
    pub prefix: Prefix,
    /// What it says.
    pub says: Listing,
    /// Until when; stored in whole seconds.
    pub until: Option<SystemTime>,
    /// Which of the feed's labels stands with it, or any other number.
    pub note: u32,
}

/// What is known of a feed beside its entries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedHead {
    /// Its name; the key.
    pub name: String,
    /// Digest of its config when it was imported: another feed of the same name is not this one.
    pub identity: [u8; 32],
    /// When it was imported; stored in ms.
    #[serde(with = "ms")]
    pub imported: SystemTime,
    /// How many entries there are; [`Store::put_feed`] counts them.
    pub entries: u64,
    /// What entries point to with their notes.
    pub labels: Vec<String>,
}

/// A whole feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedState {
    /// Everything but its entries.
    pub head: FeedHead,
    /// Its entries.
    pub entries: FeedEntries,
}

/// What a feed is of. One without entries comes back as one of prefixes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FeedEntries {
    /// Prefixes; they come back in their order.
    Prefixes(Vec<FeedEntry>),
    /// Names, in the order in which they were put.
    Names(Vec<FeedName>),
}

impl FeedEntries {
    fn len(&self) -> usize {
        match self {
            Self::Prefixes(entries) => entries.len(),
            Self::Names(names) => names.len(),
        }
    }
}

/// An entry in its row.
#[derive(Serialize, Deserialize)]
struct Packed {
    /// From the first address of the entry before, or from 0.
    gap: u128,
    len: u8,
    /// 0 = allow, else the confidence.
    says: u8,
    /// Seconds since 1970 + 1; 0 = none.
    until: u64,
    note: u32,
}

fn pack(entries: &[FeedEntry]) -> Vec<Packed> {
    let mut before = 0;
    let pack_one = |entry: &FeedEntry| {
        let first = entry.prefix.first().0;
        let gap = first - std::mem::replace(&mut before, first);
        let says = match entry.says {
            Listing::Allow => 0,
            Listing::Deny(confidence) => confidence.clamp(1, 100),
        };
        let until = seconds(entry.until);
        Packed { gap, len: entry.prefix.len128(), says, until, note: entry.note }
    };
    entries.iter().map(pack_one).collect()
}

/// Seconds since 1970 + 1; 0 = none.
fn seconds(until: Option<SystemTime>) -> u64 {
    let since = |until: SystemTime| until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    until.map_or(0, |until| since(until).saturating_add(1))
}

/// The moment that was written so.
fn moment(seconds: u64) -> Option<SystemTime> {
    seconds.checked_sub(1).and_then(|s| UNIX_EPOCH.checked_add(Duration::from_secs(s)))
}

fn unpack(packed: Vec<Packed>, into: &mut Vec<FeedEntry>) -> Result<(), Fault> {
    let mut first = 0u128;
    for Packed { gap, len, says, until, note } in packed {
        let beyond = || Fault::Damaged("an entry of a feed is no prefix".to_owned());
        first = first.checked_add(gap).filter(|_| len <= 128).ok_or_else(beyond)?;
        let says = if says == 0 { Listing::Allow } else { Listing::Deny(says.min(100)) };
        let until = moment(until);
        into.push(FeedEntry { prefix: Prefix::containing(Address(first), len), says, until, note });
    }
    Ok(())
}

impl Store {
    /// Puts a good import in the place of the one before, as a whole.
    ///
    /// # Errors
    /// [`StoreError::TooMany`]; [`StoreError::Full`], [`StoreError::Io`].
    pub fn put_feed(&self, feed: FeedState) -> Result<(), StoreError> {
        let FeedState { mut head, mut entries } = feed;
        expect_sizes(&head, &entries)?;
        if let FeedEntries::Prefixes(entries) = &mut entries {
            entries.sort_unstable_by_key(|entry| (entry.prefix, entry.note));
        }
        head.entries = entries.len() as u64;
        self.write(|transaction| {
            let name = head.name.as_str();
            clear(transaction, name)?;
            let mut feeds = transaction.open_table(FEEDS)?;
            feeds.insert(name, seal(&head)?.as_slice())?;
            expect("feeds", feeds.len()?, FEEDS_MAX)?;
            let entries = match &entries {
                FeedEntries::Prefixes(entries) => entries,
                FeedEntries::Names(names) => return names::put(transaction, name, names),
            };
            let mut parts = transaction.open_table(FEED_PARTS)?;
            for (part, number) in entries.chunks(PART).zip(0..) {
                parts.insert((name, number), seal(&pack(part))?.as_slice())?;
            }
            Ok(())
        })
    }

    /// A whole feed.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn feed(&self, name: &str) -> Result<Option<FeedState>, StoreError> {
        self.read(|transaction| {
            let Some(head) = transaction.open_table(FEEDS)?.get(name)? else { return Ok(None) };
            let head: FeedHead = unseal("a feed", head.value())?;
            let mut entries = Vec::new();
            for part in transaction.open_table(FEED_PARTS)?.range((name, 0)..=(name, u32::MAX))? {
                unpack(unseal("entries of a feed", part?.1.value())?, &mut entries)?;
            }
            let names = names::all(transaction, name)?;
            let entries =
                if names.is_empty() { FeedEntries::Prefixes(entries) } else { FeedEntries::Names(names) };
            if entries.len() as u64 != head.entries {
                return Err(Fault::Damaged(format!(
                    "{} of {} entries of `{name}`",
                    entries.len(),
                    head.entries
                )));
            }
            Ok(Some(FeedState { head, entries }))
        })
    }

    /// All feeds without their entries, by name.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn feeds(&self) -> Result<Vec<FeedHead>, StoreError> {
        self.read(|transaction| {
            let feeds = transaction.open_table(FEEDS)?;
            feeds
                .iter()?
                .map(|row| row.map_err(Fault::from).and_then(|(_, row)| unseal("a feed", row.value())))
                .collect()
        })
    }

    /// Forgets a feed; whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub fn remove_feed(&self, name: &str) -> Result<bool, StoreError> {
        self.free(|transaction| clear(transaction, name))
    }
}

fn clear(transaction: &WriteTransaction, name: &str) -> Result<bool, Fault> {
    let all = |_: (&str, u32), _: &[u8]| false;
    transaction.open_table(FEED_PARTS)?.retain_in((name, 0)..=(name, u32::MAX), all)?;
    names::clear(transaction, name)?;
    Ok(transaction.open_table(FEEDS)?.remove(name)?.is_some())
}

fn expect_sizes(head: &FeedHead, entries: &FeedEntries) -> Result<(), StoreError> {
    match entries {
        FeedEntries::Prefixes(entries) => {
            expect("entries of a feed", entries.len() as u64, FEED_ENTRIES_MAX as u64)?;
        }
        FeedEntries::Names(names) => names::expect_size(names)?,
    }
    expect("labels of a feed", head.labels.len() as u64, LABELS_MAX as u64)?;
    let lengths = std::iter::once(&head.name).chain(&head.labels).map(|text| text.len() as u64);
    expect("bytes of a feed's name or label", lengths.max().unwrap_or(0), TEXT_MAX as u64)
}

fn expect(what: &'static str, found: u64, max: u64) -> Result<(), StoreError> {
    let way_out = "split the feed or leave out what is not needed";
    if found > max { Err(StoreError::TooMany { what, found, max, way_out }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typical_entry_takes_few_bytes() {
        let of = |i: u32| Prefix::containing(Address::v4(0x0100_0000 + i * 3001), 128);
        let entry = |i| FeedEntry { prefix: of(i), says: Listing::Deny(90), until: None, note: 3 };
        let entries: Vec<_> = (0..8192).map(entry).collect();
        assert!(seal(&pack(&entries)).unwrap().len() < 8192 * 6 + 32);
    }
}
