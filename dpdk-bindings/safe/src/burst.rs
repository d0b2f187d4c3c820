//! Up to 64 packets on their way together: what a port gives, what a port takes.
//!
//! Called by the workers: `rx.recv(&mut burst)`, look at the packets, move them to the burst of their next station,
//! `tx.send(&mut burst)`. What is left when a burst ends is freed in bulk, every packet to its own pool.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use arrayvec::{ArrayVec, Drain};
use dpdk_sys::{rte_mbuf, rte_pktmbuf_free_bulk};

use crate::Mbuf;

/// Packets in a burst at most.
pub const BURST_MAX: usize = 64;

/// A fixed array of packets with a length. It dereferences to a slice for looking and writing.
#[derive(Debug, Default)]
pub struct Burst {
    mbufs: ArrayVec<Mbuf, BURST_MAX>,
}

impl Burst {
    /// An empty burst.
    #[must_use]
    pub const fn new() -> Self {
        Self { mbufs: ArrayVec::new_const() }
    }

    /// Whether no packet fits any more.
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.mbufs.is_full()
    }

    /// Adds a packet at the end.
    ///
    /// # Errors
    /// The burst is full: the packet comes back.
    #[inline]
    pub fn push(&mut self, packet: Mbuf) -> Result<(), Mbuf> {
        self.mbufs.try_push(packet).map_err(|refused| refused.element())
    }

    /// Takes the last packet.
    #[inline]
    pub fn pop(&mut self) -> Option<Mbuf> {
        self.mbufs.pop()
    }

    /// Takes all packets in order; those that the caller leaves are freed.
    #[inline]
    pub fn drain(&mut self) -> Drain<'_, Mbuf, BURST_MAX> {
        self.mbufs.drain(..)
    }

    /// Frees all packets in one call, each to its own pool, and returns how many there were.
    pub fn free_all(&mut self) -> usize {
        let count = self.mbufs.len();
        if count == 0 {
            return 0;
        }
        // SAFETY: the first `count` places are packets. The length is set first, so no packet has two owners.
        unsafe {
            self.mbufs.set_len(0);
            rte_pktmbuf_free_bulk(self.as_raw(), count as u32);
        }
        count
    }

    /// The packets as DPDK sees them.
    pub(crate) fn as_raw(&mut self) -> *mut *mut rte_mbuf {
        // Mbuf is a transparent pointer.
        self.mbufs.as_mut_ptr().cast()
    }

    /// The places behind the packets.
    pub(crate) fn spare(&mut self) -> &mut [MaybeUninit<Mbuf>] {
        let len = self.mbufs.len();
        // SAFETY: the array has BURST_MAX places, of which the first `len` are packets.
        unsafe {
            let start = self.mbufs.as_mut_ptr().add(len).cast();
            std::slice::from_raw_parts_mut(start, BURST_MAX - len)
        }
    }

    /// Takes over what was written to the first `count` places of [`Self::spare`].
    ///
    /// # Safety
    /// There were so many places, and each now holds a packet that nobody else owns.
    pub(crate) unsafe fn grow(&mut self, count: usize) {
        // SAFETY: the caller vouches for it.
        unsafe { self.mbufs.set_len(self.mbufs.len() + count) }
    }

    /// Forgets the first `count` packets, which somebody else owns now, and moves the others to the front.
    ///
    /// # Safety
    /// `count` is at most the length, and the first `count` packets were given away.
    pub(crate) unsafe fn forget_first(&mut self, count: usize) {
        let left = self.mbufs.len() - count;
        // SAFETY: both ranges lie inside the first `len` places; the length leaves out what was given away.
        unsafe {
            let start = self.mbufs.as_mut_ptr();
            std::ptr::copy(start.add(count), start, left);
            self.mbufs.set_len(left);
        }
    }
}

impl Deref for Burst {
    type Target = [Mbuf];

    fn deref(&self) -> &[Mbuf] {
        &self.mbufs
    }
}

impl DerefMut for Burst {
    fn deref_mut(&mut self) -> &mut [Mbuf] {
        &mut self.mbufs
    }
}

impl Drop for Burst {
    fn drop(&mut self) {
        self.free_all();
    }
}
