//! The tables of the file, and its format number. A change of any of them is a new format; one more is not: a file that has
//! not got it yet gets it with the first row.

use redb::{ReadTransaction, TableDefinition, WriteTransaction};

use crate::fault::Fault;

/// The format that this release writes and reads.
pub(crate) const FORMAT: u64 = 1;

/// `"format"` → the format number.
pub(crate) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Round → [`crate::round::RoundRow`].
pub(crate) const ROUNDS: TableDefinition<u64, &[u8]> = TableDefinition::new("rounds");
/// Round, number of the chunk → [`crate::chunk`].
pub(crate) const SOURCES: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("sources");
/// First address, length, time in ms → explanation.
pub(crate) const EXPLAINED: TableDefinition<(u128, u8, u64), &[u8]> = TableDefinition::new("explained");
/// The same by time.
pub(crate) const EXPLAINED_AT: TableDefinition<(u64, u128, u8), ()> = TableDefinition::new("explained-at");
/// Time in ms, number within it → nudge.
pub(crate) const NUDGES: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("nudges");
/// Version → policy.
pub(crate) const POLICIES: TableDefinition<u64, &[u8]> = TableDefinition::new("policies");
/// Name → feed without its entries.
pub(crate) const FEEDS: TableDefinition<&str, &[u8]> = TableDefinition::new("feeds");
/// Name, number of the part → entries.
pub(crate) const FEED_PARTS: TableDefinition<(&str, u32), &[u8]> = TableDefinition::new("feed-parts");
/// Name → a few bytes.
pub(crate) const MARKS: TableDefinition<&str, &[u8]> = TableDefinition::new("marks");
/// Name of a service → its week. Came later than the others: an older file may not have it.
pub(crate) const HOURS: TableDefinition<&str, &[u8]> = TableDefinition::new("hours");
/// Name of a honeypot → until when, and who says so. Came later as well.
pub(crate) const HONEYPOTS: TableDefinition<&str, &[u8]> = TableDefinition::new("honeypots");
/// Name of a feed of names, number of the part → names. Came later as well.
pub(crate) const FEED_NAMES: TableDefinition<(&str, u32), &[u8]> = TableDefinition::new("feed-names");
/// Always empty: what is put into it and taken out again must have found room ([`crate::store`]).
pub(crate) const SPARE: TableDefinition<(), &[u8]> = TableDefinition::new("spare");

const FORMAT_KEY: &str = "format";

/// Opens every table that all files have.
macro_rules! every_table {
    ($transaction:expr) => {{
        $transaction.open_table(META)?;
        $transaction.open_table(ROUNDS)?;
        $transaction.open_table(SOURCES)?;
        $transaction.open_table(EXPLAINED)?;
        $transaction.open_table(EXPLAINED_AT)?;
        $transaction.open_table(NUDGES)?;
        $transaction.open_table(POLICIES)?;
        $transaction.open_table(FEEDS)?;
        $transaction.open_table(FEED_PARTS)?;
        $transaction.open_table(MARKS)?;
        $transaction.open_table(SPARE)?;
    }};
}

/// Makes all tables of a new file.
pub(crate) fn create(transaction: &WriteTransaction) -> Result<(), Fault> {
    every_table!(transaction);
    transaction.open_table(META)?.insert(FORMAT_KEY, FORMAT)?;
    Ok(())
}

/// The format of a file; where it is ours, all tables are there and of the right types.
pub(crate) fn check(transaction: &ReadTransaction) -> Result<u64, Fault> {
    let format = transaction.open_table(META)?.get(FORMAT_KEY)?.map(|format| format.value());
    let format = format.ok_or_else(|| Fault::Damaged("a redb file without a format number".to_owned()))?;
    if format == FORMAT {
        every_table!(transaction);
    }
    Ok(format)
}
