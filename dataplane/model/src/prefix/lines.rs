//! Very many IPv4 ranges of few different values, behind a direct table whose slots are cache lines.
//!
//! Called by [`PrefixTable`](super::PrefixTable) alone. The leading bits of an address choose a slot, and up to sixteen
//! ranges of it stand in the slot's own line: most look-ups read one line of memory. A slot with more of them holds the
//! root of a B-tree (Bayer and McCreight 1972) whose lines lie behind the direct table, all of them full but the last of a
//! row, so that crowded slots cost few lines more and never a slot's worth of empty ones.
//!
//! What always holds: a line that is searched begins at or before the address; the lines below one lie side by side.

use std::iter::once;

use repute_memory::{Table, prefetch};

/// Ranges of a line, or lines below it.
const WAYS: usize = 16;
/// Bits of an address that are compared in a line.
const KEY_BITS: u32 = 16;

/// Up to sixteen ranges, or up to sixteen lines that have them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(64))]
struct Line {
    /// The lower half of where each begins, in ascending order; the highest number where there is none.
    starts: [u16; WAYS],
    /// The numbers of their values.
    values: [u8; WAYS],
    /// The first line below; 0 = there is none, it has the ranges.
    below: u32,
    /// The number of the last one.
    last: u8,
}

/// Where a range begins in its slot, and the number of its value.
type Range = (u16, u8);

impl Line {
    /// A line of up to sixteen of both.
    fn of(below: u32, ranges: &[Range]) -> Self {
        let last = ranges.len().saturating_sub(1) as u8;
        let mut line = Self { starts: [u16::MAX; WAYS], values: [0; WAYS], below, last };
        for (i, &(start, value)) in ranges.iter().enumerate().take(WAYS) {
            (line.starts[i], line.values[i]) = (start, value);
        }
        line
    }

    /// The number of the range or line in which `key` lies. All are compared, without a branch that could be mispredicted.
    #[inline(always)]
    fn place(&self, key: u16) -> u8 {
        let begun = self.starts.iter().map(|&start| u16::from(start <= key)).sum::<u16>();
        // What there is not counts as begun where the key is the highest one.
        (begun as u8).wrapping_sub(1).min(self.last)
    }

    fn ranges(&self) -> impl Iterator<Item = Range> {
        self.starts.into_iter().zip(self.values).take(usize::from(self.last) + 1)
    }
}

/// Ranges over IPv4 addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lines<V: Copy> {
    /// The first address of the first slot.
    base: u32,
    /// The last address that any range covers, behind it.
    span: u32,
    /// Bits of an offset from `base` that lie below a slot.
    shift: u32,
    /// Slots, and behind them what is below them.
    lines: Table<Line>,
    /// What there is, by number.
    values: Table<Option<V>>,
}

impl<V: Copy> Default for Lines<V> {
    fn default() -> Self {
        Self { base: 0, span: 0, shift: 0, lines: Table::default(), values: Table::default() }
    }
}

impl<V: Copy + PartialEq> Lines<V> {
    /// Different values at most, nothing among them.
    pub const VALUES: usize = 1 << u8::BITS;

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The slot in which `address` lies; `None` = nothing is listed there.
    #[inline(always)]
    fn slot(&self, address: u32) -> Option<u32> {
        let offset = address.wrapping_sub(self.base);
        (offset <= self.span).then_some(offset >> self.shift)
    }

    /// Asks the CPU for what [`locate`](Self::locate) reads.
    #[inline(always)]
    pub fn fetch_slot(&self, address: u32) {
        if let Some(slot) = self.slot(address) {
            self.fetch(slot);
        }
    }

    /// The line to go on at for `address`; reads its slot only. `None` = nothing is listed there.
    #[inline(always)]
    pub fn locate(&self, address: u32) -> Option<u32> {
        let slot = self.slot(address)?;
        let line = self.lines.get(slot as usize)?;
        Some(if line.below == 0 { slot } else { line.below + u32::from(line.place(address as u16)) })
    }

    /// Asks the CPU for a line that was located.
    #[inline(always)]
    pub fn fetch(&self, line: u32) {
        if let Some(line) = self.lines.get(line as usize) {
            prefetch(line);
        }
    }

    /// The value at `address`, for which `line` was located.
    #[inline(always)]
    pub fn at(&self, line: u32, address: u32) -> Option<V> {
        let mut line = self.lines.get(line as usize)?;
        let mut place = line.place(address as u16);
        while line.below != 0 {
            line = self.lines.get(line.below as usize + usize::from(place))?;
            place = line.place(address as u16);
        }
        let value = line.values[usize::from(place) % WAYS];
        self.values.get(usize::from(value)).copied().flatten()
    }

    /// All ranges in ascending order: where each begins, and its value. Each lasts until the next one begins; two that touch
    /// may have one value.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, Option<V>)> {
        let slots = if self.is_empty() { 0 } else { (self.span >> self.shift) + 1 };
        let all = (0..slots).flat_map(move |slot| {
            let begin = self.base + (slot << self.shift);
            let mut ranges = Vec::new();
            self.gather(slot, &mut ranges);
            ranges.into_iter().map(move |(start, value)| {
                let start = begin & !0xffff | u32::from(start);
                (start, self.values.get(usize::from(value)).copied().flatten())
            })
        });
        let end = (slots > 0).then(|| self.base.checked_add(self.span)?.checked_add(1)).flatten();
        all.chain(end.into_iter().flat_map(|end| once((end, None))))
    }

    /// The ranges of a line and of all that are below it.
    fn gather(&self, line: u32, ranges: &mut Vec<Range>) {
        let Some(line) = self.lines.get(line as usize) else { return };
        if line.below == 0 {
            ranges.extend(line.ranges());
        } else {
            (0..=u32::from(line.last)).for_each(|place| self.gather(line.below + place, ranges));
        }
    }

    /// What the lines occupy.
    pub fn bytes(&self) -> usize {
        self.lines.bytes() + self.values.bytes()
    }
}

/// Ranges that are being gathered, in ascending order.
#[derive(Debug)]
pub(super) struct LinesBuilder<V> {
    base: u32,
    span: u32,
    shift: u32,
    lines: Vec<Line>,
    values: Vec<Option<V>>,
    /// The slot whose ranges are being gathered, and those.
    slot: u32,
    gathered: Vec<Range>,
}

impl<V: Copy + PartialEq> LinesBuilder<V> {
    /// No ranges yet, with room for some `ranges` of them between `base`, a multiple of 2^16, and `last`, whose values are
    /// among `values`, [`Lines::VALUES`] at most.
    pub fn spanning(base: u32, last: u32, ranges: usize, values: Vec<Option<V>>) -> Self {
        let span = last - base;
        // Up to twelve ranges a slot: so scattered ones seldom crowd.
        let slots = (ranges / (WAYS * 3 / 4)).next_power_of_two();
        let shift = (u32::BITS - span.leading_zeros()).saturating_sub(slots.trailing_zeros()).min(KEY_BITS);
        let lines = vec![Line::of(0, &[]); (span >> shift) as usize + 1];
        Self { base, span, shift, lines, values, slot: 0, gathered: Vec::new() }
    }

    /// Adds a range that begins after all others. What begins behind the last address is left out.
    pub fn push(&mut self, start: u32, value: Option<V>) {
        let offset = start.wrapping_sub(self.base);
        if start < self.base || offset > self.span {
            return;
        }
        while self.slot < offset >> self.shift {
            self.end_slot();
        }
        let value = self.values.iter().position(|&known| known == value).unwrap_or_default() as u8;
        match self.gathered.last_mut() {
            // It begins with its slot.
            Some(last) if last.0 == start as u16 => last.1 = value,
            _ => self.gathered.push((start as u16, value)),
        }
    }

    /// Writes the line of a slot, into whose next one its last range reaches.
    fn end_slot(&mut self) {
        self.lines[self.slot as usize] = self.root();
        self.slot += 1;
        let begin = self.base.wrapping_add(self.slot << self.shift) as u16;
        let reaches = self.gathered.last().map_or(0, |last| last.1);
        self.gathered.clear();
        self.gathered.push((begin, reaches));
    }

    /// The line above all that was gathered, which is written row by row.
    fn root(&mut self) -> Line {
        let mut row = std::mem::take(&mut self.gathered);
        self.gathered.clone_from(&row);
        let mut below = 0;
        while row.len() > WAYS {
            let first = self.lines.len() as u32;
            let under = |i: usize| if below == 0 { 0 } else { below + (i * WAYS) as u32 };
            self.lines.extend(row.chunks(WAYS).enumerate().map(|(i, some)| Line::of(under(i), some)));
            row = row.chunks(WAYS).map(|some| some[0]).collect();
            below = first;
        }
        Line::of(below, &row)
    }

    /// What was gathered, on pages of its own.
    pub fn finish(mut self) -> Lines<V> {
        while self.slot <= self.span >> self.shift {
            self.end_slot();
        }
        let Self { base, span, shift, lines, values, .. } = self;
        Lines { base, span, shift, lines: Table::of(&lines), values: Table::of(&values) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    #[test]
    fn a_line_is_a_cache_line() {
        assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
    }

    /// Where ranges begin: scattered, in a few crowds, and at the borders of slots.
    fn starts(base: u32, last: u32) -> impl Strategy<Value = Vec<u32>> {
        let near = move |at: u32| base.saturating_add(at).clamp(base, last);
        let scattered = prop::collection::vec(base..=last, 0..40);
        let crowd = (any::<u32>(), 1u32..4, 0usize..700).prop_map(move |(at, step, len)| {
            let first = base + (u64::from(at) % (u64::from(last - base) + 1)) as u32;
            (0..len as u32).map(|i| first.saturating_add(i * step).min(last)).collect::<Vec<_>>()
        });
        let borders = prop::collection::vec((0u32..16).prop_map(move |slot| near(slot << 16)), 0..4);
        (scattered, crowd, borders).prop_map(|(a, b, c)| {
            let mut all: Vec<u32> = a.into_iter().chain(b).chain(c).collect();
            all.sort_unstable();
            all.dedup();
            all
        })
    }

    /// The value of the range in which `address` lies.
    fn plain(ranges: &[(u32, Option<u8>)], (base, last): (u32, u32), address: u32) -> Option<u8> {
        let begun = ranges.partition_point(|&(start, _)| start <= address);
        let inside = (base..=last).contains(&address);
        ranges.get(begun.wrapping_sub(1)).and_then(|&(_, value)| value).filter(|_| inside)
    }

    fn spans() -> impl Strategy<Value = (u32, u32)> {
        let any = (any::<u16>(), any::<u32>()).prop_map(|(base, span)| {
            let base = u32::from(base) << 16;
            (base, base.saturating_add(span))
        });
        prop_oneof![Just((0, u32::MAX)), Just((0xffff_0000, u32::MAX)), any]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 512,
            rng_seed: RngSeed::Fixed(0x5eed),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_address_has_the_value_of_its_range(
            ((base, last), starts, others) in spans().prop_flat_map(|(base, last)| {
                (Just((base, last)), starts(base, last), prop::collection::vec(any::<u32>(), 16))
            }),
            first in prop::option::of(0u8..3),
            expected in 1usize..2000,
        ) {
            let values = vec![None, Some(0), Some(1), Some(2)];
            let mut lines = LinesBuilder::spanning(base, last, expected, values);
            let next = |i: usize| if i % 3 == 2 { None } else { Some((i % 3) as u8) };
            let mut ranges = vec![(base, first)];
            ranges.extend(starts.iter().filter(|&&start| start > base).enumerate().map(|(i, &start)| (start, next(i))));
            ranges.iter().for_each(|&(start, value)| lines.push(start, value));
            let lines = lines.finish();
            let edges = starts.iter().flat_map(|&start| [start.wrapping_sub(1), start, start.wrapping_add(1)]);
            for address in edges.chain(others).chain([base, last, base.wrapping_sub(1), last.wrapping_add(1)]) {
                let found = lines.locate(address).and_then(|line| lines.at(line, address));
                prop_assert_eq!(found, plain(&ranges, (base, last), address), "{:#x}", address);
            }
            let mut told: Vec<(u32, Option<u8>)> = lines.ranges().collect();
            told.dedup_by_key(|range| range.1);
            if last < u32::MAX && ranges.last().is_some_and(|last| last.1.is_some()) {
                ranges.push((last + 1, None));
            }
            ranges.dedup_by_key(|range| range.1);
            prop_assert_eq!(told, ranges);
        }
    }

    #[test]
    fn a_full_slot_takes_few_lines_more() {
        let mut lines = LinesBuilder::spanning(0, 0xffff, 1, vec![None, Some(())]);
        (0..=u16::MAX).for_each(|start| lines.push(start.into(), (start % 2 == 0).then_some(())));
        let lines = lines.finish();
        assert_eq!(lines.lines.len(), 1 + 16 + 256 + 4096);
        assert!(
            (0..=0xffff)
                .all(|at| lines.locate(at).and_then(|line| lines.at(line, at)).is_some() == (at % 2 == 0))
        );
    }
}
