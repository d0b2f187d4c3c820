//! Packets that belong to another worker: given away before they are looked up, taken before the ports are asked.
//!
//! Always holds: no two workers ever judge one source. What was handed over once is never handed on: a worker
//! that does not own it either forwards it unjudged and counts it.

use repute_model::{BATCH, Io, Judgement, Packet, Reason};

use super::Worker;
use crate::Batch;

impl<P: Packet> Worker<P> {
    /// Fills an empty batch with what other workers have handed over; how many came. To be asked before the
    /// ports are, and followed by a breath.
    pub fn take_handed(&mut self, batch: &mut Batch<P>) -> usize {
        let Some(team) = &mut self.team else { return 0 };
        let came = team.peers.take(batch);
        batch.taken = came > 0;
        // Another core wrote them last.
        batch.packets.iter().for_each(Packet::prefetch_head);
        came
    }

    /// Takes the packets of sources that others own out of a batch whose subjects are known; in a batch that was
    /// handed over itself it only marks them. Whoever receives a packet counts it (`counts`), whoever judges it.
    #[inline]
    pub(super) fn hand_over(&mut self, batch: &mut Batch<P>, counts: bool) {
        let mut owners = [0; BATCH];
        let foreign = match batch.lanes.is_narrow() {
            true => self.find_owners::<true>(batch, &mut owners),
            false => self.find_owners::<false>(batch, &mut owners),
        };
        if foreign == 0 {
            return;
        }
        if batch.taken {
            batch.misowned = foreign;
            return;
        }
        self.give_away(batch, foreign, &owners, counts);
    }

    /// Who owns the sources of a batch; which of them others own, a bit each.
    #[inline(always)]
    fn find_owners<const NARROW: bool>(&self, batch: &Batch<P>, owners: &mut [u16; BATCH]) -> u64 {
        let Some(team) = &self.team else { return 0 };
        let (me, mut foreign) = (team.peers.me(), 0);
        for (i, owner) in owners.iter_mut().enumerate().take(batch.len()) {
            let source = batch.lanes.source_of::<NARROW>(i, &self.view.masks);
            *owner = source.map_or(me, |source| team.owners.owner(source));
            foreign |= u64::from(*owner != me) << i;
        }
        foreign
    }

    fn give_away(&mut self, batch: &mut Batch<P>, foreign: u64, owners: &[u16; BATCH], counts: bool) {
        let Some(team) = &mut self.team else { return };
        for (i, packet) in batch.packets.take().into_iter().enumerate() {
            if foreign >> i & 1 == 0 {
                batch.keep(i, packet);
                continue;
            }
            let (port, wire_len) = (batch.ports[i], batch.lanes.wire_len(i));
            if counts && batch.lanes.kind(i).is_sent() {
                self.crowd.note(batch.lanes.other(i), wire_len);
            }
            let account = &mut self.account.ports[usize::from(port)];
            account.receive(1, u64::from(wire_len));
            account.handed += 1;
            batch.bytes -= u64::from(wire_len);
            team.peers.give(owners[i], packet, port);
        }
    }

    /// Sends what was given to other workers. What a full ring refuses is dropped and counted.
    #[inline]
    pub(super) fn flush<I: Io<Packet = P>>(&mut self, io: &mut I) {
        let Some(team) = &mut self.team else { return };
        let (account, dropped) = (&mut self.account, &mut self.dropped);
        team.peers.flush(|handed| {
            let port = &mut account.ports[usize::from(handed.port)];
            port.handed -= 1;
            port.drop(Some(Reason::HandOverFull));
            dropped.push(handed.packet);
            if dropped.is_full() {
                io.free(dropped);
            }
        });
        if !self.dropped.is_empty() {
            io.free(&mut self.dropped);
        }
    }

    /// The judgement of a packet that was handed to the wrong worker.
    #[cold]
    pub(super) fn misown(&mut self) -> Judgement {
        self.account.misowned += 1;
        self.account.unjudged += 1;
        Judgement::FORWARD
    }
}
