//! Disjoint ranges behind a direct table over the leading bits of their span.
//!
//! Called by [`PrefixTable`](super::PrefixTable) alone. The idea is DXR's (Zec, Rizzo, Mikuc: "DXR: Towards a
//! Billion Routing Lookups per Second in Software", 2012): the leading bits of an address choose a slot, the
//! slot names a short run of fragments, and what is left of the address is searched in it. Two flat arrays, no
//! pointers; a look-up reads two cache lines where slots are many enough.
//!
//! What always holds: `top` is empty, or has one slot more than are addressed and never falls; fragments are
//! in ascending order, and the one before a run reaches into it, so that nothing is stored twice. Behind the
//! last one lie a few copies of it, so that every search ends in a whole window.

use std::hint::select_unpredictable;

use repute_memory::{Table, prefetch};

/// The part of an address that is compared inside a slot.
pub(super) trait Key: Copy + Ord {
    /// The most bits that may be left below a slot.
    const BITS: u32;
    /// So many fragments are compared at once at the end of a search: they lie in a cache line or two.
    const WINDOW: usize;

    /// What `address` has below the bits that choose its slot, or more of it.
    fn of(address: u128) -> Self;

    /// The address whose key in the slot that begins at `slot` is this one.
    fn back(self, slot: u128) -> u128;

    /// How far `address` is behind `base`; `None` where it is not between `base` and `last`.
    fn offset(address: u128, base: u128, last: u128) -> Option<u128>;
}

impl Key for u16 {
    const BITS: u32 = 16;
    const WINDOW: usize = 8;

    #[inline]
    fn of(address: u128) -> Self {
        address as Self
    }

    /// No slot reaches beyond a multiple of 2^16.
    fn back(self, slot: u128) -> u128 {
        slot & !0xffff | u128::from(self)
    }

    /// Only IPv4 is searched with so short a key: thirty-two bits tell.
    #[inline(always)]
    fn offset(address: u128, base: u128, last: u128) -> Option<u128> {
        let offset = (address as u32).wrapping_sub(base as u32);
        (offset <= (last as u32).wrapping_sub(base as u32)).then_some(u128::from(offset))
    }
}

impl Key for u128 {
    const BITS: u32 = 127;
    const WINDOW: usize = 4;

    #[inline]
    fn of(address: u128) -> Self {
        address
    }

    fn back(self, _: u128) -> u128 {
        self
    }

    #[inline(always)]
    fn offset(address: u128, base: u128, last: u128) -> Option<u128> {
        (base..=last).contains(&address).then(|| address - base)
    }
}

/// A range by its start; it lasts until the next one begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fragment<K, V> {
    start: K,
    value: Option<V>,
}

/// The fragments that may hold the answer, as positions: those of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    from: u32,
    to: u32,
}

impl Run {
    /// No fragments.
    pub const NONE: Self = Self { from: 0, to: 0 };
}

/// Ranges over addresses from `base` on, searched by keys of type `K`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Runs<K: Copy, V: Copy> {
    /// Where the first fragment begins; nothing is listed below.
    base: u128,
    /// The last address that any range covers.
    last: u128,
    /// Bits of an offset from `base` that lie below a slot.
    shift: u32,
    /// How many fragments begin in the slots before this one.
    top: Table<u32>,
    fragments: Table<Fragment<K, V>>,
}

/// Ranges that are being gathered, in ascending order.
#[derive(Debug)]
pub(super) struct RunsBuilder<K, V> {
    base: u128,
    last: u128,
    shift: u32,
    top: Vec<u32>,
    fragments: Vec<Fragment<K, V>>,
}

impl<K: Copy, V: Copy> Default for Runs<K, V> {
    fn default() -> Self {
        Self { base: 0, last: 0, shift: 0, top: Table::default(), fragments: Table::default() }
    }
}

impl<K: Key, V: Copy + PartialEq> RunsBuilder<K, V> {
    /// No ranges yet, with room for `ranges` of them between `base` and `last`, in `slots` slots (a power of
    /// two) at most.
    pub fn spanning(base: u128, last: u128, slots: usize, ranges: usize) -> Self {
        let span = u128::BITS - (last - base).leading_zeros();
        let shift = span.saturating_sub(slots.trailing_zeros()).min(K::BITS);
        Self { base, last, shift, top: Vec::with_capacity(slots + 1), fragments: Vec::with_capacity(ranges) }
    }

    /// Adds a range that begins after all others.
    pub fn push(&mut self, start: u128, value: Option<V>) {
        let slot = ((start - self.base) >> self.shift) as usize;
        let before = self.fragments.len() as u32;
        self.top.resize(self.top.len().max(slot + 1), before);
        self.fragments.push(Fragment { start: K::of(start), value });
    }

    /// What was gathered, on pages of its own.
    pub fn finish(mut self) -> Runs<K, V> {
        let Some(&last) = self.fragments.last() else { return Runs::default() };
        self.top.push(self.fragments.len() as u32);
        self.fragments.resize(self.fragments.len() + K::WINDOW, last);
        let Self { base, last, shift, top, fragments } = self;
        Runs { base, last, shift, top: Table::of(&top), fragments: Table::of(&fragments) }
    }
}

impl<K: Key, V: Copy + PartialEq> Runs<K, V> {
    pub fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    /// Where the direct table tells of `address`; `None` = nothing is listed there. Beyond either end a short key
    /// would be taken for another address.
    #[inline]
    pub fn slot(&self, address: u128) -> Option<&[u32; 2]> {
        let last = self.top.len().checked_sub(2)?;
        let offset = K::offset(address, self.base, self.last)?;
        let slot = ((offset >> self.shift) as usize).min(last);
        self.top.get(slot..)?.first_chunk()
    }

    /// The run of the slot in which `address` lies; reads the direct table only.
    #[inline]
    pub fn locate(&self, address: u128) -> Run {
        self.slot(address).map_or(Run::NONE, |&[from, to]| Run { from, to })
    }

    /// The value at `address`, whose run is `run`.
    #[inline]
    pub fn at(&self, run: Run, address: u128) -> Option<V> {
        if run.to == 0 {
            return None;
        }
        let key = K::of(address);
        let (mut from, mut len) = (run.from as usize, (run.to - run.from) as usize);
        while len > K::WINDOW {
            let half = len / 2;
            let above = self.fragments[from + half].start <= key;
            from = select_unpredictable(above, from + half, from);
            len -= half;
        }
        let window = self.fragments.get(from..from + K::WINDOW)?;
        // All are compared, without a branch that could be mispredicted.
        let below =
            |(i, fragment): (usize, &Fragment<K, V>)| usize::from((i < len) & (fragment.start <= key));
        let after = from + window.iter().enumerate().map(below).sum::<usize>();
        self.fragments.get(after.wrapping_sub(1)).and_then(|fragment| fragment.value)
    }

    /// Asks the CPU for what is read first in a run: cache lines, often one, in which the search begins.
    #[inline]
    pub fn fetch(&self, run: Run) {
        if let Some([first, .., last]) = self.fragments.get(run.from as usize..run.from as usize + K::WINDOW)
        {
            prefetch(first);
            prefetch(last);
        }
    }

    /// All ranges in ascending order: where each begins, and its value. Each lasts until the next one begins.
    pub fn ranges(&self) -> impl Iterator<Item = (u128, Option<V>)> {
        let slots = self.top.windows(2).zip(0u128..);
        slots.flat_map(|(ends, slot)| {
            let begin = self.base + (slot << self.shift);
            let run = self.fragments.get(ends[0] as usize..ends[1] as usize).unwrap_or_default();
            run.iter().map(move |fragment| (fragment.start.back(begin), fragment.value))
        })
    }

    /// What the arrays occupy.
    pub fn bytes(&self) -> usize {
        self.top.bytes() + self.fragments.bytes()
    }
}
