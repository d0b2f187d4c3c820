//! DPDK behind the engine's two traits: an mbuf is a packet, a set of queues the ways in and out.

use dpdk::{Burst, Mbuf, RxQueue, TxQueue};
use repute_engine::{Arrival, BATCH, Batch, Io, Link, Outbox, Packet};

/// An mbuf on its way through the engine.
#[derive(Debug)]
pub struct Frame(pub Mbuf);

impl Packet for Frame {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self.0.data()
    }

    #[inline]
    fn wire_len(&self) -> u32 {
        self.0.wire_len()
    }

    #[inline]
    fn segments(&self) -> u16 {
        self.0.segments()
    }

    #[inline]
    fn link(&self) -> Link {
        Link::Ethernet
    }
}

/// One worker's queues, by port number.
#[derive(Debug)]
pub struct Queues {
    /// Ways in.
    pub rx: Vec<RxQueue>,
    /// Ways out.
    pub out: Outs,
}

/// The ways out, and the burst that packets change into there.
#[derive(Debug)]
pub struct Outs {
    /// By port number.
    pub tx: Vec<TxQueue>,
    /// Between calls always empty.
    pub burst: Burst,
}

impl Queues {
    /// Fills an empty batch with what waits at a port; how many came.
    pub fn receive(&mut self, port: u8, batch: &mut Batch<Frame>) -> usize {
        const { assert!(BATCH == dpdk::BURST_MAX) };
        let burst = &mut self.out.burst;
        let received = self.rx[usize::from(port)].recv(burst);
        batch.extend(burst.drain().map(|mbuf| Arrival { packet: Frame(mbuf), port }));
        received
    }
}

impl Io for Outs {
    type Packet = Frame;

    fn send(&mut self, port: u8, packets: &mut Outbox<Frame>) {
        for frame in packets.drain(..) {
            // A burst holds a whole outbox, so nothing is ever refused here.
            let _ = self.burst.push(frame.0);
        }
        self.tx[usize::from(port)].send(&mut self.burst);
        packets.extend(self.burst.drain().map(Frame));
    }

    fn free(&mut self, packets: &mut Outbox<Frame>) {
        for frame in packets.drain(..) {
            let _ = self.burst.push(frame.0);
        }
        self.burst.free_all();
    }
}
