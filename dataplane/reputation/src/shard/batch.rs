//! Many look-ups at once: while one waits for memory, the others are on their way.
//!
//! Called by the engine for every batch, in this order: [`Shard::key`] and [`Shard::fetch`] for every packet,
//! [`Shard::glance`] for all of them, [`Shard::hinted`] for each when its turn comes. Always holds: what was found is
//! a hint, and is confirmed against the entry itself, because packets before it in the batch may have made or ended
//! entries.

use repute_model::Source;

use super::{Shard, Slot};
use crate::Hot;
use crate::index::Glance;
use repute_memory::prefetch;

/// One source that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// Its key; 0 = nobody is looked for.
    pub key: u64,
    /// Where to look in the index; once that was done, where the entry probably is.
    hint: u32,
}

/// Lines that were asked for early are asked for once more so many keys before their turn: those of a whole batch and its
/// packets are more than the innermost cache and its queue of misses hold.
pub const AHEAD: usize = 10;
/// There is no entry.
const NONE: u32 = u32::MAX;

impl Sought {
    /// Looks for nobody.
    pub const NOBODY: Self = Self::of(0);

    /// Looks for a key.
    #[inline(always)]
    pub const fn of(key: u64) -> Self {
        Self { key, hint: NONE }
    }

    /// Whether there was certainly no entry when it was looked for.
    #[inline(always)]
    pub const fn is_absent(&self) -> bool {
        self.hint == NONE
    }

    /// Its entry among the [hot lines](Shard::hot_lines), if the hint is right; a wrong hint says nothing.
    #[inline(always)]
    pub fn among<'a>(&self, hot_lines: &'a mut [Hot]) -> Option<&'a mut Hot> {
        let hot = hot_lines.get_mut(self.hint as usize)?;
        (hot.fingerprint == self.key).then_some(hot)
    }

    /// Asks the CPU once more for its entry, whose turn comes soon.
    #[inline(always)]
    pub fn fetch_among(&self, hot_lines: &[Hot]) {
        hot_lines.get(self.hint as usize).into_iter().for_each(prefetch);
    }
}

impl Shard {
    /// The key of a source: its fingerprint in this shard's tables, never 0.
    #[inline(always)]
    pub fn key(&self, source: Source) -> u64 {
        self.secret.source(source, 0)
    }

    /// Begins to look for keys: asks the CPU for where the index tells of them.
    #[inline(always)]
    pub fn fetch(&self, batch: &mut [Sought]) {
        for sought in batch {
            sought.hint = self.index.prefetch(sought.key);
        }
    }

    /// Looks for up to 64 keys whose index lines were fetched: the entries that these name are fetched, or with
    /// `prefilter` what it knows of those that are unseen. Which these are, a bit each.
    #[inline(always)]
    pub fn glance(&self, batch: &mut [Sought], prefilter: bool) -> u64 {
        let (mut unseen, mut elsewhere) = (0, 0);
        for i in 0..batch.len() {
            if self.is_far
                && let Some(later) = batch.get(i + AHEAD)
            {
                self.index.prefetch_again(later.hint);
            }
            let sought = &mut batch[i];
            let glance = self.index.glance(sought.hint, sought.key);
            if let Glance::Perhaps(entry) = glance {
                self.hint_at(sought, entry);
                continue;
            }
            sought.hint = NONE;
            if sought.key != 0 {
                unseen |= 1 << i;
                if glance == Glance::Elsewhere {
                    self.index.prefetch_alternate(sought.key);
                    elsewhere |= 1 << i;
                }
                if prefilter {
                    self.prefilter.prefetch(sought.key);
                }
            }
        }
        unseen & !self.glance_elsewhere(batch, elsewhere)
    }

    /// Looks for the keys of these bits where they may live instead; which of them were probably found.
    #[inline(always)]
    fn glance_elsewhere(&self, batch: &mut [Sought], mut which: u64) -> u64 {
        let mut seen = 0;
        while let Some(sought) = batch.get_mut(which.trailing_zeros() as usize) {
            if let Glance::Perhaps(entry) = self.index.glance_elsewhere(sought.key) {
                self.hint_at(sought, entry);
                seen |= which & which.wrapping_neg();
            }
            which &= which.wrapping_sub(1);
        }
        seen
    }

    /// Asks the CPU for the entry of a key that is probably this one.
    #[inline(always)]
    fn hint_at(&self, sought: &mut Sought, entry: u32) {
        self.hot.get(entry as usize).into_iter().for_each(prefetch);
        sought.hint = entry;
    }

    /// Whether there are more entries than the caches next to a core hold: then they are fetched once more before their
    /// turn.
    #[inline(always)]
    pub const fn is_far(&self) -> bool {
        self.is_far
    }

    /// What every packet of a source writes, of all sources.
    #[inline(always)]
    pub fn hot_lines(&mut self) -> &mut [Hot] {
        &mut self.hot
    }

    /// Asks the CPU for what a source asks a DNS server for.
    #[inline(always)]
    pub fn fetch_requester(&self, sought: &Sought) {
        self.requesters.get(sought.hint as usize).into_iter().for_each(prefetch);
    }

    /// Asks the CPU for what is written of a source when it meets somebody.
    #[inline(always)]
    pub fn fetch_warm(&self, sought: &Sought) {
        self.warm.get(sought.hint as usize).into_iter().for_each(|warm| prefetch(&warm.destination));
    }

    /// Asks the CPU for what the prefilter knows of a key.
    #[inline(always)]
    pub fn fetch_prefilter(&self, sought: &Sought) {
        self.prefilter.prefetch(sought.key);
    }

    /// The entry of a source if the hint is right; a wrong hint says nothing.
    #[inline(always)]
    pub fn hinted(&self, sought: &Sought) -> Option<Slot> {
        let hot = self.hot.get(sought.hint as usize)?;
        (hot.fingerprint == sought.key).then_some(Slot(sought.hint))
    }

    /// The entry of a source, wherever the hint leads.
    #[inline]
    pub fn find_sought(&self, sought: &Sought) -> Option<Slot> {
        self.hinted(sought).or_else(|| self.find_key(sought.key))
    }

    /// Entries given since the beginning: as long as it stays, whoever had none has none.
    #[inline(always)]
    pub fn admissions(&self) -> u64 {
        self.occupancy.admitted
    }

    /// How many packets without an answer mean nothing; see [`crate::Hot::goes_on`].
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
