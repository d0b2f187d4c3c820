//! The ways out of a worker: one transmit queue a port, behind the engine's trait.

use repute_model::{Io, Link, Packet};

use crate::{Burst, Mbuf, TxQueue, free};

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

    #[inline(always)]
    fn prefetch(&self) {
        Mbuf::prefetch(self);
    }
}

/// One worker's transmit queues, by port number.
#[derive(Debug)]
pub struct Ways(pub Vec<TxQueue>);

impl Io for Ways {
    type Packet = Mbuf;

    #[inline]
    fn send(&mut self, port: u8, packets: &mut Burst) {
        self.0[usize::from(port)].send(packets);
    }

    #[inline]
    fn free(&mut self, packets: &mut Burst) {
        free(packets);
    }
}
