//! The way of strangers that get no entry: a list denies them outright, or the table is nearly full.
//!
//! A part of the short way, and its shortest one: floods are made of nothing else. Whom a list denies is dropped while his
//! batch is looked at; he gets no entry from the packets before him, so that his turn need not come. Always holds: as for
//! the short way, it gives the judgement that the general way would have given, and leaves the same behind.

use repute_model::{BATCH, Judgement, Listing, Packet};
use repute_reputation::{AHEAD, Sought};

use super::Worker;
use super::lanes::{Lanes, ones};
use super::view::Way;

impl<P: Packet> Worker<P> {
    /// Judges those of `unseen` lanes whom a list denies outright. Which these are, a bit each.
    #[inline(never)]
    pub(super) fn deny(&mut self, lanes: &Lanes, unseen: u64) -> u64 {
        let mut denied = 0;
        for i in ones(unseen) {
            if let Some(Listing::Deny(percent)) = lanes.listed(i)
                && lanes.kind(i).is_plainly_sent()
                && let Some(judgement) = self.deny_one(lanes, i, percent)
            {
                self.judgements[i] = judgement;
                denied |= 1 << i;
            }
        }
        denied
    }

    /// Judges packet `i` of a source that has no entry, which had to be searched for.
    pub(super) fn refuse_unseen(&mut self, lanes: &Lanes, i: usize) -> Option<Judgement> {
        let listed = match lanes.sought(i).is_absent() {
            true => lanes.listed(i),
            false => self.policy.lists.get(lanes.subject(i)),
        };
        match listed {
            None => {
                let away = self.turns_strangers_away() && self.turn_one_away(lanes, i);
                away.then_some(self.view.stranger.judgement)
            }
            Some(Listing::Deny(percent)) => self.deny_one(lanes, i, percent),
            Some(Listing::Allow) => None,
        }
    }

    /// Whether there was no entry when one was looked for, and none was given to anybody since.
    #[inline(always)]
    pub(super) fn is_certainly_unknown(&self, sought: &Sought) -> bool {
        sought.is_absent() && self.shard.admissions() == self.absent_from
    }

    /// Drops a packet of whom a list denies, if it does so outright: no entry is needed for that.
    #[inline(always)]
    fn deny_one(&mut self, lanes: &Lanes, i: usize, percent: u8) -> Option<Judgement> {
        let refusal = *self.view.denied(percent);
        let logs = refusal.way == Way::DropAndLog;
        if !refusal.way.drops() || logs && self.log_left > 0 {
            return None;
        }
        self.account.log_lines_suppressed += u64::from(logs);
        self.count_stranger(lanes, i);
        Some(refusal.judgement)
    }

    /// Judges these packets as long as their senders certainly have no entry and get none. The first one of whom there is
    /// more to say, if there is one; else [`BATCH`].
    #[inline(never)]
    pub(super) fn turn_away(&mut self, lanes: &Lanes, which: u64) -> usize {
        if !self.turns_strangers_away() || self.shard.admissions() != self.absent_from {
            return which.trailing_zeros() as usize;
        }
        let judgement = self.view.stranger.judgement;
        for i in ones(which) {
            let unlisted = lanes.sought(i).is_absent() && lanes.listed(i).is_none();
            if !unlisted || !lanes.kind(i).is_plainly_sent() || !self.turn_one_away(lanes, i) {
                return i;
            }
            self.judgements[i] = judgement;
        }
        BATCH
    }

    /// Whether packets of whom no list names may be judged without a look at who they are and where they go.
    #[inline(always)]
    fn turns_strangers_away(&self) -> bool {
        let logs = self.log_left > 0;
        let is_plain = match self.view.stranger.way {
            Way::Copy | Way::General => false,
            Way::DropAndLog => !logs,
            Way::Pass | Way::Queue | Way::Drop => true,
        };
        is_plain && self.crowd.alarms().is_empty()
    }

    /// Takes note of a packet of whom no list names if he gets no entry because the table is nearly full; `false` = he may
    /// get one.
    #[inline(always)]
    fn turn_one_away(&mut self, lanes: &Lanes, i: usize) -> bool {
        if !self.gets_no_entry(lanes, i) {
            return false;
        }
        let way = self.view.stranger.way;
        self.account.log_lines_suppressed += u64::from(way == Way::DropAndLog);
        self.count_stranger(lanes, i);
        let counts = self.view.counts_crowds && !way.drops();
        if counts && self.guard.sample.takes(lanes.sought(i).key) {
            self.mark_refused_shortly(lanes, i);
        }
        true
    }

    /// Whether somebody whom no list names gets no entry, which is counted.
    #[inline(always)]
    fn gets_no_entry(&mut self, lanes: &Lanes, i: usize) -> bool {
        if self.prefilter_early {
            self.shard.fetch_prefilter(lanes.sought((i + AHEAD) % BATCH));
        }
        self.prefilter_early = true;
        self.shard.turns_away(lanes.sought(i).key, lanes.subject(i))
    }

    #[inline(always)]
    fn count_stranger(&mut self, lanes: &Lanes, i: usize) {
        self.account.strangers += 1;
        if self.view.counts_crowds {
            self.crowd.mark_stranger(lanes.place(i), lanes.other(i));
        }
    }
}
