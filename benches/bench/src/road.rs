//! The ports that packets come by and leave by, with the harness's own count.
//!
//! Made by [`crate::bench::Bench`], lent to one contender after the other. What always holds: a port is polled in
//! its turn, and what the harness counted is what the drivers counted.

use dpdk::{BURST_MAX, Burst, Cycles, Mbuf, MbufPool, Port, PortStats, RxQueue, TxQueue, Ways};
use repute_model::Io;

/// Packets, in and out of all ports of a road.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Received.
    pub received: u64,
    /// Sent.
    pub sent: u64,
}

/// Ports with one queue each, polled in turn.
#[derive(Debug)]
pub struct Road {
    /// Ways in, by port number of the engine.
    rx: Vec<Inlet>,
    /// Ways out, by port number of the engine.
    pub out: Ways,
    ports: Vec<Port>,
    turn: usize,
}

/// A way in, with what it gave so far.
#[derive(Debug)]
pub struct Inlet {
    queue: RxQueue,
    /// Packets that were received and not asked for yet.
    spare: Burst,
    received: u64,
}

impl Inlet {
    fn of(port: &Port) -> anyhow::Result<Self> {
        Ok(Self { queue: port.take_rx(0)?, spare: Burst::new(), received: 0 })
    }

    /// Adds at most `limit` packets to an empty burst; how many came.
    #[inline]
    pub fn recv(&mut self, burst: &mut Burst, limit: usize) -> usize {
        if limit == BURST_MAX && self.spare.is_empty() {
            let got = self.queue.recv(burst);
            self.received += got as u64;
            return got;
        }
        self.recv_some(burst, limit)
    }

    /// A driver that repeats a capture always has a whole burst: what is too much waits here.
    fn recv_some(&mut self, burst: &mut Burst, limit: usize) -> usize {
        if self.spare.len() < limit {
            self.received += self.queue.recv(&mut self.spare) as u64;
        }
        let first = self.spare.len().saturating_sub(limit);
        burst.extend(self.spare.drain(first..));
        burst.len()
    }
}

impl Road {
    /// A road over started ports, of which each has its queues 0.
    ///
    /// # Errors
    /// A queue is taken.
    pub fn new(ports: Vec<Port>, cycles: Cycles) -> anyhow::Result<Self> {
        let rx = ports.iter().map(Inlet::of).collect::<anyhow::Result<_>>()?;
        Ok(Self { rx, out: Ways::new(ways_out(&ports)?, cycles), ports, turn: 0 })
    }

    /// The same with a last port that is only sent to, and a pool for copies.
    ///
    /// # Errors
    /// A queue is taken.
    pub fn with_listener(
        mut ports: Vec<Port>,
        listener: Port,
        copies: MbufPool,
        cycles: Cycles,
    ) -> anyhow::Result<Self> {
        let rx = ports.iter().map(Inlet::of).collect::<anyhow::Result<_>>()?;
        ports.push(listener);
        let out = Ways::new(ways_out(&ports)?, cycles).with_copies(copies);
        Ok(Self { rx, out, ports, turn: 0 })
    }

    /// The port whose turn it is, and the way in to receive from.
    #[inline]
    pub fn poll(&mut self) -> (u8, &mut Inlet) {
        let port = self.turn;
        self.turn = if port + 1 == self.rx.len() { 0 } else { port + 1 };
        (port as u8, &mut self.rx[port])
    }

    /// Sends by a port; what it refuses is freed.
    #[inline]
    pub fn send(&mut self, port: u8, burst: &mut Burst) {
        self.out.send(port, burst);
        dpdk::free(burst);
    }

    /// The port that packets of `port` leave by: its neighbour, or itself where it is alone.
    #[inline]
    pub fn peer(&self, port: u8) -> u8 {
        if self.rx.len() == 1 { port } else { port ^ 1 }
    }

    /// Ports that packets come by.
    pub fn ports(&self) -> usize {
        self.rx.len()
    }

    /// What the drivers counted, over all ports.
    ///
    /// # Errors
    /// A port that cannot be read, or one that counted otherwise than the harness did.
    pub fn tally(&self) -> anyhow::Result<Tally> {
        let all = self.ports.iter().map(Port::stats).collect::<Result<Vec<PortStats>, _>>()?;
        let received = all.iter().map(|stats| stats.ipackets).sum();
        let sent = all.iter().map(|stats| stats.opackets).sum();
        let polled: u64 = self.rx.iter().map(|inlet| inlet.received).sum();
        anyhow::ensure!(
            received == polled,
            "the drivers received {received} packets and the harness {polled}"
        );
        Ok(Tally { received, sent })
    }
}

fn ways_out(ports: &[Port]) -> anyhow::Result<Vec<TxQueue>> {
    ports.iter().map(|port| Ok(port.take_tx(0)?)).collect()
}

/// Swaps the MAC addresses of every packet, as testpmd's mode of that name does.
#[inline]
pub fn swap_macs(packets: &mut [Mbuf]) {
    for packet in packets {
        // A packet of net_pcap is owned by nobody else, and longer than its addresses.
        if let Some(head) = packet.data_mut().and_then(|bytes| bytes.first_chunk_mut()) {
            *head = swapped(*head);
        }
    }
}

/// The first 16 bytes of a frame with the two addresses exchanged.
#[inline]
fn swapped(head: [u8; 16]) -> [u8; 16] {
    const ADDRESS: u128 = (1 << 48) - 1;
    let head = u128::from_le_bytes(head);
    let (to, from, rest) = (head & ADDRESS, (head >> 48) & ADDRESS, head >> 96);
    (from | (to << 48) | (rest << 96)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_change_places_and_nothing_else() {
        let head = std::array::from_fn(|i| i as u8);
        assert_eq!(swapped(head), [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15]);
    }
}
