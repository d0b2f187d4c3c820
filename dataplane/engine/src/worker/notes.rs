//! What is taken note of once it is decided what becomes of a packet.
//!
//! Called by every way but the shortest. Always holds: what goes on counts as what it is, what does not as something that
//! nobody answers.

use repute_model::{Address, Located, Packet, Reason};
use repute_reputation::{Exchange, Fact, Observed, Parties, Slot};

use super::Worker;

impl<P: Packet> Worker<P> {
    /// Takes note of a packet that passes, and looks at the scores it throws a light on.
    pub(super) fn note(&mut self, exchange: &Exchange, parties: Parties) {
        let observed = self.shard.observe(exchange, parties, self.now);
        self.note_observed(&observed, exchange, parties, None);
    }

    /// The same of one that was observed; where it is told how its destination stands, if that is known.
    pub(super) fn note_observed(
        &mut self,
        observed: &Observed,
        exchange: &Exchange,
        parties: Parties,
        destination: Option<Located>,
    ) {
        self.begun += u32::from(observed.fresh);
        let begins = parties.sender.filter(|_| observed.fresh);
        let met_worse = begins.is_some_and(|sender| self.meet(sender, exchange, destination));
        let looks = [(observed.sender | met_worse, parties.sender), (observed.receiver, parties.receiver)];
        for (look, party) in looks {
            if let Some(slot) = party.filter(|_| look) {
                self.rescore(slot);
            }
        }
        if !self.view.counts_crowds {
            return;
        }
        if let Some((fact, protected)) = observed.completed {
            self.crowd.mark(protected, fact.into());
        }
        if parties.sender.is_none() || self.sees_all {
            self.crowd.hear(exchange.src);
        }
    }

    /// Takes note of a question that the box has answered at once in place of whom was asked. Once in a window it is as if
    /// that one had said something.
    #[inline]
    pub(super) fn note_served(&mut self, slot: Slot, server: Address) {
        let is_first = self.shard.served(slot);
        if !self.view.counts_crowds {
            return;
        }
        if is_first {
            self.crowd.mark(server, Fact::Replied.into());
        }
        if self.shard.hot(slot).packets == 1 {
            self.crowd.hear(server);
        }
    }

    pub(super) fn note_stopped(&mut self, slot: Slot, exchange: &Exchange, reason: Reason) {
        let look = match reason.is_overrun() {
            true => self.shard.observe_overrun(exchange, slot),
            false => self.shard.observe_stopped(exchange, slot),
        };
        if look {
            self.rescore(slot);
        }
        self.note_withheld(exchange);
    }

    /// Remembers what does not go on where an answer may come all the same: in a capture.
    pub(super) fn note_withheld(&mut self, exchange: &Exchange) {
        if self.policy.inside.is_empty() && self.sees_all {
            self.shard.remember_stopped(exchange, self.now);
        }
    }

    /// A source talks to somebody new: how he stands, and which service this is about. Whether it is time to look at the
    /// score.
    fn meet(&mut self, sender: Slot, x: &Exchange, located: Option<Located>) -> bool {
        let service = self.service_of(x);
        let located = located.unwrap_or_else(|| self.policy.destinations.locate(x.dst));
        self.shard.met(sender, self.policy.destination_at(located, x.dst), service)
    }
}
