//! What one breath takes: up to 64 packets of one tick.

use arrayvec::ArrayVec;

/// Packets in a batch at most.
pub const BATCH: usize = 64;

/// A packet and the port it came in by.
#[derive(Debug)]
pub struct Arrival<P> {
    /// The packet.
    pub packet: P,
    /// The number of the port, below [`crate::PORTS`].
    pub port: u8,
}

/// The packets of one breath, in order of arrival.
pub type Batch<P> = ArrayVec<Arrival<P>, BATCH>;
