//! Shadow mode: every packet is judged and counted, and goes on.
//!
//! Called by [`Worker::send`] for a batch of which a policy in shadow mode would not pass everything. Always holds: a
//! packet that has a way out takes it (the reasons of one that has none are [`Reason::is_nowhere`]), malformed or not, at once and as it came; what would have become of it is in
//! [`Account::shadow`](crate::Account::shadow), and by service in [`ServiceBoard`](crate::ServiceBoard), alone. Evidence is what happened: packets that pass are noted as such,
//! answers to them are answers. Queues and meters count as if they were in force, so that what they refuse is refused as
//! it would have been: a packet that would wait leaves its place empty.

use repute_model::{Io, Packet, Policy, Reason};
use repute_wire::Parsed;

use super::treat::Waiting;
use super::{Worker, parse};
use crate::Batch;
use crate::shaper::Held;

impl<P: Packet> Worker<P> {
    /// Sends on all packets of a batch that have a way out.
    pub(super) fn send_in_shadow<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        self.keep_places();
        let Self { account, judgements, dropped, wires, outboxes, policy, services, .. } = self;
        let by_service = !policy.services.is_empty();
        for (i, (packet, judgement)) in batch.packets.drain(..).zip(&*judgements).enumerate() {
            let port_in = usize::from(batch.ports[i]);
            let counts = &mut account.ports[port_in];
            counts.take_in(batch.taken, batch.lanes.wire_len(i));
            let nowhere = judgement.reason.filter(|reason| reason.is_nowhere());
            let Some(peer) = wires[port_in].peer.filter(|_| nowhere.is_none()) else {
                counts.drop(nowhere.or(Some(Reason::NoPeer)));
                dropped.push(packet);
                continue;
            };
            counts.forwarded += 1;
            if let Some(reason) = judgement.reason {
                account.shadow[reason.index()] += 1;
                if by_service {
                    services.shadow(about(policy, &parse(&packet)), judgement, batch.lanes.wire_len(i));
                }
            }
            outboxes[usize::from(peer)].push(packet);
        }
        if !self.dropped.is_empty() {
            io.free(&mut self.dropped);
        }
        self.send_outboxes(io);
    }

    /// Uses the tickets of the batch for nothing.
    fn keep_places(&mut self) {
        let Self { tickets, shaper, connections, empty_places, .. } = self;
        for ticket in tickets.drain(..) {
            let nothing = Held { packet: None, port_in: 0, port_out: 0 };
            *empty_places += 1;
            match ticket {
                Waiting::Packet(ticket) => shaper.hold(ticket, nothing),
                Waiting::Connection(ticket) => connections.hold(ticket, nothing),
            }
        }
    }
}

/// The service that a packet is about.
pub(super) fn about(policy: &Policy, parsed: &Parsed) -> Option<u8> {
    if !parsed.has_addresses() {
        return None;
    }
    policy.service_about(parsed.src, parsed.dst, parsed.protocol, parsed.sport, parsed.dport)
}
