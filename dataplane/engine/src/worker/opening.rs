//! The way of datagrams that begin a conversation, or turn to another one, where their source is known and passes.
//!
//! Between the short way, which calls it, and the general one: what the lanes tell is enough to take note of them, so that
//! nothing is parsed, and where their source and the requests of it are was found out for the whole batch. Always holds: as
//! for the short way, it gives the judgement that the general way would have given, and leaves the same behind.

use repute_model::{Judgement, Packet};
use repute_reputation::{Parties, Slot};

use super::Worker;
use super::lanes::Lanes;

impl<P: Packet> Worker<P> {
    /// Judges packet `i` of a source whose packets pass, if it is a datagram that does not go on with the conversation
    /// before, and nothing but its lane has to be looked at.
    #[inline(never)]
    pub(super) fn judge_opening(&mut self, lanes: &Lanes, i: usize, sender: Slot) -> Option<Judgement> {
        let goes_on = self.shard.hot(sender).would_go_on(lanes.talk(i));
        if goes_on || !lanes.kind(i).is_datagram() || !self.view.begins || self.softens() {
            return None;
        }
        let x = lanes.exchange(i);
        if self.view.counts_crowds {
            // In a flood it may be held up.
            if !self.crowd.alarms().is_empty() {
                return None;
            }
            let facts = self.facts(Some(sender), &x);
            self.mark(&x, facts);
        }
        let judgement = self.count_shortly(lanes, i, sender);
        let opening = lanes.opening(i).copied().unwrap_or_else(|| self.opening(&x));
        let parties = Parties { sender: Some(sender), receiver: None };
        let observed = self.shard.observe_turn(&x, &opening.keys, lanes.talk(i), parties, self.now);
        self.note_observed(&observed, &x, parties, Some(opening.destination));
        Some(judgement)
    }
}
