//! What was held back and leaves now.
//!
//! Called once a tick, before anything is judged, and at the end.

use repute_model::{Io, Packet};

use super::Worker;
use crate::shaper::Held;

impl<P: Packet> Worker<P> {
    /// Sends everything whose time has come.
    pub(super) fn release<I: Io<Packet = P>>(&mut self, io: &mut I) {
        let now = self.now;
        while let Some(held) = self.shaper.due(now) {
            self.let_go(held, io);
        }
        while let Some(held) = self.connections.due(now) {
            self.let_go(held, io);
        }
        self.send_outboxes(io);
    }

    /// Sends everything that is held, due or not: before the end.
    pub fn release_all<I: Io<Packet = P>>(&mut self, io: &mut I) {
        loop {
            let next = self.shaper.drain().next();
            let Some(held) = next.or_else(|| self.connections.drain().next()) else { break };
            self.let_go(held, io);
        }
        self.send_outboxes(io);
        self.publish();
    }

    fn let_go<I: Io<Packet = P>>(&mut self, held: Held<P>, io: &mut I) {
        let port = usize::from(held.port_out);
        let Some(packet) = held.packet else {
            self.empty_places -= 1;
            return;
        };
        self.account.ports[port].released += 1;
        // It has waited: whoever sends it finds it at hand when the outbox is full.
        packet.prefetch_head();
        self.outboxes[port].push(packet);
        if self.outboxes[port].is_full() {
            self.send_outboxes(io);
        }
    }
}
