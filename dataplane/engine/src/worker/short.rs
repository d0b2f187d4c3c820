//! The short way: packets that say nothing new about their source, judged from one cache line.
//!
//! Two tiers: the short way is for known sources that go on with what they did before and pass or are dropped as
//! a whole, and for strangers that get no entry; the general way ([`Worker::judge`]) does whatever there is to
//! do. Always holds: where the short way gives a judgement, the general way would have given the same and left
//! the same behind; a test compares the two.

use repute_model::{Judgement, Listing, Measures, Packet, Reason, Verdict};
use repute_reputation::{Flags, Slot, Sought};

use super::Worker;
use super::lanes::Lane;
use super::view::Way;
use crate::classify::comes_from_reflector;

impl<P: Packet> Worker<P> {
    /// Judges a packet the short way, if it may be.
    #[inline(always)]
    pub(super) fn judge_shortly(&mut self, lane: &Lane, sought: &Sought) -> Option<Judgement> {
        if !lane.kind.is_plain() {
            return None;
        }
        match self.shard.hinted(sought) {
            Some(slot) if lane.kind.is_back() => self.answer_shortly(lane, slot),
            Some(slot) => self.know_shortly(lane, slot),
            None if sought.is_missing() => self.refuse_shortly(lane, sought),
            None => None,
        }
    }

    /// An answer to a source in a conversation where it has been answered before.
    #[inline(always)]
    fn answer_shortly(&mut self, lane: &Lane, receiver: Slot) -> Option<Judgement> {
        let known = self.shard.is_answering(receiver, lane.talk);
        self.account.unjudged += u64::from(known);
        known.then_some(Judgement::FORWARD)
    }

    #[inline(always)]
    fn know_shortly(&mut self, lane: &Lane, sender: Slot) -> Option<Judgement> {
        let hot = self.shard.hot(sender);
        if hot.epoch != self.view.epoch {
            return None;
        }
        let way = if hot.flags.has(Flags::ALLOWED) { Way::Pass } else { self.view.ways[hot.band.index()] };
        match way {
            Way::Pass => self.pass_shortly(lane, sender),
            Way::Drop { logs, measures } if !logs || self.log_left == 0 => {
                self.account.log_lines_suppressed += u64::from(logs);
                Some(self.drop_shortly(lane, sender, measures))
            }
            Way::Drop { .. } | Way::General => None,
        }
    }

    #[inline(always)]
    fn pass_shortly(&mut self, lane: &Lane, sender: Slot) -> Option<Judgement> {
        let answer = || lane.kind.is_datagram() && comes_from_reflector(lane.ports);
        let look = self.shard.goes_on(sender, lane.talk, answer)?;
        let judgement = Judgement { measures: Measures::PASS, ..self.count_shortly(lane, sender) };
        if look {
            self.rescore(sender);
        }
        Some(judgement)
    }

    #[inline]
    fn drop_shortly(&mut self, lane: &Lane, sender: Slot, measures: Measures) -> Judgement {
        let judgement = self.count_shortly(lane, sender);
        let listed = self.shard.hot(sender).flags.has(Flags::LISTED);
        if self.shard.goes_unanswered(sender) {
            self.rescore(sender);
        }
        let reason = Some(if listed { Reason::Listed } else { Reason::Standing });
        Judgement { verdict: Verdict::Drop, reason, measures, ..judgement }
    }

    /// Counts a packet of a known source; how it stood.
    #[inline(always)]
    fn count_shortly(&mut self, lane: &Lane, sender: Slot) -> Judgement {
        let hot = self.shard.hot_mut(sender);
        hot.count(lane.wire_len, self.now.low());
        self.account.bands[hot.band.index()] += 1;
        Judgement { standing: Some((hot.band, hot.score)), ..Judgement::FORWARD }
    }

    /// A stranger that a list denies outright, or that gets no entry because the table is nearly full.
    #[inline]
    fn refuse_shortly(&mut self, lane: &Lane, sought: &Sought) -> Option<Judgement> {
        if lane.kind.is_back() || self.shard.find_key(sought.key).is_some() {
            return None;
        }
        let (way, reason) = match self.policy.lists.get(lane.subject) {
            Some(Listing::Allow) => return None,
            Some(Listing::Deny(percent)) => (self.view.denied(percent), Reason::Listed),
            None => (self.view.stranger, Reason::Standing),
        };
        let drops = match way {
            Way::Drop { logs, .. } if logs && self.log_left > 0 => return None,
            Way::Drop { .. } => true,
            Way::Pass => false,
            Way::General => return None,
        };
        if !(drops && reason == Reason::Listed) && !self.shard.turns_away(sought.key) {
            return None;
        }
        self.account.strangers += 1;
        let Way::Drop { logs, measures } = way else { return Some(Judgement::FORWARD) };
        self.account.log_lines_suppressed += u64::from(logs);
        Some(Judgement { measures, ..Judgement::drop(reason) })
    }
}
