//! Established connections of sources whose band ends them.
//!
//! The general way marks their segments, which are dropped; resets are made of copies before that and leave behind what
//! was forwarded, because a reset counts only where everything before it has arrived. Always holds: a reset is a packet of
//! the box's own, counted at the port that it leaves by.

use repute_model::{Io, Packet};
use repute_reputation::Exchange;

use super::{Worker, parse};
use crate::Batch;
use crate::classify::exchange;
use crate::resets::Ends;

impl<P: Packet> Worker<P> {
    /// Makes the resets of the batch under way.
    #[cold]
    pub(super) fn make_resets<I: Io<Packet = P>>(&mut self, marks: u64, batch: &Batch<P>, io: &mut I) {
        for (i, packet) in batch.packets.iter().enumerate().filter(|(i, _)| marks >> i & 1 != 0) {
            let port_in = batch.ports[i];
            let Some(peer) = self.wires[usize::from(port_in)].peer else { continue };
            let parsed = parse(packet);
            let x = exchange(&parsed, packet.bytes());
            let expected = Exchange { seq: x.ack, ..x.turned() };
            let ends = Ends {
                connection: self.shard.flow_key(&x),
                acknowledged: self.shard.segment_key(&expected),
                sender: port_in,
                receiver: peer,
            };
            self.resets.end(packet, &parsed, ends, self.now, io);
        }
    }

    /// Sends what was made.
    #[cold]
    pub(super) fn send_resets<I: Io<Packet = P>>(&mut self, io: &mut I) {
        for (port, packet) in self.resets.made() {
            self.outboxes[usize::from(port)].push(packet);
            self.account.ports[usize::from(port)].resets += 1;
        }
        self.send_outboxes(io);
    }
}
