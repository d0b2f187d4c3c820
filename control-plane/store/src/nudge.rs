//! Nudges: what operators, alerts and tokens did to single sources.
//!
//! A nudge is in a source's score from the next record of it on. After a kill, those that came after the record have
//! to be given again: [`crate::Restored::written`] tells which.

use std::time::SystemTime;

use redb::{ReadableTable, ReadableTableMetadata};
use repute_model::Source;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::source::parts;
use crate::store::Store;
use crate::tables::NUDGES;
use crate::time::{ms, to_ms};

/// Nudges that are kept; the oldest go.
pub const NUDGES_MAX: u64 = 65_536;

/// Bytes of `who` and of `why` that are kept; the rest is cut off.
const TEXT_MAX: usize = 1024;

/// A small bounded change to one source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Nudge {
    /// When; stored in ms.
    #[serde(with = "ms")]
    pub at: SystemTime,
    /// Whose score.
    #[serde(with = "parts")]
    pub source: Source,
    /// By how much, in 1/10 000.
    pub delta: i16,
    /// Whether what was counted against it was forgotten as well.
    pub forgive: bool,
    /// Who did it.
    pub who: String,
    /// Why.
    pub why: String,
}

impl Store {
    /// Keeps a nudge.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub fn add_nudge(&self, nudge: &Nudge) -> Result<(), StoreError> {
        let cut = |text: &str| text[..text.floor_char_boundary(TEXT_MAX)].to_owned();
        let nudge = Nudge { who: cut(&nudge.who), why: cut(&nudge.why), ..nudge.clone() };
        let at = to_ms(nudge.at);
        self.write(|transaction| {
            let mut nudges = transaction.open_table(NUDGES)?;
            let last = nudges.range((at, 0)..=(at, u32::MAX))?.next_back().transpose()?;
            let next = last.map_or(0, |(key, _)| key.value().1.saturating_add(1));
            nudges.insert((at, next), seal(&nudge)?.as_slice())?;
            while nudges.len()? > NUDGES_MAX {
                nudges.pop_first()?;
            }
            Ok(())
        })
    }

    /// Nudges from a time on (included), the oldest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn nudges(&self, from: SystemTime, max: usize) -> Result<Vec<Nudge>, StoreError> {
        self.read(|transaction| {
            let nudges = transaction.open_table(NUDGES)?;
            let found = nudges.range((to_ms(from), 0)..)?.take(max);
            found
                .map(|row| row.map_err(Fault::from).and_then(|(_, row)| unseal("a nudge", row.value())))
                .collect()
        })
    }
}
