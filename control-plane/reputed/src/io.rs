//! One worker's queues: ways in and ways out.

use dpdk::{Mbuf, RxQueue, Ways};
use repute_engine::Batch;

/// One worker's queues, by port number.
#[derive(Debug)]
pub struct Queues {
    /// Ways in.
    pub rx: Vec<RxQueue>,
    /// Ways out.
    pub out: Ways,
}

impl Queues {
    /// Fills an empty batch with what waits at a port; how many came.
    #[inline]
    pub fn receive(&mut self, port: u8, batch: &mut Batch<Mbuf>) -> usize {
        let rx = &mut self.rx[usize::from(port)];
        batch.fill(port, |packets| rx.recv(packets))
    }
}
