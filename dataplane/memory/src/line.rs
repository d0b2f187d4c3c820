//! One cache line: fetched ahead, and sixteen of its bytes compared at once.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    _MM_HINT_T0, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_prefetch, _mm_set1_epi8,
};

/// Asks the CPU for the cache line at which `place` begins.
#[inline(always)]
pub fn prefetch<T: ?Sized>(place: &T) {
    // SAFETY: a prefetch has no effect that the program could see.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) }
}

/// Which of sixteen bytes are `byte`, a bit each.
#[inline(always)]
pub fn equal_bytes(bytes: &[u8; 16], byte: u8) -> u32 {
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
    fn bytes_are_compared_one_by_one() {
        let bytes = [7, 0, 7, 255, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 7];
        assert_eq!(equal_bytes(&bytes, 7), 0x8005);
        assert_eq!(equal_bytes(&bytes, 255), 8);
        assert_eq!(equal_bytes(&bytes, 99), 0);
        prefetch(&bytes);
    }
}
