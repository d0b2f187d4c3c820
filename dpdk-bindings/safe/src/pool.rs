//! Packet pools: all packets that there will ever be, made at boot.
//!
//! Called by the boot code; workers allocate their own packets (answers, copies) from it. A pool has a fixed size;
//! when it is empty, receiving stops (the port counts `rx_nombuf`) and allocating returns nothing.
//! A pool is never freed before the process ends: packets may sit in a driver's rings or on another thread, and
//! nothing could prove that none is left.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;

use dpdk_sys::{
    DPDK_HEADROOM, DPDK_MEMPOOL_CACHE_MAX, dpdk_alloc, dpdk_alloc_bulk, rte_mempool, rte_mempool_avail_count,
    rte_mempool_in_use_count, rte_pktmbuf_copy, rte_pktmbuf_pool_create_by_ops,
};
use thiserror::Error;

use crate::burst::{grow, spare};
use crate::{BURST_MAX, Burst, Eal, Errno, Mbuf, Memory, log};

/// Bytes that a packet needs beside its buffer: the mbuf, the pool's header and padding.
const OVERHEAD_BYTES: u64 = 128 + 64;

/// Which of the packets that are in no thread's cache is handed out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The one that was freed last: it is in a cache of the CPU. DPDK's driver `stack`.
    Warmest,
    /// The one that was freed first. For `net_af_xdp`, which shares too little memory with the kernel for the last
    /// packets of a pool where pages leave gaps between them (DPDK 22.11), and would be given those first. DPDK's
    /// default, a ring.
    Oldest,
}

impl Order {
    const fn handler(self) -> &'static CStr {
        match self {
            Self::Warmest => c"stack",
            Self::Oldest => c"ring_mp_mc",
        }
    }
}

/// What a pool is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolArgs {
    /// Unique in the process, at most 25 bytes.
    pub name: String,
    /// Number of packets; 2^k - 1 wastes no memory.
    pub mbufs: u32,
    /// Packets that each registered thread may keep at hand; at most 512 and two thirds of `mbufs`.
    pub cache: u32,
    /// Bytes of packet data that fit into one mbuf. 128 bytes of head room come on top.
    pub data_room: u16,
    /// NUMA socket of the memory; the port's own is best. None: any.
    pub socket: Option<u32>,
    /// Which packet is handed out next.
    pub order: Order,
}

impl PoolArgs {
    /// `mbufs` packets of 2048 bytes with a cache of 256 (less in a small pool) on any socket, the warmest first.
    #[must_use]
    pub fn new(name: &str, mbufs: u32) -> Self {
        let (cache, order) = ((mbufs / 8).min(256), Order::Warmest);
        Self { name: name.to_owned(), mbufs, cache, data_room: 2048, socket: None, order }
    }

    /// About how many MiB the pool takes.
    #[must_use]
    pub fn memory_mb(&self) -> u64 {
        let each = u64::from(self.data_room) + u64::from(DPDK_HEADROOM) + OVERHEAD_BYTES;
        (u64::from(self.mbufs) * each).div_ceil(1 << 20)
    }
}

/// Why a pool could not be made.
#[derive(Debug, Error)]
pub enum PoolError {
    /// An argument that no pool can have.
    #[error("pool {name:?}: {what}")]
    Args {
        /// The pool's name.
        name: String,
        /// What is wrong and what would be right.
        what: String,
    },
    /// The memory does not suffice.
    #[error(
        "pool {name:?}: {mbufs} packets need about {needed_mb} MiB, and DPDK was started with {given_mb} MiB of \
         {pages} pages; way out: fewer packets, a larger memory_mb{}", if *pages == "huge" { ", more huge pages" } else { "" }
    )]
    Memory {
        /// The pool's name.
        name: String,
        /// Packets asked for.
        mbufs: u32,
        /// MiB that they need.
        needed_mb: u64,
        /// MiB that EAL was to have for everything.
        given_mb: u32,
        /// "huge" or "ordinary".
        pages: &'static str,
    },
    /// Another failure.
    #[error("pool {name:?}: {errno}; DPDK said: {said}; way out: {}",
        if *.errno == Errno::EXISTS {
            "give each pool its own name"
        } else {
            "see what DPDK said; its mempool drivers \"stack\" and \"ring\" have to be installed"
        })]
    Create {
        /// The pool's name.
        name: String,
        /// DPDK's reason.
        errno: Errno,
        /// What it logged.
        said: String,
    },
}

/// A pool of packets. Clones are the same pool.
#[derive(Clone, Debug)]
pub struct MbufPool {
    raw: NonNull<rte_mempool>,
    capacity: u32,
    data_room: u16,
}

// SAFETY: a mempool is made for use from any number of threads at once, and this one is never freed.
unsafe impl Send for MbufPool {}
// SAFETY: as above.
unsafe impl Sync for MbufPool {}

impl MbufPool {
    /// Makes a pool, with all of its packets.
    ///
    /// # Errors
    /// Impossible arguments, a name that is taken, too little memory.
    pub fn new(eal: &Eal, args: &PoolArgs) -> Result<Self, PoolError> {
        let name = check(args)?;
        let room = args.data_room + headroom();
        let socket = args.socket.and_then(|socket| i32::try_from(socket).ok()).unwrap_or(-1);
        let mark = log::mark();
        // SAFETY: EAL runs, `name` is a C string that is copied, the numbers were checked.
        let raw = unsafe {
            let (name, handler) = (name.as_ptr(), args.order.handler().as_ptr());
            rte_pktmbuf_pool_create_by_ops(name, args.mbufs, args.cache, 0, room, socket, handler)
        };
        let raw = NonNull::new(raw).ok_or_else(|| refused(eal, args, Errno::last(), mark))?;
        Ok(Self { raw, capacity: args.mbufs, data_room: args.data_room })
    }

    /// One empty packet, or none when the pool is empty.
    #[must_use]
    pub fn alloc(&self) -> Option<Mbuf> {
        // SAFETY: the pool lives; a fresh mbuf has one owner, which is handed on.
        unsafe { NonNull::new(dpdk_alloc(self.raw.as_ptr())).map(|raw| Mbuf::from_raw(raw)) }
    }

    /// Adds `count` empty packets to the burst in one go: all of them, or none (`false`) when the burst has no room
    /// for them or the pool does not hold so many.
    pub fn alloc_bulk(&self, burst: &mut Burst, count: usize) -> bool {
        let room = spare(burst);
        if count > BURST_MAX || count > room.len() {
            return false;
        }
        // SAFETY: `room` has space for `count` pointers; on 0 all of them were written, each an mbuf with one owner.
        unsafe {
            let done = dpdk_alloc_bulk(self.raw.as_ptr(), room.as_mut_ptr().cast(), count as u32) == 0;
            grow(burst, if done { count } else { 0 });
            done
        }
    }

    /// A copy of the first `bytes_max` bytes of a packet (all segments of it) in this pool, or none when the pool is
    /// empty. The copy is independent: it holds neither the original nor its pool.
    #[must_use]
    pub fn copy_prefix(&self, packet: &Mbuf, bytes_max: u32) -> Option<Mbuf> {
        // SAFETY: the packet is valid and only read; the result has one owner, which is handed on.
        unsafe {
            let copy = rte_pktmbuf_copy(packet.as_ptr(), self.raw.as_ptr(), 0, bytes_max);
            NonNull::new(copy).map(|raw| Mbuf::from_raw(raw))
        }
    }

    /// Number of packets that the pool was made with.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Bytes that fit into one mbuf.
    #[must_use]
    pub fn data_room(&self) -> u16 {
        self.data_room
    }

    /// Packets in the pool and in the threads' caches. Walks all caches: not for the hot path.
    #[must_use]
    pub fn available(&self) -> u32 {
        // SAFETY: the pool lives; the count is racy by nature and says so.
        unsafe { rte_mempool_avail_count(self.raw.as_ptr()) }
    }

    /// Packets that somebody holds: workers, rings, drivers. Walks all caches: not for the hot path.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        // SAFETY: the pool lives; the count is racy by nature and says so.
        unsafe { rte_mempool_in_use_count(self.raw.as_ptr()) }
    }

    pub(crate) fn as_ptr(&self) -> *mut rte_mempool {
        self.raw.as_ptr()
    }
}

/// DPDK's head room, a constant of its build (128).
const fn headroom() -> u16 {
    DPDK_HEADROOM as u16
}

fn check(args: &PoolArgs) -> Result<CString, PoolError> {
    let wrong = |what: String| PoolError::Args { name: args.name.clone(), what };
    if args.name.is_empty() || args.name.len() > 25 {
        return Err(wrong("a pool's name has 1 to 25 bytes".to_owned()));
    }
    if args.mbufs == 0 || args.data_room > u16::MAX - headroom() {
        return Err(wrong(format!(
            "a pool has at least one packet, of at most {} bytes",
            u16::MAX - headroom()
        )));
    }
    let cache_max = DPDK_MEMPOOL_CACHE_MAX.min(args.mbufs / 3 * 2);
    if args.cache > cache_max {
        let what =
            format!("a cache of {} is too large for {} packets; at most {cache_max}", args.cache, args.mbufs);
        return Err(wrong(what));
    }
    CString::new(args.name.as_str()).map_err(|_| wrong("the name holds a zero byte".to_owned()))
}

fn refused(eal: &Eal, args: &PoolArgs, errno: Errno, mark: log::Mark) -> PoolError {
    let name = args.name.clone();
    if errno != Errno::NO_MEMORY {
        return PoolError::Create { name, errno, said: mark.said() };
    }
    let (given_mb, pages) = match eal.memory() {
        Memory::Huge { asked_mb, .. } => (asked_mb, "huge"),
        Memory::Ordinary { asked_mb, .. } => (asked_mb, "ordinary"),
    };
    PoolError::Memory { name, mbufs: args.mbufs, needed_mb: args.memory_mb(), given_mb, pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_pools_are_refused_before_dpdk_sees_them() {
        let wrong = [
            PoolArgs::new("", 1023),
            PoolArgs::new("a name of twenty-six bytes", 1023),
            PoolArgs::new("none", 0),
            PoolArgs { data_room: u16::MAX, ..PoolArgs::new("wide", 1023) },
            PoolArgs { cache: 513, ..PoolArgs::new("cache", 8191) },
            PoolArgs { cache: 400, ..PoolArgs::new("cache", 511) },
            PoolArgs::new("zero\0", 1023),
        ];
        for args in wrong {
            assert!(matches!(check(&args), Err(PoolError::Args { .. })), "{args:?}");
        }
        assert!(check(&PoolArgs::new("main", 8191)).is_ok());
        assert!(check(&PoolArgs::new("tiny", 1)).is_ok());
    }

    #[test]
    fn memory_estimate() {
        assert_eq!(PoolArgs::new("main", 8192).memory_mb(), 19);
    }
}
