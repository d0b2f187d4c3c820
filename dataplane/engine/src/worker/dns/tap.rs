//! What the tap gets: every query once it is read, and what is about to leave for a requester.

use repute_model::{Leg, Packet, Verdict};
use repute_reputation::Exchange;

use super::{Asked, Speech};
use crate::Batch;
use crate::worker::{Worker, parse};

impl<P: Packet> Worker<P> {
    /// Copies a query, whatever becomes of it.
    pub(super) fn tap_query(&mut self, speech: &Speech<'_>, asked: &Asked<'_>, x: &Exchange) {
        let by_tcp = matches!(speech, Speech::Segment(_));
        let (requester, server) = ((x.src, x.sport), (x.dst, x.dport));
        let leg = Leg { requester, server, answers: false, by_tcp };
        self.tap.copy(asked.query.message.bytes(), leg, self.now);
    }

    /// Copies the answers of servers in a batch that is about to leave.
    #[cold]
    pub(in crate::worker) fn tap_answers(&mut self, batch: &Batch<P>) {
        let Self { tap, policy, judgements, view, now, .. } = self;
        let Some(rules) = &policy.dns else { return };
        for (packet, judgement) in batch.packets.iter().zip(&*judgements) {
            if judgement.verdict == Verdict::Forward || view.shadow {
                tap.copy_answer(packet, &parse(packet), rules, *now);
            }
        }
    }
}
