//! Memory of tables that are read at random: on 2 MiB pages where the machine has them, and fetched ahead.
//!
//! Called by every table of a shard. The one file of this crate with unsafe code, for three things that the
//! language has no safe words for: a slice over mapped memory, the prefetch instruction, and the comparison of
//! sixteen bytes at once. A random access to a table on 4 KiB pages costs a page walk on top of the cache miss.
//!
//! What always holds: a table's length never changes, every element is initialised, and its pages are
//! touched when it is made, so that no packet pays for a page fault.
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

/// A fixed array of `T` that begins on a cache line.
pub struct Table<T> {
    first: NonNull<T>,
    len: usize,
    pages: Pages,
    /// Owns the memory.
    _map: MmapMut,
}

// SAFETY: a table owns its elements like a boxed slice does.
unsafe impl<T: Send> Send for Table<T> {}

impl<T: Copy> Table<T> {
    /// A table of `len` times `value`.
    ///
    /// Memory that the machine does not have ends the process with a message, as every allocation does.
    pub fn new(len: usize, value: T) -> Self {
        const { assert!(align_of::<T>() <= 4096) };
        let bytes = len.saturating_mul(size_of::<T>()).max(1);
        let Some((mut map, skip, pages)) = map(bytes) else {
            handle_alloc_error(Layout::array::<T>(len).unwrap_or(Layout::new::<T>()))
        };
        // SAFETY: `skip` bytes and `len` elements lie inside the map, which is page aligned as is `skip`; every
        // element is written before anybody can read it.
        let first = unsafe {
            let first = map.as_mut_ptr().add(skip).cast::<T>();
            for i in 0..len {
                first.add(i).write(value);
            }
            NonNull::new_unchecked(first)
        };
        Self { first, len, pages, _map: map }
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

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} on {:?} pages)", self.len, self.pages)
    }
}

/// At least `bytes` zeroed bytes, and how many to skip so that huge pages can lie under the rest.
fn map(bytes: usize) -> Option<(MmapMut, usize, Pages)> {
    if bytes < HUGE {
        return Some((MmapOptions::new().len(bytes).map_anon().ok()?, 0, Pages::Small));
    }
    let whole = bytes.checked_next_multiple_of(HUGE)?;
    if let Ok(map) = MmapOptions::new().len(whole).huge(Some(HUGE_BITS)).map_anon() {
        return Some((map, 0, Pages::Huge));
    }
    let map = MmapOptions::new().len(whole + HUGE).map_anon().ok()?;
    let skip = map.as_ptr().align_offset(HUGE);
    let advised = map.advise_range(Advice::HugePage, skip, whole).is_ok();
    Some((map, skip, if advised { Pages::Transparent } else { Pages::Small }))
}

/// Asks the CPU for the cache line at which `place` begins.
#[inline(always)]
pub fn prefetch<T: ?Sized>(place: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch has no effect that the program could see.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) }
}

/// Which of sixteen bytes are `byte`, a bit each.
#[inline(always)]
pub fn equal_bytes(bytes: &[u8; 16], byte: u8) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    // SAFETY: sixteen readable bytes at any alignment; SSE2 is part of x86-64.
    unsafe {
        let wide = _mm_loadu_si128(bytes.as_ptr().cast());
        _mm_movemask_epi8(_mm_cmpeq_epi8(wide, _mm_set1_epi8(byte as i8))) as u32
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
        }
    }

    #[test]
    fn lines_are_lines_and_large_tables_ask_for_large_pages() {
        let table = Table::new(HUGE / 64, [0u64; 8]);
        assert_eq!(table.as_ptr().addr() % HUGE, 0);
        assert_eq!(Table::new(3, 0u8).as_ptr().addr() % 64, 0);
        assert_eq!(Table::new(3, 0u8).pages(), Pages::Small);
        prefetch(&table[1]);
    }

    #[test]
    fn bytes_are_compared_one_by_one() {
        let bytes = [7, 0, 7, 255, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 7];
        assert_eq!(equal_bytes(&bytes, 7), 0x8005);
        assert_eq!(equal_bytes(&bytes, 255), 8);
        assert_eq!(equal_bytes(&bytes, 99), 0);
    }
}
