//! Memory on 2 MiB pages, which tables are laid into.
//!
//! A large table has a stretch of its own; smaller ones share one huge page after the other, so that what a packet
//! reads of them costs the processor few translations. What always holds: no two places overlap, and a stretch goes back
//! to the machine with the last table in it.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use memmap2::{Advice, MmapOptions, MmapRaw};

use crate::Pages;

/// Bytes of a huge page.
const HUGE: usize = 2 << 20;
const HUGE_BITS: u8 = 21;
/// Bytes of an ordinary page: places begin on one.
const PAGE: usize = 4096;

thread_local! {
    /// The stretch that this thread lays smaller tables into, and how many of its bytes are given away: what workers
    /// make on their own threads lies on their own memory node.
    static OPEN: Cell<(Weak<Stretch>, usize)> = const { Cell::new((Weak::new(), 0)) };
}

/// Mapped memory.
pub(crate) struct Stretch {
    map: MmapRaw,
    /// Bytes before the first huge page.
    skip: usize,
    pages: Pages,
}

impl Stretch {
    /// At least `bytes` zeroed bytes; `None` = the machine does not have them.
    fn new(bytes: usize) -> Option<Self> {
        let whole = bytes.checked_next_multiple_of(HUGE)?;
        if let Ok(map) = MmapOptions::new().len(whole).huge(Some(HUGE_BITS)).map_anon() {
            return Some(Self { map: map.into(), skip: 0, pages: Pages::Huge });
        }
        let map = MmapOptions::new().len(whole + HUGE).map_anon().ok()?;
        let skip = map.as_ptr().align_offset(HUGE);
        let advised = map.advise_range(Advice::HugePage, skip, whole).is_ok();
        let pages = if advised { Pages::Transparent } else { Pages::Small };
        Some(Self { map: map.into(), skip, pages })
    }

    pub(crate) const fn pages(&self) -> Pages {
        self.pages
    }

    /// The byte number `at` behind the first huge page's beginning.
    fn byte(&self, at: usize) -> Option<NonNull<u8>> {
        NonNull::new(self.map.as_mut_ptr().wrapping_add(self.skip + at))
    }
}

/// A place of so many bytes that nobody else has, at the beginning of a page, and the stretch it is in; `None` = the
/// machine does not have them.
pub(crate) fn place(bytes: usize) -> Option<(Arc<Stretch>, NonNull<u8>)> {
    let (stretch, at) = if bytes < HUGE { share(bytes)? } else { (Arc::new(Stretch::new(bytes)?), 0) };
    let first = stretch.byte(at)?;
    Some((stretch, first))
}

/// The next place of the stretch that is open, or the first one of another.
fn share(bytes: usize) -> Option<(Arc<Stretch>, usize)> {
    let (open, given) = OPEN.take();
    let at = given.next_multiple_of(PAGE);
    let (stretch, at) = match open.upgrade().filter(|_| at + bytes <= HUGE) {
        Some(stretch) => (stretch, at),
        None => (Arc::new(Stretch::new(HUGE)?), 0),
    };
    OPEN.set((Arc::downgrade(&stretch), at + bytes));
    Some((stretch, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_one_stretch_do_not_overlap() {
        let sizes = [40_000, 64, 1_000_000, 100, 900_000, 1_900_000, 3_000_000, 5];
        let places: Vec<_> = sizes.iter().map(|&bytes| place(bytes).unwrap()).collect();
        let mut ranges: Vec<_> = places.iter().map(|(_, first)| first.addr().get()).zip(sizes).collect();
        ranges.sort_unstable();
        assert!(ranges.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "{ranges:?}");
        assert!(ranges.iter().all(|(first, _)| first % PAGE == 0));
        for (stretch, first) in &places {
            let begin = stretch.map.as_ptr().addr();
            assert!((begin..begin + stretch.map.len()).contains(&first.addr().get()));
        }
    }

    #[test]
    fn a_stretch_goes_with_its_last_table() {
        let (stretch, _) = place(3_000_000).unwrap();
        let weak = Arc::downgrade(&stretch);
        drop(stretch);
        assert!(weak.upgrade().is_none());
    }
}
