//! What leaves: packets to their ways out, in order, and everything else freed in bulk.

use repute_model::{Io, Outbox, Packet, Verdict};

use super::Worker;
use crate::{Account, Batch};

impl<P: Packet> Worker<P> {
    /// Empties the batch: forwards by port, frees the rest, and counts both. Most batches come in by one port and
    /// have one fate; these leave as they are.
    pub(super) fn send<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        let Some(port) = batch.port() else { return self.send_one_by_one(batch, io) };
        let peer = self.wires[usize::from(port)].peer;
        let is_all = |verdict| self.judgements.iter().all(|judgement| judgement.verdict == verdict);
        if let Some(peer) = peer.filter(|_| is_all(Verdict::Forward)) {
            let bytes = batch.wire_len();
            let account = &mut self.account.ports[usize::from(port)];
            account.receive(batch.len() as u64, bytes);
            account.forwarded += batch.len() as u64;
            send_to(&mut self.account, peer, &mut batch.packets, bytes, io);
        } else if is_all(Verdict::Drop) {
            let account = &mut self.account.ports[usize::from(port)];
            account.receive(batch.len() as u64, batch.wire_len());
            for judgement in &self.judgements {
                account.drop(judgement.reason);
            }
            io.free(&mut batch.packets);
        } else {
            self.send_one_by_one(batch, io);
        }
    }

    fn send_one_by_one<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        let lanes = batch.ports.iter().zip(&batch.lanes.lane);
        for ((packet, (&port, lane)), judgement) in batch.packets.drain(..).zip(lanes).zip(&self.judgements) {
            let peer = self.wires[usize::from(port)].peer;
            let port = &mut self.account.ports[usize::from(port)];
            port.receive(1, u64::from(lane.wire_len));
            match (judgement.verdict, peer) {
                (Verdict::Forward, Some(peer)) => {
                    port.forwarded += 1;
                    self.outboxes[usize::from(peer)].push(packet);
                }
                _ => {
                    port.drop(judgement.reason);
                    self.dropped.push(packet);
                }
            }
        }
        if !self.dropped.is_empty() {
            io.free(&mut self.dropped);
        }
        for (port, outbox) in self.outboxes.iter_mut().enumerate() {
            if !outbox.is_empty() {
                let bytes = wire_len(outbox);
                send_to(&mut self.account, port as u8, outbox, bytes, io);
            }
        }
    }
}

/// Offers packets of `bytes` bytes to a port; what it refuses is freed and counted.
fn send_to<I: Io>(account: &mut Account, port: u8, outbox: &mut Outbox<I::Packet>, bytes: u64, io: &mut I) {
    let offered = outbox.len() as u64;
    io.send(port, outbox);
    let (refused, refused_bytes) = (outbox.len() as u64, wire_len(outbox));
    let account = &mut account.ports[usize::from(port)];
    account.offered += offered;
    account.sent += offered - refused;
    account.sent_bytes += bytes - refused_bytes;
    account.refused += refused;
    if !outbox.is_empty() {
        io.free(outbox);
    }
}

fn wire_len<P: Packet>(packets: &[P]) -> u64 {
    packets.iter().map(|packet| u64::from(packet.wire_len())).sum()
}
