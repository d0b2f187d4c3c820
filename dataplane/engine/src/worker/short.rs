//! The short way: packets that say nothing new about their source, judged from one cache line.
//!
//! Two tiers: the short way is for known sources that go on with what they did before and pass or are dropped as
//! a whole, and for strangers that get no entry (`refuse.rs`); the general way ([`Worker::judge`]) does whatever there is
//! to do. What an entry allows is remembered in its [`Shortcut`], so that most packets compare two bytes. Always holds:
//! where the short way gives a judgement, the general way would have given the same and left the same behind; a
//! test compares the two.

use repute_model::{Judgement, Measures, Packet, Reason, Verdict};
use repute_reputation::{Flags, Shortcut, Slot};

use super::Worker;
use super::lanes::Lanes;
use super::view::Way;

impl<P: Packet> Worker<P> {
    /// Judges packet `i` by what its sender's entry remembers: it passes where that goes on with what it did before, or
    /// is dropped as all of its packets are.
    #[inline(always)]
    pub(super) fn judge_at_once(&mut self, lanes: &Lanes, i: usize) -> Option<Judgement> {
        let slot = self.shard.hinted(lanes.sought(i))?;
        self.judge_by_entry(lanes, i, slot)
    }

    /// The same where the entry was found.
    #[inline(always)]
    fn judge_by_entry(&mut self, lanes: &Lanes, i: usize, slot: Slot) -> Option<Judgement> {
        if !lanes.kind(i).is_plainly_sent() {
            return None;
        }
        let calm = self.shard.calm_unanswered();
        let hot = self.shard.hot_mut(slot);
        let copies = hot.shortcut == self.view.copies;
        if hot.shortcut != self.view.passes && !copies {
            if hot.shortcut == self.view.queues {
                return self.queue_shortly(lanes, i, slot);
            }
            if self.revisions_left > 0 || !self.view.may_linger(hot.shortcut) {
                let drops = hot.shortcut == self.view.drops && (self.log_left == 0 || !self.view.logs_drops);
                return drops.then(|| self.drop_shortly(lanes, i, slot));
            }
        }
        if !hot.flags.has(Flags::ANSWERED) && !self.crowd.alarms().is_empty() {
            // In a flood it may be held up.
            return None;
        }
        let look = hot.goes_on(lanes.talk(i), calm)?;
        hot.count(lanes.wire_len(i), self.now.low());
        let (band, standing) = (hot.band, Some((hot.band, hot.score)));
        self.account.bands[band.index()] += 1;
        let mut measures = Measures::PASS;
        if copies {
            measures = self.view.measures[band.index()];
            self.copied |= u64::from(self.view.picks(&mut self.mirror, hot)) << i;
        }
        if look {
            self.rescore(slot);
        }
        Some(Judgement { standing, measures, ..Judgement::FORWARD })
    }

    /// Judges packet `i` the short way, if it may be; neither [`judge_at_once`](Self::judge_at_once) did nor
    /// [`turn_away`](Self::turn_away).
    #[inline]
    pub(super) fn judge_shortly(&mut self, lanes: &Lanes, i: usize) -> Option<Judgement> {
        if !lanes.kind(i).is_plain() {
            return None;
        }
        match self.shard.hinted(lanes.sought(i)) {
            Some(slot) => self.judge_known(lanes, i, slot),
            None => self.judge_unhinted(lanes, i),
        }
    }

    #[inline]
    fn judge_known(&mut self, lanes: &Lanes, i: usize, slot: Slot) -> Option<Judgement> {
        let hot = self.shard.hot(slot);
        if lanes.kind(i).is_back() {
            let known = hot.is_plainly_answered_in(lanes.talk(i));
            self.account.unjudged += u64::from(known);
            return known.then_some(Judgement::FORWARD);
        }
        if hot.shortcut == self.view.passes {
            return self.judge_opening(lanes, i, slot);
        }
        self.open_shortcut(lanes, i, slot)
    }

    /// Nothing was found where the index was looked at: an entry that is elsewhere or new, or a stranger after all.
    #[inline(never)]
    fn judge_unhinted(&mut self, lanes: &Lanes, i: usize) -> Option<Judgement> {
        let sought = lanes.sought(i);
        if self.is_certainly_unknown(sought) {
            return None;
        }
        match self.shard.find_key(sought.key) {
            // Of two sources in one bucket whose tags are the same, the other one was hinted at.
            Some(slot) => self.judge_by_entry(lanes, i, slot).or_else(|| self.judge_known(lanes, i, slot)),
            None if lanes.kind(i).is_back() => None,
            None => self.refuse_unseen(lanes, i),
        }
    }

    /// Works out what packets of a source may do, and does it with this one.
    #[inline(never)]
    fn open_shortcut(&mut self, lanes: &Lanes, i: usize, sender: Slot) -> Option<Judgement> {
        let mut stale = !self.shard.hot(sender).shortcut.is_of(self.policy.edition);
        if stale && self.revisions_left > 0 {
            if !self.revalidate_shortly(lanes, i, sender) {
                return None;
            }
            stale = false;
        }
        let hot = self.shard.hot_mut(sender);
        let (passes, drops) =
            if stale { (self.view.lingers, hot.shortcut) } else { (self.view.passes, self.view.drops) };
        match self.view.way(hot) {
            Way::Pass | Way::Copy if hot.flags.has(Flags::HELD) && self.shaper.holds(hot.fingerprint) => None,
            Way::Pass => {
                hot.shortcut = passes;
                self.judge_by_entry(lanes, i, sender)
            }
            Way::Copy if stale => None,
            Way::Copy => {
                hot.shortcut = self.view.copies;
                self.judge_by_entry(lanes, i, sender)
            }
            way @ (Way::Drop | Way::DropAndLog) => {
                hot.shortcut = drops;
                let logs = way == Way::DropAndLog && self.log_left > 0;
                (!logs).then(|| self.drop_shortly(lanes, i, sender))
            }
            Way::Queue if stale => self.queue_shortly(lanes, i, sender),
            Way::Queue => {
                hot.shortcut = self.view.queues;
                self.judge_by_entry(lanes, i, sender)
            }
            Way::General => None,
        }
    }

    /// Holds back what is above the rate of a source that goes on with what it did before.
    #[inline(never)]
    fn queue_shortly(&mut self, lanes: &Lanes, i: usize, sender: Slot) -> Option<Judgement> {
        if !self.goes_on(self.shard.hot(sender), lanes.talk(i)) {
            return None;
        }
        let counted = self.count_shortly(lanes, i, sender);
        let judgement = self.queue_counted(lanes, i, sender, counted);
        let calm = self.shard.calm_unanswered();
        if self.shard.hot_mut(sender).go_on(calm) {
            self.rescore(sender);
        }
        Some(judgement)
    }

    /// Holds packet `i` back if it is above the rate; `counted` as one that passes.
    #[inline(always)]
    pub(super) fn queue_counted(
        &mut self,
        lanes: &Lanes,
        i: usize,
        sender: Slot,
        counted: Judgement,
    ) -> Judgement {
        let band = self.shard.hot(sender).band.index();
        let pace = self.view.paces[band];
        let (verdict, reason) = self.queue(sender, lanes.wire_len(i), pace.as_ref()).verdict();
        Judgement { verdict, reason, measures: self.view.measures[band], ..counted }
    }

    /// Brings what is kept of the policy up to date where lists said nothing of a source and still do not;
    /// `false` = there is more to do.
    fn revalidate_shortly(&mut self, lanes: &Lanes, i: usize, sender: Slot) -> bool {
        let edition = self.policy.edition;
        let listing = if self.listed_all { lanes.listed(i) } else { self.policy.lists.get(lanes.subject(i)) };
        let hot = self.shard.hot_mut(sender);
        let was_named = hot.flags.has(Flags::ALLOWED) || hot.flags.has(Flags::LISTED);
        if listing.is_some() || was_named {
            return false;
        }
        self.revisions_left -= 1;
        self.revised += 1;
        hot.shortcut = Shortcut::closed(edition);
        true
    }

    #[inline(always)]
    fn drop_shortly(&mut self, lanes: &Lanes, i: usize, sender: Slot) -> Judgement {
        let judgement = self.count_shortly(lanes, i, sender);
        let calm = self.shard.calm_unanswered();
        let hot = self.shard.hot_mut(sender);
        let (listed, measures) = (hot.flags.has(Flags::LISTED), self.view.measures[hot.band.index()]);
        self.account.log_lines_suppressed += u64::from(measures.has(Measures::LOG));
        if hot.goes_unanswered(calm) {
            self.rescore(sender);
        }
        let reason = Some(if listed { Reason::Listed } else { Reason::Standing });
        Judgement { verdict: Verdict::Drop, reason, measures, ..judgement }
    }

    /// Counts a packet of a known source; how it stood.
    #[inline(always)]
    pub(super) fn count_shortly(&mut self, lanes: &Lanes, i: usize, sender: Slot) -> Judgement {
        let hot = self.shard.hot_mut(sender);
        hot.count(lanes.wire_len(i), self.now.low());
        self.account.bands[hot.band.index()] += 1;
        Judgement { standing: Some((hot.band, hot.score)), ..Judgement::FORWARD }
    }
}
