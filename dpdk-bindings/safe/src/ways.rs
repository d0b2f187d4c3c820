//! The ways out of a worker: one transmit queue a port and a pool for copies, behind the engine's traits.
//!
//! Made by whoever boots ports, one for each worker. What always holds: a copy comes from the pool of copies and
//! from no other, so whoever holds copies cannot stop ports from receiving.

use repute_model::{Io, Link, Packet};

use crate::{Burst, Cycles, Mbuf, MbufPool, TxQueue, free};

impl Packet for Mbuf {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.data()
    }

    #[inline(always)]
    fn wire_len(&self) -> u32 {
        Mbuf::wire_len(self)
    }

    #[inline(always)]
    fn segments(&self) -> u16 {
        Mbuf::segments(self)
    }

    #[inline(always)]
    fn link(&self) -> Link {
        Link::Ethernet
    }

    #[inline]
    fn prepend(&mut self, header: &[u8]) -> bool {
        if !u16::try_from(header.len()).is_ok_and(|len| Mbuf::prepend(self, len)) {
            return false;
        }
        // What could be opened can be written.
        self.data_mut().is_some_and(|bytes| {
            bytes[..header.len()].copy_from_slice(header);
            true
        })
    }

    #[inline]
    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        self.data_mut()
    }

    #[inline]
    fn resize(&mut self, len: u32) -> bool {
        u16::try_from(len).is_ok_and(|len| Mbuf::resize(self, len))
    }

    #[inline]
    fn replace_end(&mut self, from: u32, end: &[u8]) -> bool {
        Mbuf::replace_end(self, from as usize, end)
    }

    #[inline(always)]
    fn prefetch(&self) {
        Mbuf::prefetch(self);
    }

    #[inline(always)]
    fn prefetch_head(&self) {
        Mbuf::prefetch_head(self);
    }
}

/// One worker's ways out.
#[derive(Debug)]
pub struct Ways {
    /// By port number.
    tx: Vec<TxQueue>,
    copies: Option<MbufPool>,
    cycles: Cycles,
}

impl Ways {
    /// Transmit queues by port number, and no pool for copies.
    #[must_use]
    pub fn new(tx: Vec<TxQueue>, cycles: Cycles) -> Self {
        Self { tx, copies: None, cycles }
    }

    /// Copies are made in this pool, which workers may share: each thread keeps some of it at hand. What is to be
    /// copied fits into one mbuf of it, else no header can be put before the copy.
    #[must_use]
    pub fn with_copies(self, pool: MbufPool) -> Self {
        Self { copies: Some(pool), ..self }
    }
}

impl Io for Ways {
    type Packet = Mbuf;

    #[inline]
    fn send(&mut self, port: u8, packets: &mut Burst) {
        self.tx[usize::from(port)].send(packets);
    }

    #[inline]
    fn free(&mut self, packets: &mut Burst) {
        free(packets);
    }

    #[inline]
    fn copy(&mut self, packet: &Mbuf, bytes_max: u32) -> Option<Mbuf> {
        self.copies.as_ref()?.copy_prefix(packet, bytes_max)
    }

    fn make(&mut self, frame: &[u8]) -> Option<Mbuf> {
        let mut packet = self.copies.as_ref()?.alloc()?;
        let len = u16::try_from(frame.len()).ok()?;
        // A fresh packet that has the room is whole and writable.
        let bytes = if packet.resize(len) { packet.data_mut() } else { None };
        bytes?.copy_from_slice(frame);
        Some(packet)
    }

    #[inline(always)]
    fn cycles(&self) -> u64 {
        self.cycles.now()
    }
}
