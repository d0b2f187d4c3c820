//! What the engine wants of a packet and of the way out: the only things I/O has to provide.

use arrayvec::ArrayVec;

use crate::BATCH;

/// What a packet's first byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// An Ethernet header.
    Ethernet,
    /// An IP header.
    Ip,
}

/// A packet as the engine sees it.
pub trait Packet {
    /// The bytes of the first segment.
    fn bytes(&self) -> &[u8];
    /// Its length on the wire, which a capture may have cut.
    fn wire_len(&self) -> u32;
    /// Segments it is scattered over; 1 for most.
    fn segments(&self) -> u16;
    /// What the bytes begin with.
    fn link(&self) -> Link;
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
}
