//! Up to 64 packets on their way together: what a port gives, what a port takes.
//!
//! Called by the workers: `rx.recv(&mut burst)`, look at the packets, move them to the burst of their next station,
//! `tx.send(&mut burst)`. What is left at the end is freed in bulk, every packet to its own pool. A burst is the
//! engine's own container, so nothing is copied between the two.

use std::mem::MaybeUninit;

use arrayvec::ArrayVec;
use dpdk_sys::{rte_mbuf, rte_pktmbuf_free_bulk};
use repute_model::BATCH;

use crate::Mbuf;

/// Packets in a burst at most.
pub const BURST_MAX: usize = BATCH;

/// A fixed array of packets with a length.
pub type Burst = ArrayVec<Mbuf, BURST_MAX>;

/// Frees all packets in one call, each to its own pool, and returns how many there were.
#[inline]
pub fn free(burst: &mut Burst) -> usize {
    let count = burst.len();
    if count == 0 {
        return 0;
    }
    // SAFETY: the first `count` places are packets. The length is set first, so no packet has two owners.
    unsafe {
        burst.set_len(0);
        rte_pktmbuf_free_bulk(as_raw(burst), count as u32);
    }
    count
}

/// The packets as DPDK sees them.
#[inline]
pub(crate) fn as_raw(burst: &mut Burst) -> *mut *mut rte_mbuf {
    // Mbuf is a transparent pointer.
    burst.as_mut_ptr().cast()
}

/// The places behind the packets.
#[inline]
pub(crate) fn spare(burst: &mut Burst) -> &mut [MaybeUninit<Mbuf>] {
    let len = burst.len();
    // SAFETY: the array has BURST_MAX places, of which the first `len` are packets.
    unsafe {
        let start = burst.as_mut_ptr().add(len).cast();
        std::slice::from_raw_parts_mut(start, BURST_MAX - len)
    }
}

/// Takes over what was written to the first `count` places of [`spare`].
///
/// # Safety
/// There were so many places, and each now holds a packet that nobody else owns.
#[inline]
pub(crate) unsafe fn grow(burst: &mut Burst, count: usize) {
    // SAFETY: the caller vouches for it.
    unsafe { burst.set_len(burst.len() + count) }
}

/// Forgets the first `count` packets, which somebody else owns now, and moves the others to the front.
///
/// # Safety
/// `count` is at most the length, and the first `count` packets were given away.
#[inline]
pub(crate) unsafe fn forget_first(burst: &mut Burst, count: usize) {
    let left = burst.len() - count;
    // SAFETY: both ranges lie inside the first `len` places; the length leaves out what was given away.
    unsafe {
        let start = burst.as_mut_ptr();
        std::ptr::copy(start.add(count), start, left);
        burst.set_len(left);
    }
}
