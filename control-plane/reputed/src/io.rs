//! One worker's queues: ways in and ways out.

use dpdk::{Mbuf, RxQueue, Ways};
use repute_engine::Batch;

/// One worker's queues.
#[derive(Debug)]
pub struct Queues {
    /// Ways in: one for each port that has a queue for this worker.
    pub rx: Vec<Entrance>,
    /// Ways out, by port number.
    pub out: Ways,
}

/// One way in.
#[derive(Debug)]
pub struct Entrance {
    /// Number of the port.
    pub port: u8,
    /// The queue.
    pub queue: RxQueue,
}

impl Entrance {
    /// Fills an empty batch with what waits; how many came.
    #[inline]
    pub fn receive(&mut self, batch: &mut Batch<Mbuf>) -> usize {
        batch.fill(self.port, |packets| self.queue.recv(packets))
    }
}
