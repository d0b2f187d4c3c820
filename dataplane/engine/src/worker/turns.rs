//! The turns of a batch: which way each of its packets is judged.
//!
//! Called by a breath between looking and sending. Always holds: packets are judged in order of arrival but for those that
//! a list denies, who were judged while their batch was looked at; the shortest way that may judge a packet does.

use repute_model::{BATCH, Judgement, Packet, Verdict};

use super::Worker;
use super::verdicts::Verdicts;
use crate::Batch;

impl<P: Packet> Worker<P> {
    /// Judges every packet of a batch that was looked at.
    #[inline(always)]
    pub(super) fn judge_all(&mut self, batch: &mut Batch<P>) {
        let mut verdicts = Verdicts::NONE;
        let len = batch.len().min(BATCH);
        if self.view.queues_any {
            self.fetch_held(&batch.lanes, len);
        }
        let lanes = &batch.lanes;
        let mut left = all_of(len) & !lanes.denied();
        if lanes.denied() != 0 {
            verdicts.add(Verdict::Drop, lanes.denied());
        }
        while left != 0 {
            let turn = left.trailing_zeros() as usize % BATCH;
            let alone = left & batch.lanes.apart();
            let next = if alone >> turn & 1 != 0 {
                self.judge_apart(batch, turn, end_of(alone, turn), &mut verdicts)
            } else {
                self.judge_met(batch, turn, end_of(left & !alone, turn), &mut verdicts)
            };
            left &= u64::MAX.checked_shl(next as u32).unwrap_or(0);
        }
        (self.verdicts, self.judged) = (verdicts, batch.len());
    }

    /// Judges packets `from` to `to` of sources that were probably found: those that go together, and the one that ended
    /// that. The next one's number.
    #[inline(always)]
    fn judge_met(&mut self, batch: &mut Batch<P>, from: usize, to: usize, verdicts: &mut Verdicts) -> usize {
        let passed = self.judge_passing(&batch.lanes, from, to);
        if passed > from {
            verdicts.add(Verdict::Forward, 0);
        }
        let dropped = self.judge_dropping(&batch.lanes, passed, to);
        if dropped > passed {
            verdicts.add(Verdict::Drop, between(passed, dropped));
        }
        if dropped == to {
            return to;
        }
        // Most packets of a run go together: who ends it has his turn alone.
        let verdict = match self.judge_at_once(&batch.lanes, dropped) {
            Some(judgement) => self.keep(dropped, judgement),
            None => self.judge_slower(batch, dropped),
        };
        verdicts.add(verdict, 1 << dropped);
        dropped + 1
    }

    /// Judges packets `from` to `to` that no run of known sources can judge: strangers that get no entry, and the one that is
    /// none. The next one's number.
    #[inline(always)]
    fn judge_apart(
        &mut self,
        batch: &mut Batch<P>,
        from: usize,
        to: usize,
        verdicts: &mut Verdicts,
    ) -> usize {
        let refused = self.turn_away(&batch.lanes, from, to);
        if refused > from {
            verdicts.add(self.view.stranger.judgement.verdict, between(from, refused));
        }
        if refused == to {
            return to;
        }
        verdicts.add(self.judge_slower(batch, refused), 1 << refused);
        refused + 1
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

/// The first `len` packets of a batch, a bit each.
#[inline(always)]
pub(super) fn all_of(len: usize) -> u64 {
    // None may be left: all of them were handed over.
    u64::MAX.checked_shr((BATCH - len) as u32).unwrap_or(0)
}

/// Packets `from` to `to` of a batch, a bit each.
#[inline(always)]
fn between(from: usize, to: usize) -> u64 {
    all_of(to) & u64::MAX << from
}

/// Where the bits end that are set from `from` on.
#[inline(always)]
fn end_of(bits: u64, from: usize) -> usize {
    from + (bits >> from).trailing_ones() as usize
}
