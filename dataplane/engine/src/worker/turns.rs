//! The turns of a batch: which way each of its packets is judged.
//!
//! Called by a breath between looking and sending. Always holds: packets are judged in order of arrival, but that those that
//! a list denies were judged while their batch was looked at, and that those of sources that wait above a rate come behind
//! others that pass by what their own entries say; the shortest way that may judge a packet does.

use repute_model::{BATCH, Judgement, Packet, Verdict};

use super::Worker;
use super::lanes::ones;
use super::verdicts::Verdicts;
use crate::Batch;

impl<P: Packet> Worker<P> {
    /// Judges every packet of a batch that was looked at.
    #[inline(never)]
    pub(super) fn judge_all(&mut self, batch: &mut Batch<P>) {
        let mut verdicts = Verdicts::NONE;
        let len = batch.len().min(BATCH);
        let denied = batch.lanes.denied();
        if denied != 0 {
            verdicts.add(Verdict::Drop, denied);
        }
        let (strangers, sent) = (batch.lanes.strangers(), batch.lanes.sent());
        let mut left = below(len) & !denied;
        while left != 0 {
            let next = (left & (strangers | !sent)).trailing_zeros() as usize;
            let met = left & below(next);
            left = if met != 0 {
                left & !self.judge_met(batch, met, &mut verdicts)
            } else if strangers >> next & 1 != 0 {
                let others = (left & !strangers).trailing_zeros() as usize;
                left & !self.judge_strangers(batch, left & below(others), &mut verdicts)
            } else {
                verdicts.add(self.judge_slower(batch, next), 1 << next);
                left & (left - 1)
            };
        }
        (self.verdicts, self.judged) = (verdicts, batch.len());
    }

    /// Judges packets of sources that were probably found as long as they pass or wait, and then as long as they are dropped,
    /// and the one that ended that. Which these were.
    #[inline(always)]
    fn judge_met(&mut self, batch: &mut Batch<P>, which: u64, verdicts: &mut Verdicts) -> u64 {
        let passed = self.judge_passing(&batch.lanes, which);
        if which & below(passed.end) & !passed.waits != 0 {
            verdicts.add(Verdict::Forward, 0);
        }
        if passed.waits != 0 {
            self.judge_waiting(batch, passed.waits, verdicts);
        }
        let rest = which & !below(passed.end);
        let end = self.judge_dropping(&batch.lanes, rest);
        let dropped = rest & below(end);
        if dropped != 0 {
            verdicts.add(Verdict::Drop, dropped);
        }
        if rest & !dropped == 0 {
            return which;
        }
        // Most packets of a run go together: who ends it has his turn alone.
        verdicts.add(self.judge_one(batch, end), 1 << end);
        which & below(end + 1)
    }

    /// Holds back those of packets that pass which are above a rate, once the CPU was asked for what their senders hold back.
    #[inline(always)]
    fn judge_waiting(&mut self, batch: &Batch<P>, which: u64, verdicts: &mut Verdicts) {
        for i in ones(which) {
            self.shaper.fetch(batch.lanes.sought(i).key);
        }
        for i in ones(which) {
            let counted = self.judgements[i];
            let judgement = match self.shard.hinted(batch.lanes.sought(i)) {
                Some(slot) => self.queue_counted(&batch.lanes, i, slot, counted),
                None => counted,
            };
            verdicts.add(self.keep(i, judgement), 1 << i);
        }
    }

    /// Judges packets of strangers: those that get no entry go together. Which these were.
    #[inline(always)]
    fn judge_strangers(&mut self, batch: &mut Batch<P>, which: u64, verdicts: &mut Verdicts) -> u64 {
        let mut left = which;
        while left != 0 {
            let end = self.turn_away(&batch.lanes, left);
            let away = left & below(end);
            if away != 0 {
                verdicts.add(self.view.stranger.judgement.verdict, away);
            }
            left &= !away;
            if left != 0 {
                verdicts.add(self.judge_slower(batch, end), 1 << end);
                left &= left - 1;
            }
        }
        which
    }

    /// Judges a packet of a source that was probably found by itself.
    #[inline(always)]
    fn judge_one(&mut self, batch: &mut Batch<P>, i: usize) -> Verdict {
        match self.judge_at_once(&batch.lanes, i) {
            Some(judgement) => self.keep(i, judgement),
            None => self.judge_slower(batch, i),
        }
    }

    /// Out of the way of those that are judged at once.
    #[inline(never)]
    fn judge_slower(&mut self, batch: &mut Batch<P>, i: usize) -> Verdict {
        if !batch.lanes.is_named() {
            self.name_talk(&mut batch.lanes, i);
        }
        let shortly = match batch.lanes.kind(i).is_query() {
            true => self.judge_again(batch, i),
            false => self.judge_shortly(&batch.lanes, i).map(|judgement| self.keep(i, judgement)),
        };
        shortly.unwrap_or_else(|| {
            let judgement = self.judge(batch, i);
            self.keep(i, judgement)
        })
    }

    /// Keeps what was judged of packet `i`.
    #[inline(always)]
    pub(super) fn keep(&mut self, i: usize, judgement: Judgement) -> Verdict {
        self.judgements[i] = judgement;
        judgement.verdict
    }
}

/// The packets of a batch before number `end`, a bit each.
#[inline(always)]
pub(super) fn below(end: usize) -> u64 {
    // None where all of a batch were handed over.
    u64::MAX.checked_shr((BATCH - end.min(BATCH)) as u32).unwrap_or(0)
}
