//! One packet, owned: its bytes, lengths and what the port said about it.
//!
//! Called by the workers for every packet, so nothing here calls into C but dropping.
//! What always holds: an `Mbuf` is one reference to a valid packet; bytes can be written only while nobody else has
//! a reference to them; `data()` is the first segment, which is the whole packet when `segments()` is 1.

use std::ptr::NonNull;

use dpdk_sys::{
    DPDK_MBUF_EXTERNAL, DPDK_MBUF_INDIRECT, DPDK_MBUF_IP_CKSUM_BAD, DPDK_MBUF_IP_CKSUM_GOOD,
    DPDK_MBUF_L4_CKSUM_BAD, DPDK_MBUF_L4_CKSUM_GOOD, DPDK_MBUF_RSS_HASH, dpdk_free, mbuf as raw, rte_mbuf,
};

use crate::{Checksum, Segments, timestamp};

/// A packet with its owner. Dropping it gives it back to its pool; many at once go cheaper through a
/// [`crate::Burst`].
#[repr(transparent)]
#[derive(Debug)]
pub struct Mbuf(NonNull<rte_mbuf>);

// SAFETY: an mbuf belongs to no thread; its pool takes it back from any.
unsafe impl Send for Mbuf {}
// SAFETY: through a shared reference the mbuf is only read, its reference count atomically.
unsafe impl Sync for Mbuf {}

impl Mbuf {
    /// Takes over one reference to a packet.
    ///
    /// # Safety
    /// `raw` is a valid mbuf, first of its packet, and the caller gives up one reference to it.
    pub(crate) unsafe fn from_raw(raw: NonNull<rte_mbuf>) -> Self {
        Self(raw)
    }

    pub(crate) fn as_ptr(&self) -> *const rte_mbuf {
        self.0.as_ptr()
    }

    //--- reading

    /// The bytes of the first segment.
    #[inline(always)]
    #[must_use]
    pub fn data(&self) -> &[u8] {
        // SAFETY: the mbuf is valid; its data lies inside its buffer, which lives as long as this reference.
        unsafe {
            std::slice::from_raw_parts(first_byte(self.as_ptr()), usize::from(raw::data_len(self.as_ptr())))
        }
    }

    /// The length of the whole packet, all segments, in bytes; with `net_pcap` the captured length.
    #[inline(always)]
    #[must_use]
    pub fn wire_len(&self) -> u32 {
        // SAFETY: the mbuf is valid.
        unsafe { raw::pkt_len(self.as_ptr()) }
    }

    /// Number of segments, 1 for nearly all packets.
    #[inline(always)]
    #[must_use]
    pub fn segments(&self) -> u16 {
        // SAFETY: the mbuf is valid and the first of its packet.
        unsafe { raw::nb_segs(self.as_ptr()) }
    }

    /// The bytes of all segments, in order.
    #[must_use]
    pub fn chunks(&self) -> Segments<'_> {
        Segments::new(self)
    }

    /// Whether the bytes have another owner too: a second reference, or a buffer that is not the mbuf's own.
    #[inline(always)]
    #[must_use]
    pub fn is_shared(&self) -> bool {
        // SAFETY: the mbuf is valid.
        let (references, flags) = unsafe { (raw::refcnt(self.as_ptr()), raw::ol_flags(self.as_ptr())) };
        references != 1 || flags & (DPDK_MBUF_INDIRECT | DPDK_MBUF_EXTERNAL) != 0
    }

    /// The port on which the packet came in; 65535 for an allocated one.
    #[inline(always)]
    #[must_use]
    pub fn port_id(&self) -> u16 {
        // SAFETY: the mbuf is valid.
        unsafe { raw::port(self.as_ptr()) }
    }

    /// When the packet was captured, microseconds since 1970, for packets of `net_pcap`; none for other ports.
    #[inline]
    #[must_use]
    pub fn timestamp_us(&self) -> Option<u64> {
        // SAFETY: the mbuf is valid; a flag that is set was registered together with the offset.
        unsafe {
            let filled = raw::ol_flags(self.as_ptr()) & timestamp::flag() != 0;
            filled.then(|| raw::dynfield_u64(self.as_ptr(), timestamp::offset()))
        }
    }

    /// What the port found about the IPv4 header checksum.
    #[inline]
    #[must_use]
    pub fn ip_checksum(&self) -> Checksum {
        Checksum::from_flags(self.flags(), DPDK_MBUF_IP_CKSUM_BAD, DPDK_MBUF_IP_CKSUM_GOOD)
    }

    /// What the port found about the TCP, UDP or SCTP checksum.
    #[inline]
    #[must_use]
    pub fn l4_checksum(&self) -> Checksum {
        Checksum::from_flags(self.flags(), DPDK_MBUF_L4_CKSUM_BAD, DPDK_MBUF_L4_CKSUM_GOOD)
    }

    /// The port's RSS hash of the packet.
    #[inline]
    #[must_use]
    pub fn rss_hash(&self) -> Option<u32> {
        let filled = self.flags() & DPDK_MBUF_RSS_HASH != 0;
        // SAFETY: the mbuf is valid.
        filled.then(|| unsafe { raw::rss_hash(self.as_ptr()) })
    }

    /// Asks the CPU to fetch the first cache line of the data, for a batch that reads it a little later.
    #[inline(always)]
    pub fn prefetch(&self) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the mbuf is valid; a prefetch has no effect that the program could see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(first_byte(self.as_ptr()).cast()) }
    }

    /// Asks the CPU to fetch the two cache lines of the mbuf itself, for a batch that sends it a little later.
    #[inline(always)]
    pub fn prefetch_head(&self) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let head: *const i8 = self.as_ptr().cast();
        // SAFETY: a prefetch has no effect that the program could see, wherever it points.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(head);
            _mm_prefetch::<_MM_HINT_T0>(head.wrapping_add(64));
        }
    }

    #[inline(always)]
    fn flags(&self) -> u64 {
        // SAFETY: the mbuf is valid.
        unsafe { raw::ol_flags(self.as_ptr()) }
    }

    //--- writing

    /// The bytes of the first segment for writing; none while the packet is shared.
    #[inline(always)]
    #[must_use]
    pub fn data_mut(&mut self) -> Option<&mut [u8]> {
        if self.is_shared() {
            return None;
        }
        // SAFETY: the mbuf is valid, this is its only reference and it is borrowed mutably.
        unsafe {
            let len = usize::from(raw::data_len(self.as_ptr()));
            Some(std::slice::from_raw_parts_mut(first_byte(self.as_ptr()), len))
        }
    }

    /// Free bytes before the data.
    #[inline]
    #[must_use]
    pub fn headroom(&self) -> u16 {
        // SAFETY: the mbuf is valid.
        unsafe { raw::data_off(self.as_ptr()) }
    }

    /// Free bytes behind the data of the first segment.
    #[inline]
    #[must_use]
    pub fn tailroom(&self) -> u16 {
        // SAFETY: the mbuf is valid.
        let (size, len) = unsafe { (raw::buf_len(self.as_ptr()), raw::data_len(self.as_ptr())) };
        size.saturating_sub(self.headroom()).saturating_sub(len)
    }

    /// Cuts or lengthens the packet at its end; new bytes are zero. `false`, and nothing is changed, when the packet
    /// is shared, has several segments, or has no room.
    #[must_use]
    pub fn resize(&mut self, len: u16) -> bool {
        let old = self.data().len();
        if !self.is_single_owned() || usize::from(len) > old + usize::from(self.tailroom()) {
            return false;
        }
        // SAFETY: the packet is this owner's alone, and `len` bytes fit behind data_off.
        unsafe {
            self.set_len(len);
            let grown = usize::from(len).saturating_sub(old);
            first_byte(self.as_ptr()).add(usize::from(len) - grown).write_bytes(0, grown);
        }
        true
    }

    /// Puts `end` behind the first `from` bytes in place of all that stands there. `false`, and nothing is changed, when the
    /// packet is shorter than `from`, is shared, has several segments, or has no room.
    #[inline]
    #[must_use]
    pub fn replace_end(&mut self, from: usize, end: &[u8]) -> bool {
        let old = self.data().len();
        let fits = from <= old && from + end.len() <= old + usize::from(self.tailroom());
        if !fits || !self.is_single_owned() {
            return false;
        }
        // SAFETY: the packet is this owner's alone, and as many bytes as it has then fit behind data_off, which are no more
        // than a buffer has: 16 bits.
        unsafe {
            first_byte(self.as_ptr()).add(from).copy_from_nonoverlapping(end.as_ptr(), end.len());
            self.set_len((from + end.len()) as u16);
        }
        true
    }

    /// Opens `len` zero bytes before the packet, for a header. `false`, and nothing is changed, when the packet is
    /// shared, has several segments, or has no head room.
    #[must_use]
    pub fn prepend(&mut self, len: u16) -> bool {
        let grown = u16::try_from(self.data().len()).ok().and_then(|old| old.checked_add(len));
        let (Some(grown), true) = (grown, self.is_single_owned() && len <= self.headroom()) else {
            return false;
        };
        // SAFETY: the packet is this owner's alone, and `len` bytes are free before its data.
        unsafe {
            raw::set_data_off(self.0.as_ptr(), self.headroom() - len);
            self.set_len(grown);
            first_byte(self.as_ptr()).write_bytes(0, usize::from(len));
        }
        true
    }

    /// Cuts `len` bytes off the packet's start. `false`, and nothing is changed, when the packet is shared, has
    /// several segments, or is shorter.
    #[must_use]
    pub fn trim_front(&mut self, len: u16) -> bool {
        let left = u16::try_from(self.data().len()).ok().and_then(|old| old.checked_sub(len));
        let (Some(left), true) = (left, self.is_single_owned()) else {
            return false;
        };
        // SAFETY: the packet is this owner's alone, and `len` is at most its length.
        unsafe {
            raw::set_data_off(self.0.as_ptr(), self.headroom() + len);
            self.set_len(left);
        }
        true
    }

    #[inline]
    fn is_single_owned(&self) -> bool {
        self.segments() == 1 && !self.is_shared()
    }

    /// # Safety
    /// The packet is a single segment, this owner's alone, and `len` bytes fit behind its data offset.
    unsafe fn set_len(&mut self, len: u16) {
        // SAFETY: the caller vouches for it.
        unsafe {
            raw::set_data_len(self.0.as_ptr(), len);
            raw::set_pkt_len(self.0.as_ptr(), u32::from(len));
        }
    }
}

impl Drop for Mbuf {
    fn drop(&mut self) {
        // SAFETY: this is one reference, and it ends here.
        unsafe { dpdk_free(self.0.as_ptr()) }
    }
}

/// # Safety
/// `mbuf` is valid.
#[inline(always)]
pub(crate) unsafe fn first_byte(mbuf: *const rte_mbuf) -> *mut u8 {
    // SAFETY: the caller vouches for the mbuf; the data offset lies inside its buffer.
    unsafe { raw::buf_addr(mbuf).add(usize::from(raw::data_off(mbuf))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Eal, EalArgs, HugePages, MbufPool, PoolArgs};

    /// The states that only drivers and other references make. The one unit test that starts EAL.
    #[test]
    fn shared_packets_are_read_only_and_flags_are_read() {
        let eal =
            Eal::init(EalArgs { huge_pages: HugePages::None, memory_mb: 64, ..EalArgs::default() }).unwrap();
        let pool = MbufPool::new(&eal, &PoolArgs::new("flags", 63)).unwrap();
        let mut packet = pool.alloc().unwrap();
        assert!(packet.resize(60) && !packet.is_shared());

        let references = packet.0.as_ptr().wrapping_byte_add(dpdk_sys::DPDK_MBUF_REFCNT).cast::<u16>();
        // SAFETY: no other thread knows the packet.
        unsafe { references.write(2) };
        assert!(packet.is_shared() && packet.data_mut().is_none() && packet.data().len() == 60);
        assert!(!packet.resize(10) && !packet.prepend(1) && !packet.trim_front(1));
        // SAFETY: as above.
        unsafe { references.write(1) };
        assert!(packet.data_mut().is_some());

        let flagged = |flags| {
            // SAFETY: as above.
            unsafe { raw::set_ol_flags(packet.0.as_ptr(), flags) };
            (packet.ip_checksum(), packet.l4_checksum(), packet.is_shared(), packet.timestamp_us())
        };
        let (bad, good) = (DPDK_MBUF_IP_CKSUM_BAD, DPDK_MBUF_L4_CKSUM_GOOD);
        assert_eq!(flagged(bad | good), (Checksum::Bad, Checksum::Good, false, None));
        assert_eq!(flagged(DPDK_MBUF_EXTERNAL), (Checksum::Unknown, Checksum::Unknown, true, None));
        assert_ne!(timestamp::flag(), 0);
        assert!(flagged(timestamp::flag()).3.is_some());
        flagged(0);
        drop(packet);
        assert_eq!(pool.in_use(), 0);
    }
}
