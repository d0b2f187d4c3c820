//! Runs of packets with one fate: the commonest parts of the short way as loops that call nobody.
//!
//! Called when it is the turn of packets that no shorter way has judged. Always holds: for every packet that is judged here
//! [`Worker::judge_at_once`] would have done the same; whatever else there may be to do ends the run before that packet.

use repute_model::{Band, Judgement, Measures, Packet, Reason, Verdict};
use repute_reputation::{Flags, Hot, Shortcut};

use super::Worker;
use super::lanes::Lanes;

/// What is the same for all packets of a run.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// What the entries of their sources keep: one of these.
    shortcuts: [Shortcut; 3],
    /// Low bits of the tick.
    now: u32,
    /// The entries are too many for the innermost caches: they are fetched once more before their turn.
    far: bool,
}

impl<P: Packet> Worker<P> {
    /// Judges packets `from` to `to` as long as they pass, copied or not, and go on with what their sources did before. The
    /// first one that does not.
    #[inline(always)]
    pub(super) fn judge_passing(&mut self, lanes: &Lanes, from: usize, to: usize) -> usize {
        match self.view.copies_any {
            false => self.pass_any::<false>(lanes, from, to),
            true => self.pass_any::<true>(lanes, from, to),
        }
    }

    /// The same; `COPIES` where any are copied.
    #[inline(always)]
    fn pass_any<const COPIES: bool>(&mut self, lanes: &Lanes, from: usize, to: usize) -> usize {
        let (passes, copies) = (self.view.passes, self.view.copies);
        // Whose turn to be looked up again has not come goes on to pass.
        let lingers = if self.revisions_left == 0 { self.view.lingers } else { passes };
        let terms = self.terms([passes, lingers, if COPIES { copies } else { passes }]);
        let calm = self.shard.calm_unanswered();
        // Who was not answered may be held up.
        let flooded = !self.crowd.alarms().is_empty();
        let goes = |i: usize, hot: &mut Hot| {
            hot.would_go_on(lanes.talk(i))
                && (hot.flags.has(Flags::ANSWERED) || !flooded && hot.goes_on_unlooked(calm))
        };
        let Self { shard, account, view, mirror, copied, judgements, .. } = self;
        run(shard.hot_lines(), lanes, (from, to), terms, &mut account.bands, goes, |i, hot| {
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

    /// Judges packets `from` to `to` as long as they are dropped as all of their sources' are. The first one that is not.
    #[inline(always)]
    pub(super) fn judge_dropping(&mut self, lanes: &Lanes, from: usize, to: usize) -> usize {
        if !self.view.drops_any || self.view.logs_drops && self.log_left > 0 {
            return from;
        }
        let terms = self.terms([self.view.drops; 3]);
        let calm = self.shard.calm_unanswered();
        let goes = |_: usize, hot: &mut Hot| hot.goes_on_unlooked(calm);
        let Self { shard, account, view, judgements, .. } = self;
        let suppressed = &mut account.log_lines_suppressed;
        run(shard.hot_lines(), lanes, (from, to), terms, &mut account.bands, goes, |i, hot| {
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
        Terms { shortcuts, now: self.now.low(), far: self.shard.is_far() }
    }
}

/// The run itself: a function of its own, so that the entries that it writes cannot be what it goes by. It ends before the
/// packet that `goes` does not take note of; what was counted is kept by `keep`.
#[inline(always)]
fn run(
    hots: &mut [Hot],
    lanes: &Lanes,
    (from, to): (usize, usize),
    terms: Terms,
    bands: &mut [u64; Band::ALL.len()],
    mut goes: impl FnMut(usize, &mut Hot) -> bool,
    mut keep: impl FnMut(usize, &Hot),
) -> usize {
    let [most, some, few] = terms.shortcuts;
    for i in from..to {
        if terms.far {
            lanes.soon(i).fetch_among(hots);
        }
        let Some(hot) = lanes.sought(i).among(hots) else { return i };
        let shortcut = hot.shortcut;
        let is_of = shortcut == most || shortcut == some || shortcut == few;
        if !is_of || !lanes.kind(i).is_plainly_sent() || !goes(i, hot) {
            return i;
        }
        hot.count(lanes.wire_len(i), terms.now);
        bands[hot.band.index()] += 1;
        keep(i, hot);
    }
    to
}
