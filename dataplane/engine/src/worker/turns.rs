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
        let mut turn = 0;
        while turn < len {
            let passed = self.judge_passing(&batch.lanes, turn, len);
            if passed > turn {
                verdicts.add(Verdict::Forward);
            }
            let dropped = self.judge_dropping(&batch.lanes, passed, len);
            if dropped > passed {
                verdicts.add(Verdict::Drop);
            }
            turn = dropped;
            // Most packets of a run go together: who ends it has his turn alone.
            if turn < len {
                verdicts.add(self.judge_turn(batch, turn));
                turn += 1;
            }
        }
        (self.verdicts, self.judged) = (verdicts, batch.len());
    }

    /// Judges packet `i`, which ended a run of those that pass.
    #[inline(always)]
    fn judge_turn(&mut self, batch: &mut Batch<P>, i: usize) -> Verdict {
        if batch.lanes.is_denied(i) {
            return Verdict::Drop;
        }
        let at_once = match self.judge_at_once(&batch.lanes, i) {
            None => self.refuse_at_once(&batch.lanes, i),
            judged => judged,
        };
        match at_once {
            Some(judgement) => self.keep(i, judgement),
            None => self.judge_slower(batch, i),
        }
    }

    /// Out of the way of those that are judged at once.
    #[inline(never)]
    fn judge_slower(&mut self, batch: &mut Batch<P>, i: usize) -> Verdict {
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
