//! Runs of packets that pass: the commonest part of the short way as one loop that calls nobody.
//!
//! Called when it is the turn of packets that no shorter way has judged. Always holds: for every packet that is judged here
//! [`Worker::judge_at_once`] would have done the same; whatever else there may be to do ends the run before that packet.

use repute_model::{BATCH, Band, Judgement};
use repute_reputation::{Flags, Hot, Shortcut};

use super::Worker;
use super::lanes::Lanes;

/// What is the same for all packets of a run.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// What the entries keep of those that pass.
    passes: Shortcut,
    /// Low bits of the tick.
    now: u32,
    /// Somebody is in flood: who was not answered may be held up.
    flooded: bool,
    /// The entries are too many for the innermost caches: they are fetched once more before their turn.
    far: bool,
}

/// What a run writes beside the entries.
#[derive(Debug)]
struct Notes<'a> {
    bands: &'a mut [u64; Band::ALL.len()],
    judgements: &'a mut [Judgement; BATCH],
}

impl<P> Worker<P> {
    /// Judges packets `from` to `to` as long as they pass and go on with what their sources did before. The first one
    /// that does not.
    #[inline(always)]
    pub(super) fn judge_passing(&mut self, lanes: &Lanes, from: usize, to: usize) -> usize {
        let terms = Terms {
            passes: self.view.passes,
            now: self.now.low(),
            flooded: !self.crowd.alarms().is_empty(),
            far: self.shard.is_far(),
        };
        let notes = Notes { bands: &mut self.account.bands, judgements: &mut self.judgements };
        run(self.shard.hot_lines(), lanes, (from, to), terms, notes)
    }
}

/// The run itself: a function of its own, so that nothing that it writes can be what it goes by.
#[inline(always)]
fn run(hots: &mut [Hot], lanes: &Lanes, range: (usize, usize), terms: Terms, notes: Notes<'_>) -> usize {
    let (from, to) = (range.0, range.1.min(BATCH));
    for i in from..to {
        if terms.far {
            lanes.soon(i).fetch_among(hots);
        }
        let Some(hot) = lanes.sought(i).among(hots) else { return i };
        let passes = lanes.kind(i).is_plainly_sent()
            && hot.shortcut == terms.passes
            && hot.would_go_on(lanes.talk(i));
        if !passes || !hot.flags.has(Flags::ANSWERED) && (terms.flooded || !hot.goes_on_unlooked()) {
            return i;
        }
        hot.count(lanes.wire_len(i), terms.now);
        notes.bands[hot.band.index()] += 1;
        notes.judgements[i] = Judgement { standing: Some((hot.band, hot.score)), ..Judgement::FORWARD };
    }
    to
}
