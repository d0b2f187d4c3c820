//! What one breath takes: up to 64 packets of one tick.

use arrayvec::ArrayVec;
use repute_model::{BATCH, Link, Packet};

use crate::worker::lanes::Lanes;

/// The packets of one breath, in order of arrival, and the ports they came in by.
#[derive(Debug)]
pub struct Batch<P> {
    pub(crate) packets: ArrayVec<P, BATCH>,
    /// Port numbers of the packets, below [`crate::PORTS`].
    pub(crate) ports: [u8; BATCH],
    /// Whether they differ.
    mixed: bool,
    /// Whether another worker received them.
    pub(crate) taken: bool,
    /// Which of them were handed to the wrong worker, a bit each.
    pub(crate) misowned: u64,
    /// Bytes on the wire of all of them, once a worker has looked.
    pub(crate) bytes: u64,
    /// What a worker finds out about them; written anew in every breath.
    pub(crate) lanes: Lanes,
}

impl<P> Default for Batch<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Batch<P> {
    /// An empty batch.
    pub const fn new() -> Self {
        Self {
            packets: ArrayVec::new_const(),
            ports: [0; BATCH],
            mixed: false,
            taken: false,
            misowned: 0,
            bytes: 0,
            lanes: Lanes::new(),
        }
    }

    /// Packets in it.
    pub const fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The packets and their ports.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &P)> {
        self.ports.iter().copied().zip(&self.packets)
    }

    /// Adds a packet that came in by `port`.
    ///
    /// # Panics
    /// The batch is full.
    #[inline]
    pub fn push(&mut self, port: u8, packet: P) {
        self.mixed = !self.packets.is_empty() && (self.mixed || port != self.ports[0]);
        self.ports[self.packets.len()] = port;
        self.packets.push(packet);
    }

    /// The port that all of its packets came in by, if it is one.
    pub(crate) fn port(&self) -> Option<u8> {
        (!self.mixed && !self.packets.is_empty()).then_some(self.ports[0])
    }

    /// Puts a packet back that was number `from`, with all that is known of it.
    #[inline]
    pub(crate) fn keep(&mut self, from: usize, packet: P) {
        let to = self.packets.len();
        self.ports[to] = self.ports[from];
        self.lanes.keep(to, from);
        self.packets.push(packet);
    }

    /// Lets `receive` fill an empty batch with packets of one port; what `receive` returns.
    #[inline]
    pub fn fill<R>(&mut self, port: u8, receive: impl FnOnce(&mut ArrayVec<P, BATCH>) -> R) -> R {
        debug_assert!(self.is_empty(), "a batch is filled before anything is in it");
        (self.ports, self.mixed) = ([port; BATCH], false);
        receive(&mut self.packets)
    }
}

impl<P: Packet> Batch<P> {
    /// Whether its first packet is a frame with IPv4: then most of the others probably are.
    #[inline]
    pub(crate) fn begins_common(&self) -> bool {
        let Some(first) = self.packets.first() else { return false };
        first.link() == Link::Ethernet && first.bytes().get(12..14) == Some(&[8, 0])
    }

    /// Asks the CPU for the headers of every packet.
    #[inline]
    pub(crate) fn prefetch(&self) {
        for packet in &self.packets {
            packet.prefetch();
        }
    }
}

impl<P> Extend<(u8, P)> for Batch<P> {
    fn extend<T: IntoIterator<Item = (u8, P)>>(&mut self, packets: T) {
        for (port, packet) in packets {
            self.push(port, packet);
        }
    }
}

impl<P> FromIterator<(u8, P)> for Batch<P> {
    fn from_iter<T: IntoIterator<Item = (u8, P)>>(packets: T) -> Self {
        let mut batch = Self::new();
        batch.extend(packets);
        batch
    }
}
