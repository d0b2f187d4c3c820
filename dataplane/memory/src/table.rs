//! A fixed array on 2 MiB pages where the machine has them.
//!
//! What always holds: a table's length never changes, every element is initialised, and its pages are touched when it
//! is made, so that no packet pays for a page fault.
#![allow(unsafe_code)]

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::stretch::{self, Stretch};

/// Tables below this many bytes are left to the allocator: they fit into a few ordinary pages.
const BOXED: usize = 32 << 10;

/// What the memory of a table lies on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pages {
    /// Reserved 2 MiB pages (hugetlbfs).
    Huge,
    /// 2 MiB pages as far as the kernel finds them (transparent huge pages).
    Transparent,
    /// The machine's ordinary pages: tables below 32 KiB, and machines without huge ones.
    Small,
}

/// A fixed array of `T`. It begins on a page of 4 KiB if it takes 32 KiB or more, otherwise where `T` may.
pub struct Table<T> {
    first: NonNull<T>,
    len: usize,
    /// Keeps the memory, with other tables that lie there; `None` = it is a boxed slice.
    stretch: Option<Arc<Stretch>>,
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
        if bytes < BOXED {
            let first = NonNull::from(Box::leak(boxed())).cast();
            return Self { first, len, stretch: None };
        }
        let Some((stretch, place)) = stretch::place(bytes) else {
            handle_alloc_error(Layout::array::<T>(len).unwrap_or(Layout::new::<T>()))
        };
        let first = place.cast::<T>();
        for i in 0..len {
            // SAFETY: `len` elements lie at a place that nobody else was given, which begins on a page; every
            // element is written before anybody can read it.
            unsafe { first.add(i).write(element(i)) };
        }
        Self { first, len, stretch: Some(stretch) }
    }
}

impl<T> Table<T> {
    /// What its memory lies on.
    pub fn pages(&self) -> Pages {
        self.stretch.as_ref().map_or(Pages::Small, |stretch| stretch.pages())
    }

    /// Bytes that its elements take.
    pub const fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }
}

impl<T> Drop for Table<T> {
    fn drop(&mut self) {
        if self.stretch.is_none() {
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
        write!(f, "Table({} on {:?} pages)", self.len, self.pages())
    }
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

        const HUGE: usize = 2 << 20;
        assert_eq!(Table::new(HUGE / 64, [0u64; 8]).as_ptr().addr() % HUGE, 0);
        assert_eq!(Table::new(BOXED + 1, 0u8).as_ptr().addr() % 4096, 0);
        assert_eq!(Table::new(3, Line(0)).as_ptr().addr() % 64, 0);
        assert_eq!(Table::new(3, Line(0)).pages(), Pages::Small);
    }
}
