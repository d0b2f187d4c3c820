//! Many look-ups at once: while one waits for memory, the others are on their way.
//!
//! Called by the engine for every batch, in this order: [`Shard::key`] for every packet, [`Shard::seek`] for
//! all of them, [`Shard::hinted`] for each when its turn comes. Always holds: what was found is a hint, and is
//! confirmed against the entry itself, because packets before it in the batch may have made or ended entries.

use repute_model::Source;

use super::{Shard, Slot};
use crate::Hot;
use crate::index::Glance;
use crate::memory::prefetch;

/// One source that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// Its key; 0 = nobody is looked for.
    pub key: u64,
    /// Where it probably is.
    hint: u32,
}

/// No entry, as far as could be seen.
const NONE: u32 = u32::MAX;

impl Sought {
    /// Looks for nobody.
    pub const NOBODY: Self = Self { key: 0, hint: NONE };

    /// Whether nothing was found: most probably a stranger.
    #[inline(always)]
    pub const fn is_missing(&self) -> bool {
        self.hint == NONE
    }
}

impl Shard {
    /// The key of a source: its fingerprint in this shard's tables, never 0.
    #[inline(always)]
    pub fn key(&self, source: Source) -> u64 {
        self.secret.source(source, 0)
    }

    /// Looks for all of them together: their index lines are fetched, then the entries that these name, or what
    /// a miss will ask for.
    #[inline(always)]
    pub fn seek(&self, batch: &mut [Sought]) {
        for sought in &*batch {
            self.index.prefetch(sought.key);
        }
        for sought in batch {
            sought.hint = match self.index.glance(sought.key) {
                Glance::Perhaps(entry) => {
                    prefetch(&self.hot[entry as usize]);
                    entry
                }
                Glance::Absent if sought.key != 0 => {
                    self.prefilter.prefetch(sought.key);
                    NONE
                }
                Glance::Absent | Glance::Elsewhere => NONE,
            };
        }
    }

    /// The entry of a source if the hint is right, and its number; a wrong hint says nothing.
    #[inline(always)]
    pub fn hinted(&mut self, sought: &Sought) -> Option<(Slot, &mut Hot)> {
        let hot = self.hot.get_mut(sought.hint as usize)?;
        (hot.fingerprint == sought.key).then_some((Slot(sought.hint), hot))
    }

    /// How many packets without an answer mean nothing; see [`Hot::goes_on`].
    #[inline(always)]
    pub fn calm_unanswered(&self) -> u32 {
        self.calm.unanswered
    }

    /// The entry of a key.
    #[inline]
    pub fn find_key(&self, key: u64) -> Option<Slot> {
        self.index.find(key, |entry| self.hot[entry as usize].fingerprint == key).map(Slot)
    }
}
