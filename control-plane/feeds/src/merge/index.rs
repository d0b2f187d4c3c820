//! Which entries name an address.
//!
//! **Always holds:** rows ascend by first address, then length, then weight (an allowed one is the heaviest); a row's
//! `parent` is the nearest earlier row around it. Prefixes nest or are apart, so that all rows around an address are
//! the last row that begins at or before it and its ancestors.

use std::sync::Arc;
use std::time::SystemTime;

use repute_model::{Address, Listing, Prefix};

use crate::import::Import;

const NO_PARENT: u32 = u32::MAX;

/// One entry of one feed. 32 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    first: Address,
    /// Number of its entry in the feed's import.
    pub entry: u32,
    parent: u32,
    /// Number of its feed.
    pub feed: u16,
    len: u8,
    weight: u8,
}

impl Row {
    pub fn prefix(&self) -> Prefix {
        Prefix::containing(self.first, self.len)
    }

    fn order(&self) -> (Address, u8, u8, u16) {
        (self.first, self.len, self.weight, self.feed)
    }
}

/// All entries of all feeds that have not ended.
#[derive(Debug, Default)]
pub(super) struct Index {
    rows: Vec<Row>,
}

impl Index {
    pub fn new(feeds: &[(Arc<str>, Arc<Import>)], now: SystemTime) -> Self {
        let count = feeds.iter().map(|(_, import)| import.entries().len()).sum::<usize>();
        let mut rows = Vec::with_capacity(count.min(NO_PARENT as usize));
        for (feed, (_, import)) in feeds.iter().enumerate() {
            for (entry, it) in import.entries().iter().enumerate() {
                if rows.len() == NO_PARENT as usize || it.until.is_some_and(|until| until.passed(now)) {
                    continue;
                }
                let weight = match it.says {
                    Listing::Allow => u8::MAX,
                    Listing::Deny(confidence) => confidence,
                };
                rows.push(Row {
                    first: it.prefix.first(),
                    entry: entry as u32,
                    parent: NO_PARENT,
                    feed: feed as u16,
                    len: it.prefix.len128(),
                    weight,
                });
            }
        }
        // Every feed is sorted already: this merges runs.
        rows.sort_by_key(Row::order);
        let mut index = Self { rows };
        index.link();
        index
    }

    fn link(&mut self) {
        let mut innermost = NO_PARENT;
        for at in 0..self.rows.len() {
            let first = self.rows[at].first;
            while let Some(around) = self.rows.get(innermost as usize)
                && !around.prefix().contains(first)
            {
                innermost = around.parent;
            }
            self.rows[at].parent = innermost;
            innermost = at as u32;
        }
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows around `address`, from the inside out, of equal prefixes the heaviest first.
    pub fn around(&self, address: Address) -> impl Iterator<Item = &Row> {
        let after = self.rows.partition_point(|row| row.first <= address);
        let last = self.rows[..after].last();
        let up = |row: &&Row| self.rows.get(row.parent as usize);
        std::iter::successors(last, up).filter(move |row| row.prefix().contains(address))
    }

    pub fn bytes(&self) -> usize {
        size_of_val(self.rows.as_slice())
    }
}
