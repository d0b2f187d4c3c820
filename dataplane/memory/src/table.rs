//! A fixed array on 2 MiB pages where the machine has them.
//!
//! What always holds: a table's length never changes, every element is initialised, and its pages are touched when it
//! is made, so that no packet pays for a page fault.
#![allow(unsafe_code)]

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use memmap2::{Advice, MmapMut, MmapOptions};

/// Bytes of a huge page.
const HUGE: usize = 2 << 20;
const HUGE_BITS: u8 = 21;

/// What the memory of a table lies on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pages {
    /// Reserved 2 MiB pages (hugetlbfs).
    Huge,
    /// 2 MiB pages as far as the kernel finds them (transparent huge pages).
    Transparent,
    /// The machine's ordinary pages: tables below 2 MiB, and machines without huge ones.
    Small,
}

/// A fixed array of `T`. It begins on a cache line if it takes 2 MiB or more, or if `T` does.
pub struct Table<T> {
    first: NonNull<T>,
    len: usize,
    pages: Pages,
    /// Owns the memory; `None` = it is a boxed slice.
    map: Option<MmapMut>,
}

// SAFETY: a table owns its elements like a boxed slice does.
unsafe impl<T: Send> Send for Table<T> {}
// SAFETY: as above; shared, it only gives out shared references to them.
unsafe impl<T: Sync> Sync for Table<T> {}

impl<T: Copy> Table<T> {
    /// A table of `len` times `value`.
    ///
    /// Memory that the machine does not have ends the process with a message, as every allocation does.
    pub fn new(len: usize, value: T) -> Self {
        Self::fill(len, || vec![value; len].into_boxed_slice(), |_| value)
    }

    /// A table of the same elements; memory as [`Table::new`].
    pub fn of(elements: &[T]) -> Self {
        Self::fill(elements.len(), || elements.into(), |i| elements[i])
    }

    fn fill(len: usize, boxed: impl FnOnce() -> Box<[T]>, element: impl Fn(usize) -> T) -> Self {
        const { assert!(align_of::<T>() <= 4096) };
        let bytes = len.saturating_mul(size_of::<T>());
        if bytes < HUGE {
            let first = NonNull::from(Box::leak(boxed())).cast();
            return Self { first, len, pages: Pages::Small, map: None };
        }
        let Some((mut map, skip, pages)) = map(bytes) else {
            handle_alloc_error(Layout::array::<T>(len).unwrap_or(Layout::new::<T>()))
        };
        // SAFETY: `skip` bytes and `len` elements lie inside the map, which is page aligned as is `skip`; every
        // element is written before anybody can read it.
        let first = unsafe {
            let first = map.as_mut_ptr().add(skip).cast::<T>();
            for i in 0..len {
                first.add(i).write(element(i));
            }
            NonNull::new_unchecked(first)
        };
        Self { first, len, pages, map: Some(map) }
    }
}

impl<T> Table<T> {
    /// What its memory lies on.
    pub const fn pages(&self) -> Pages {
        self.pages
    }

    /// Bytes that its elements take.
    pub const fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }
}

impl<T> Drop for Table<T> {
    fn drop(&mut self) {
        if self.map.is_none() {
            // SAFETY: the memory was a boxed slice of `len` elements, and nobody else owns it.
            drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.first.as_ptr(), self.len)) });
        }
    }
}

impl<T> Deref for Table<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` initialised elements, borrowed as long as the table.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Table<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}

impl<T: Copy> Default for Table<T> {
    /// No elements.
    fn default() -> Self {
        Self::of(&[])
    }
}

impl<T: Copy> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self::of(self)
    }
}

impl<T: PartialEq> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Table<T> {}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} on {:?} pages)", self.len, self.pages)
    }
}

/// At least `bytes` zeroed bytes, and how many to skip so that huge pages can lie under the rest.
fn map(bytes: usize) -> Option<(MmapMut, usize, Pages)> {
    let whole = bytes.checked_next_multiple_of(HUGE)?;
    if let Ok(map) = MmapOptions::new().len(whole).huge(Some(HUGE_BITS)).map_anon() {
        return Some((map, 0, Pages::Huge));
    }
    let map = MmapOptions::new().len(whole + HUGE).map_anon().ok()?;
    let skip = map.as_ptr().align_offset(HUGE);
    let advised = map.advise_range(Advice::HugePage, skip, whole).is_ok();
    Some((map, skip, if advised { Pages::Transparent } else { Pages::Small }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_tables_hold_what_they_are_given() {
        for len in [0, 1, 1000, 70_000] {
            let mut table = Table::new(len, [7u64; 8]);
            assert_eq!((table.len(), table.bytes()), (len, len * 64));
            assert!(table.iter().all(|&line| line == [7; 8]));
            if let Some(last) = table.last_mut() {
                last[7] = 8;
            }
            assert_eq!(table.iter().filter(|line| line[7] == 8).count(), len.min(1));
            let copy = table.clone();
            assert!(copy == table && copy.last() == table.last() && Table::of(&table) == copy);
        }
        assert_eq!(Table::<u8>::default().len(), 0);
    }

    #[test]
    fn lines_are_lines_and_large_tables_ask_for_large_pages() {
        #[derive(Clone, Copy)]
        #[repr(align(64))]
        struct Line(#[expect(dead_code)] u8);

        assert_eq!(Table::new(HUGE / 64, [0u64; 8]).as_ptr().addr() % HUGE, 0);
        assert_eq!(Table::new(3, Line(0)).as_ptr().addr() % 64, 0);
        assert_eq!(Table::new(3, Line(0)).pages(), Pages::Small);
    }
}
