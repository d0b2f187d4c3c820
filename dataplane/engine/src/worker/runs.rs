//! Runs of packets with one fate: the commonest parts of the short way as loops that call nobody.
//!
//! Called when it is the turn of packets that may be judged by their senders ([`Lanes::sent`]) and that no shorter way
//! has judged. Always holds: for every packet that is judged here [`Worker::judge_at_once`] would have done the same;
//! whether those wait that may have to is found out after the run, and whatever else there may be to do ends it before
//! that packet.

use std::hint::select_unpredictable;
use std::ops::Range;

use repute_model::{BATCH, Band, Judgement, Measures, Packet, Reason, Verdict};
use repute_reputation::{Flags, Hot, Shortcut};

use super::Worker;
use super::lanes::{Lanes, ones};
use super::view::View;

/// What is the same for all packets of a run.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// What the entries of their sources keep: one of these, or the first one of up to `span` editions before.
    shortcuts: [Shortcut; 3],
    span: u16,
    /// What those keep besides that may have to wait, if there may be such.
    waits: Option<Shortcut>,
    /// Low bits of the tick.
    now: u32,
}

/// How far a run came.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The first one that does not go on as the others do, if there is one; else [`BATCH`].
    pub end: usize,
    /// Those before that one that may have to wait, a bit each.
    pub waits: u64,
}

impl<P: Packet> Worker<P> {
    /// Judges these packets as long as they pass, copied or not, and go on with what their sources did before; those that
    /// wait above a rate are passed over.
    #[inline(always)]
    pub(super) fn judge_passing(&mut self, lanes: &Lanes, which: u64) -> Run {
        match stretch(which) {
            Some(all) if self.view.copies_any => self.pass_copied(lanes, all),
            Some(all) if self.view.queues_any => self.pass_at_rates(lanes, all),
            Some(all) if self.shard.is_far() => self.pass_any::<false, false, true>(lanes, all),
            Some(all) => self.pass_any::<false, false, false>(lanes, all),
            None => self.pass_some(lanes, which),
        }
    }

    /// The same of packets without others in between, of which some may be copied, and some may wait.
    #[inline(never)]
    fn pass_copied(&mut self, lanes: &Lanes, which: Range<usize>) -> Run {
        self.pass_any::<true, true, true>(lanes, which)
    }

    /// The same where none are copied.
    #[inline(never)]
    fn pass_at_rates(&mut self, lanes: &Lanes, which: Range<usize>) -> Run {
        self.pass_any::<false, true, true>(lanes, which)
    }

    /// The same with others in between.
    #[inline(never)]
    fn pass_some(&mut self, lanes: &Lanes, which: u64) -> Run {
        self.pass_any::<true, true, true>(lanes, ones(which))
    }

    /// The same; `COPIES` where packets may be copied, `WAITS` where they may wait, `FAR` as for [`run`].
    #[inline(always)]
    fn pass_any<const COPIES: bool, const WAITS: bool, const FAR: bool>(
        &mut self,
        lanes: &Lanes,
        which: impl Iterator<Item = usize>,
    ) -> Run {
        let View { passes, copies, queues, .. } = self.view;
        // Whose turn to be looked up again has not come goes on to pass.
        let (lingers, span) = match self.revisions_left {
            0 => (self.view.lingers, self.view.span),
            _ => (passes, 0),
        };
        let shortcuts = [passes, lingers, if COPIES { copies } else { passes }];
        let waits = WAITS.then_some(queues);
        let terms = Terms { span, waits, ..self.terms(shortcuts) };
        let calm = self.shard.calm_unanswered();
        // Who was not answered may be held up.
        let flooded = !self.crowd.alarms().is_empty();
        let goes = |i: usize, hot: &mut Hot| {
            hot.would_go_on(lanes.talk(i))
                && (hot.flags.has(Flags::ANSWERED) || !flooded && hot.goes_on_unlooked(calm))
        };
        let Self { shard, account, view, mirror, copied, judgements, .. } = self;
        run::<FAR>(shard.hot_lines(), lanes, which, terms, &mut account.bands, goes, |i, hot| {
            let standing = Some((hot.band, hot.score));
            let mut measures = Measures::PASS;
            if COPIES && hot.shortcut == copies {
                measures = view.measures[hot.band.index()];
                // Seldom.
                if view.picks(mirror, hot) {
                    *copied |= 1 << i;
                }
            }
            judgements[i] = Judgement { standing, measures, ..Judgement::FORWARD };
        })
    }

    /// Judges these packets as long as they are dropped as all of their sources' are. The first one that is not, if there is
    /// one; else [`BATCH`].
    #[inline(always)]
    pub(super) fn judge_dropping(&mut self, lanes: &Lanes, which: u64) -> usize {
        if !self.view.drops_any || self.view.logs_drops && self.log_left > 0 {
            return which.trailing_zeros() as usize;
        }
        let run = match stretch(which) {
            Some(all) if !self.shard.is_far() => self.drop_any::<false>(lanes, all),
            Some(all) => self.drop_any::<true>(lanes, all),
            None => self.drop_some(lanes, which),
        };
        run.end
    }

    /// The same of packets with others in between.
    #[inline(never)]
    fn drop_some(&mut self, lanes: &Lanes, which: u64) -> Run {
        self.drop_any::<true>(lanes, ones(which))
    }

    #[inline(always)]
    fn drop_any<const FAR: bool>(&mut self, lanes: &Lanes, which: impl Iterator<Item = usize>) -> Run {
        let terms = self.terms([self.view.drops; 3]);
        let calm = self.shard.calm_unanswered();
        let goes = |_: usize, hot: &mut Hot| hot.goes_on_unlooked(calm);
        let Self { shard, account, view, judgements, .. } = self;
        let suppressed = &mut account.log_lines_suppressed;
        run::<FAR>(shard.hot_lines(), lanes, which, terms, &mut account.bands, goes, |i, hot| {
            let measures = view.measures[hot.band.index()];
            *suppressed += u64::from(measures.has(Measures::LOG));
            let listed = hot.flags.has(Flags::LISTED);
            let reason = Some(if listed { Reason::Listed } else { Reason::Standing });
            let standing = Some((hot.band, hot.score));
            judgements[i] = Judgement { verdict: Verdict::Drop, reason, standing, measures };
        })
    }

    #[inline(always)]
    fn terms(&self, shortcuts: [Shortcut; 3]) -> Terms {
        Terms { shortcuts, span: 0, waits: None, now: self.now.low() }
    }
}

/// The run itself: a function of its own, so that the entries that it writes cannot be what it goes by. It ends before the
/// packet that `goes` does not take note of; what was counted is kept by `keep`. `FAR`: the entries are too many for the
/// innermost caches, and are fetched once more before their turn.
#[inline(always)]
fn run<const FAR: bool>(
    hots: &mut [Hot],
    lanes: &Lanes,
    which: impl Iterator<Item = usize>,
    terms: Terms,
    bands: &mut [u64; Band::ALL.len()],
    mut goes: impl FnMut(usize, &mut Hot) -> bool,
    mut keep: impl FnMut(usize, &Hot),
) -> Run {
    let [most, some, few] = terms.shortcuts;
    let mut waits = 0;
    for i in which {
        let i = i % BATCH;
        if FAR {
            lanes.soon(i).fetch_among(hots);
        }
        let Some(hot) = lanes.sought(i).among(hots) else { return Run { end: i, waits } };
        let shortcut = hot.shortcut;
        let may_wait = terms.waits == Some(shortcut);
        // Nobody foresees who may.
        let shortcut = select_unpredictable(may_wait, most, shortcut);
        let is_of = shortcut.is_since(most, terms.span) || shortcut == some || shortcut == few;
        if !is_of || !goes(i, hot) {
            return Run { end: i, waits };
        }
        waits |= u64::from(may_wait) << i;
        hot.count(lanes.wire_len(i), terms.now);
        bands[hot.band.index()] += 1;
        keep(i, hot);
    }
    Run { end: BATCH, waits }
}

/// These packets' numbers where no others are in between: most batches are of one kind, and a plain loop is quicker than bits.
#[inline(always)]
fn stretch(which: u64) -> Option<Range<usize>> {
    let from = which.trailing_zeros();
    let len = which.checked_shr(from).unwrap_or(0).trailing_ones();
    let to = from + len;
    (which.checked_shr(to).unwrap_or(0) == 0).then_some(from as usize..to as usize)
}
