//! The fields of an `rte_mbuf` that are read and written per packet, inline, without a call into C.
//!
//! Called by the `dpdk` crate's `Mbuf`. DPDK moves these fields between anonymous unions from release to release,
//! so the struct is opaque here and the compiler of the headers says where each field is.

use crate::*;

/// Declares a read and a write of one plain field at its offset.
macro_rules! field {
    ($get:ident, $set:ident, $type:ty, $offset:expr, $what:literal) => {
        #[doc = concat!("Reads ", $what, ".")]
        ///
        /// # Safety
        /// `mbuf` points to a valid mbuf, and nobody writes this field meanwhile.
        #[inline(always)]
        pub unsafe fn $get(mbuf: *const rte_mbuf) -> $type {
            // SAFETY: the caller vouches for the mbuf; the offset was computed from the same headers.
            unsafe { mbuf.byte_add($offset).cast::<$type>().read() }
        }

        #[doc = concat!("Writes ", $what, ".")]
        ///
        /// # Safety
        /// `mbuf` points to a valid mbuf that the caller owns alone.
        #[inline(always)]
        pub unsafe fn $set(mbuf: *mut rte_mbuf, value: $type) {
            // SAFETY: the caller vouches for the mbuf; the offset was computed from the same headers.
            unsafe { mbuf.byte_add($offset).cast::<$type>().write(value) }
        }
    };
}

field!(
    data_off,
    set_data_off,
    u16,
    DPDK_MBUF_DATA_OFF,
    "the distance of the data from the buffer's start, bytes"
);
field!(data_len, set_data_len, u16, DPDK_MBUF_DATA_LEN, "the length of this segment's data, bytes");
field!(pkt_len, set_pkt_len, u32, DPDK_MBUF_PKT_LEN, "the length of the whole packet, all segments, bytes");
field!(ol_flags, set_ol_flags, u64, DPDK_MBUF_OL_FLAGS, "the offload flags");
field!(port, set_port, u16, DPDK_MBUF_PORT, "the port that the packet came from");

/// The start of the segment's buffer.
///
/// # Safety
/// `mbuf` points to a valid mbuf.
#[inline(always)]
pub unsafe fn buf_addr(mbuf: *const rte_mbuf) -> *mut u8 {
    // SAFETY: the caller vouches for the mbuf; the offset was computed from the same headers.
    unsafe { mbuf.byte_add(DPDK_MBUF_BUF_ADDR).cast::<*mut u8>().read() }
}

/// The length of the segment's buffer, head room included, bytes.
///
/// # Safety
/// `mbuf` points to a valid mbuf.
#[inline(always)]
pub unsafe fn buf_len(mbuf: *const rte_mbuf) -> u16 {
    // SAFETY: the caller vouches for the mbuf; the offset was computed from the same headers.
    unsafe { mbuf.byte_add(DPDK_MBUF_BUF_LEN).cast::<u16>().read() }
}

/// The number of segments of the packet; valid in its first segment only.
///
/// # Safety
/// `mbuf` points to a valid mbuf.
#[inline(always)]
pub unsafe fn nb_segs(mbuf: *const rte_mbuf) -> u16 {
    // SAFETY: the caller vouches for the mbuf; the offset was computed from the same headers.
    unsafe { mbuf.byte_add(DPDK_MBUF_NB_SEGS).cast::<u16>().read() }
}

/// The next segment, or null.
///
/// # Safety
/// `mbuf` points to a valid mbuf.
#[inline(always)]
pub unsafe fn next(mbuf: *const rte_mbuf) -> *mut rte_mbuf {
    // SAFETY: the caller vouches for the mbuf; the offset was computed from the same headers.
    unsafe { mbuf.byte_add(DPDK_MBUF_NEXT).cast::<*mut rte_mbuf>().read() }
}

/// The RSS hash; valid when `ol_flags` has `DPDK_MBUF_RSS_HASH`.
///
/// # Safety
/// `mbuf` points to a valid mbuf.
#[inline(always)]
pub unsafe fn rss_hash(mbuf: *const rte_mbuf) -> u32 {
    // SAFETY: the caller vouches for the mbuf; the offset was computed from the same headers.
    unsafe { mbuf.byte_add(DPDK_MBUF_RSS).cast::<u32>().read() }
}

/// The number of owners, read with acquire: another owner may let go at any time.
///
/// # Safety
/// `mbuf` points to a valid mbuf.
#[inline(always)]
pub unsafe fn refcnt(mbuf: *const rte_mbuf) -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    // SAFETY: the caller vouches for the mbuf; the field is a naturally aligned u16 that all owners access atomically.
    unsafe { (*mbuf.byte_add(DPDK_MBUF_REFCNT).cast::<AtomicU16>()).load(Ordering::Acquire) }
}

/// A dynamic field of eight bytes at the offset that DPDK assigned to it.
///
/// # Safety
/// `mbuf` points to a valid mbuf and `offset` is that of a registered dynamic field of eight bytes.
#[inline(always)]
pub unsafe fn dynfield_u64(mbuf: *const rte_mbuf, offset: usize) -> u64 {
    // SAFETY: the caller vouches for mbuf and offset; DPDK aligns the field to its registered alignment.
    unsafe { mbuf.byte_add(offset).cast::<u64>().read() }
}
