//! The edges of a box with an address of its own: what comes before a batch is looked at, and what leaves.
//!
//! Called by a breath where there is an [`Endpoint`](crate::endpoint::Endpoint). Always holds: what is not for the box, or for
//! another worker, has left the batch before anybody judges it, counted at its port; what leaves by the port towards upstreams
//! has an upstream or a reason why not.

use arrayvec::ArrayVec;
use repute_model::{BATCH, Io, Judgement, Outbox, Packet, Reason, Report, Verdict};

use super::Worker;
use crate::Batch;
use crate::endpoint::Way;

impl<P: Packet> Worker<P> {
    /// Answers what is for the box itself, turns answers of upstreams into the server's, and takes everything out of the batch
    /// that is neither a query nor such an answer.
    #[inline(never)]
    pub(super) fn receive<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        batch.prefetch();
        let ways: ArrayVec<Way, BATCH> = batch
            .packets
            .iter_mut()
            .zip(&batch.ports)
            .map(|(packet, &port)| self.way_of(packet, port))
            .collect();
        if ways.iter().all(|way| *way == Way::On) {
            return;
        }
        for (i, (packet, way)) in batch.packets.take().into_iter().zip(ways).enumerate() {
            let (port, wire_len) = (batch.ports[i], packet.wire_len());
            if way == Way::On {
                batch.keep(i, packet);
                continue;
            }
            let counts = &mut self.account.ports[usize::from(port)];
            counts.take_in(batch.taken, wire_len);
            match way {
                Way::On => {}
                Way::Answered(reason) => {
                    counts.drop(Some(reason));
                    counts.answered += 1;
                    self.outboxes[usize::from(port)].push(packet);
                }
                Way::Dropped(reason) => {
                    counts.drop(Some(reason));
                    self.dropped.push(packet);
                }
                Way::To(worker) => match &mut self.team {
                    Some(team) if !batch.taken => {
                        counts.handed += 1;
                        team.peers.give(worker, packet, port);
                    }
                    // What was handed over is never handed on.
                    _ => {
                        counts.drop(Some(Reason::EndpointUnasked));
                        self.dropped.push(packet);
                    }
                },
            }
        }
        if !self.dropped.is_empty() {
            io.free(&mut self.dropped);
        }
        self.send_outboxes(io);
    }

    fn way_of(&mut self, packet: &mut P, port: u8) -> Way {
        let Self { endpoint: Some(endpoint), policy, now, .. } = self else { return Way::On };
        match port {
            port if port == endpoint.client_port() => endpoint.take_query(packet, policy.dns.as_ref()),
            port if port == endpoint.upstream_port() => {
                endpoint.take_answer(packet, policy.dns.as_ref(), *now)
            }
            _ => Way::On,
        }
    }

    /// Sends what goes on of a batch that was judged, and the resets that were made of it, on its way to upstreams. What has
    /// nobody to go on to is dropped, by its reason.
    #[inline(never)]
    pub(super) fn lead<I: Io<Packet = P>>(&mut self, batch: &mut Batch<P>, io: &mut I) {
        let Self { endpoint: Some(endpoint), policy, judgements, verdicts, resets, view, now, .. } = self
        else {
            return;
        };
        let Some(dns) = &policy.dns else { return };
        for (i, packet) in batch.packets.iter_mut().enumerate() {
            let goes_on = matches!(judgements[i].verdict, Verdict::Forward | Verdict::Queue) || view.shadow;
            if !goes_on || batch.ports[i] != endpoint.client_port() {
                continue;
            }
            if let Err(reason) = endpoint.lead(packet, dns, *now) {
                judgements[i] = Judgement { verdict: Verdict::Drop, reason: Some(reason), ..judgements[i] };
                verdicts.add(Verdict::Drop, 1 << i);
            }
        }
        let mut gone = Outbox::new();
        resets.retain(&mut gone, |port, packet| {
            port != endpoint.upstream_port() || endpoint.lead(packet, dns, *now).is_ok()
        });
        if !gone.is_empty() {
            io.free(&mut gone);
        }
    }

    /// The endpoint's tick: what it asks by itself leaves.
    pub(super) fn tend<I: Io<Packet = P>>(&mut self, io: &mut I) {
        let Self { endpoint: Some(endpoint), policy, account, outboxes, mailbox, dns, now, .. } = self else {
            return;
        };
        let port = usize::from(endpoint.upstream_port());
        let send = |frame: &[u8]| {
            let made = if outboxes[port].is_full() { None } else { io.make(frame) };
            made.is_some_and(|packet| {
                account.ports[port].own += 1;
                outboxes[port].push(packet);
                true
            })
        };
        let tell = |change| mailbox.send(Report::Upstream(change));
        endpoint.tick(policy.dns.as_ref(), *now, send, tell);
        if let Some(dns) = dns {
            dns.cut_off = [true, false].map(|v4| !endpoint.reaches(v4));
        }
        self.send_outboxes(io);
    }
}
