//! A challenge that was passed off the wire, at the walled garden's page: to the worker it is a command.
//!
//! Always holds: it says that somebody receives what is sent to the source's address, and no more than that. What was counted
//! against the source stays, nobody gets above the prior by it, and it opens nothing to those whose queries are blocked.

use repute_model::{Packet, Passed, Path, Report, Source, Token};
use repute_reputation::{Flags, Slot};

use crate::worker::{Worker, report, rules, width};

impl<P: Packet> Worker<P> {
    /// Obeys [`Command::Pass`](repute_model::Command::Pass).
    pub(in crate::worker) fn pass(&mut self, token: Token, source: Source, points: u16) {
        let passed = self.shard.find(source).map_or(Passed::Unknown, |slot| self.passes(slot, points));
        self.mailbox.send(Report::Passed(token, passed));
    }

    fn passes(&mut self, slot: Slot, points: u16) -> Passed {
        let (Some(dns), Some(rules)) = (&self.policy.dns, rules(&self.policy)) else {
            return Passed::Unknown;
        };
        let hot = self.shard.hot(slot);
        let before = hot.score;
        if !hot.flags.has(Flags::ALLOWED) && dns.path(hot.band, before) == Path::Block {
            return Passed::Blocked(before);
        }
        if let Some(change) = self.shard.lift(slot, points, rules, self.now) {
            let width = width(&self.policy, &self.limits);
            report(&mut self.mailbox, &self.shard, rules, width, change, self.now);
        }
        self.shard.verified(slot);
        if let Some(requester) = self.shard.requester_mut(slot) {
            requester.proves(self.now);
        }
        Passed::Counts { before, after: self.shard.hot(slot).score }
    }
}
