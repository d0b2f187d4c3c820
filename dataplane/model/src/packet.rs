//! What the engine wants of a packet and of the ways out: the only things I/O has to provide.
//!
//! Implemented by `dpdk` for mbufs, and by everything that runs the engine without a port.

use arrayvec::ArrayVec;

/// Packets in a batch at most: enough to hide the latency of a batch of look-ups behind each other,
/// few enough that their headers stay in the first-level cache.
pub const BATCH: usize = 64;

/// What a packet's first byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// An Ethernet header.
    Ethernet,
    /// An IP header.
    Ip,
}

/// A packet as the engine sees it.
pub trait Packet: Sized {
    /// The bytes of the first segment.
    fn bytes(&self) -> &[u8];
    /// Its length on the wire, which a capture may have cut.
    fn wire_len(&self) -> u32;
    /// Segments it is scattered over; 1 for most.
    fn segments(&self) -> u16;
    /// What the bytes begin with.
    fn link(&self) -> Link;
    /// Puts a header before the first byte; `false`, and nothing is changed, where there is no room or the bytes
    /// are shared.
    fn prepend(&mut self, header: &[u8]) -> bool;
    /// The bytes of the first segment, to be written; `None` where somebody else reads them too.
    fn bytes_mut(&mut self) -> Option<&mut [u8]>;
    /// Cuts or lengthens it at its end to `len` bytes, of which new ones are zero; `false`, and nothing is changed, where
    /// it is scattered or shared, or has no room.
    fn resize(&mut self, len: u32) -> bool;
    /// Puts `end` behind its first `from` bytes, which it has, in place of all that stands there; `false`, and nothing is
    /// changed, where [`resize`](Self::resize) cannot.
    fn replace_end(&mut self, from: u32, end: &[u8]) -> bool {
        let (from, len) = (from as usize, from as usize + end.len());
        self.resize(len as u32)
            && self.bytes_mut().and_then(|bytes| bytes.get_mut(from..len)).is_some_and(|place| {
                place.copy_from_slice(end);
                true
            })
    }
    /// Asks the CPU for the first bytes, which will be read a little later.
    #[inline(always)]
    fn prefetch(&self) {}
    /// Asks the CPU for what describes it, beside its bytes: it has not been touched for long, or by another core, and will
    /// be needed a little later.
    #[inline(always)]
    fn prefetch_head(&self) {}
}

/// Packets on their way out, oldest first.
pub type Outbox<P> = ArrayVec<P, BATCH>;

/// The ways out of a worker.
pub trait Io {
    /// What travels.
    type Packet: Packet;

    /// Offers packets to a port, in order. What the port takes is removed from the front; what it
    /// refuses stays.
    fn send(&mut self, port: u8, packets: &mut Outbox<Self::Packet>);

    /// Frees packets, in bulk.
    fn free(&mut self, packets: &mut Outbox<Self::Packet>);

    /// A copy of the first `bytes_max` bytes of a packet in a pool of its own, so that nobody who is slow to take
    /// copies can hold packets; `None` when that pool is empty or there is none.
    fn copy(&mut self, packet: &Self::Packet, bytes_max: u32) -> Option<Self::Packet>;

    /// A new packet with these bytes, in the pool of copies; `None` when that is empty or there is none.
    fn make(&mut self, _frame: &[u8]) -> Option<Self::Packet> {
        None
    }

    /// A counter of CPU cycles, for the engine's own telemetry and for nothing that it decides; 0 where nobody
    /// measures.
    #[inline(always)]
    fn cycles(&self) -> u64 {
        0
    }
}
