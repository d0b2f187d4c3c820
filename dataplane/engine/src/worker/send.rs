//! What leaves: packets to their ways out, in order, and everything else freed in bulk.

use repute_model::{Io, Packet, Verdict};

use super::Worker;
use crate::Batch;

impl<P: Packet> Worker<P> {
    /// Empties the batch: forwards by port, frees the rest, and counts both.
    pub(super) fn send<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        for ((packet, port), judgement) in batch.packets.drain(..).zip(batch.ports).zip(&self.judgements) {
            let peer = self.wires[usize::from(port)].peer;
            let port = &mut self.account.ports[usize::from(port)];
            match (judgement.verdict, judgement.reason, peer) {
                (Verdict::Forward, _, Some(peer)) => {
                    port.forwarded += 1;
                    self.outboxes[usize::from(peer)].push(packet);
                }
                (_, reason, _) => {
                    if let Some(reason) = reason {
                        port.dropped[reason.index()] += 1;
                    }
                    self.dropped.push(packet);
                }
            }
        }
        if !self.dropped.is_empty() {
            io.free(&mut self.dropped);
        }
        for port in 0..self.outboxes.len() {
            self.send_to(port, io);
        }
    }

    /// Offers what waits for a port; what it refuses is freed and counted.
    fn send_to<I: Io<Packet = P>>(&mut self, port: usize, io: &mut I) {
        let outbox = &mut self.outboxes[port];
        if outbox.is_empty() {
            return;
        }
        let bytes = |outbox: &[P]| outbox.iter().map(|packet| u64::from(packet.wire_len())).sum::<u64>();
        let (offered, offered_bytes) = (outbox.len() as u64, bytes(outbox));
        io.send(port as u8, outbox);
        let (refused, refused_bytes) = (outbox.len() as u64, bytes(outbox));
        let account = &mut self.account.ports[port];
        account.offered += offered;
        account.sent += offered - refused;
        account.sent_bytes += offered_bytes - refused_bytes;
        account.refused += refused;
        if !outbox.is_empty() {
            io.free(outbox);
        }
    }
}
