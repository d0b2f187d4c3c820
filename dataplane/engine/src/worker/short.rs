//! The short way: packets that say nothing new about their source, judged from one cache line.
//!
//! Two tiers: the short way is for known sources that go on with what they did before and pass or are dropped as
//! a whole, and for strangers that get no entry; the general way ([`Worker::judge`]) does whatever there is to
//! do. Always holds: where the short way gives a judgement, the general way would have given the same and left
//! the same behind; a test compares the two.

use repute_model::{Judgement, Listing, Measures, Packet, Reason, Verdict};
use repute_reputation::{Counts, Flags, Slot, Sought};

use super::Worker;
use super::lanes::Lane;
use super::view::Way;

impl<P: Packet> Worker<P> {
    /// Judges a packet the short way, if it may be.
    #[inline(always)]
    pub(super) fn judge_shortly(&mut self, lane: &Lane, sought: &Sought) -> Option<Judgement> {
        if !lane.kind.is_plain() {
            return None;
        }
        let calm = self.shard.calm_unanswered();
        let Some((slot, hot)) = self.shard.hinted(sought) else {
            return if sought.is_missing() { self.refuse_shortly(lane, sought) } else { None };
        };
        if lane.kind.is_back() {
            let known = hot.is_answered_in(lane.talk);
            self.account.unjudged += u64::from(known);
            return known.then_some(Judgement::FORWARD);
        }
        let passes = self.view.way(hot) == Way::Pass && self.shaper.is_idle();
        if !passes || hot.epoch != self.view.epoch {
            return self.treat_shortly(lane, slot);
        }
        let look = hot.goes_on(lane.talk, calm, || lane.is_answer())?;
        hot.count(lane.wire_len, self.now.low());
        let standing = Some((hot.band, hot.score));
        self.account.bands[hot.band.index()] += 1;
        if look {
            self.rescore(slot);
        }
        Some(Judgement { standing, ..Judgement::FORWARD })
    }

    /// The rest of the short way: what is not passed plainly, while something is held, or under a policy that is new.
    #[inline(never)]
    fn treat_shortly(&mut self, lane: &Lane, sender: Slot) -> Option<Judgement> {
        if self.shard.hot(sender).epoch != self.view.epoch && !self.revalidate_shortly(lane, sender) {
            return None;
        }
        let hot = self.shard.hot(sender);
        let (way, band) = (self.view.way(hot), hot.band);
        match way {
            Way::Pass | Way::Copy if self.shaper.holds(hot.fingerprint) => None,
            Way::Pass => self.pass_shortly(lane, sender),
            Way::Copy => {
                let passed = self.pass_shortly(lane, sender)?;
                let sampling = self.view.samplings[band.index()];
                self.sample(sender, &sampling);
                Some(Judgement { measures: self.view.measures[band.index()], ..passed })
            }
            Way::DropAndLog if self.log_left > 0 => None,
            Way::Drop | Way::DropAndLog => {
                self.account.log_lines_suppressed += u64::from(way == Way::DropAndLog);
                Some(self.drop_shortly(lane, sender, self.view.measures[band.index()]))
            }
            Way::General => None,
        }
    }

    /// Brings what is kept of the policy up to date where lists said nothing of a source and still do not;
    /// `false` = there is more to do.
    fn revalidate_shortly(&mut self, lane: &Lane, sender: Slot) -> bool {
        let epoch = self.view.epoch;
        let named = self.policy.lists.get(lane.subject).is_some();
        let hot = self.shard.hot_mut(sender);
        let was_named = hot.flags.has(Flags::ALLOWED) || hot.flags.has(Flags::LISTED);
        if named || was_named {
            return false;
        }
        hot.epoch = epoch;
        true
    }

    fn pass_shortly(&mut self, lane: &Lane, sender: Slot) -> Option<Judgement> {
        let calm = self.shard.calm_unanswered();
        let look = self.shard.hot_mut(sender).goes_on(lane.talk, calm, || lane.is_answer())?;
        let judgement = self.count_shortly(lane, sender);
        if look {
            self.rescore(sender);
        }
        Some(judgement)
    }

    fn drop_shortly(&mut self, lane: &Lane, sender: Slot, measures: Measures) -> Judgement {
        let judgement = self.count_shortly(lane, sender);
        let calm = self.shard.calm_unanswered();
        let hot = self.shard.hot_mut(sender);
        let listed = hot.flags.has(Flags::LISTED);
        if hot.goes_unanswered(calm) {
            self.rescore(sender);
        }
        let reason = Some(if listed { Reason::Listed } else { Reason::Standing });
        Judgement { verdict: Verdict::Drop, reason, measures, ..judgement }
    }

    /// Counts a packet of a known source; how it stood.
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
        let ((way, measures), reason) = match self.policy.lists.get(lane.subject) {
            Some(Listing::Allow) => return None,
            Some(Listing::Deny(percent)) => (self.view.denied(percent), Reason::Listed),
            None => (self.view.stranger, Reason::Standing),
        };
        let drops = match way {
            Way::DropAndLog if self.log_left > 0 => return None,
            Way::Copy | Way::General => return None,
            way => way.drops(),
        };
        // Whom a list names needs no entry to be dropped, and gets one at once otherwise.
        let refused = if reason == Reason::Listed { drops } else { self.shard.turns_away(sought.key) };
        if !refused {
            return None;
        }
        self.account.strangers += 1;
        if self.view.counts_crowds {
            self.crowd.mark(lane.other, Counts { strangers: 1, ..Counts::default() });
        }
        self.account.log_lines_suppressed += u64::from(way == Way::DropAndLog);
        Some(if drops { Judgement { measures, ..Judgement::drop(reason) } } else { Judgement::FORWARD })
    }
}
