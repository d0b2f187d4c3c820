//! Who sent the packets of a batch: keys, index lines, entries and lists, stage by stage.
//!
//! Called while a batch is looked at, once its headers are read. Always holds: whatever is asked of memory in one stage is
//! read in a later one, and there is something to work out in between.

use repute_model::{BATCH, Packet};
use repute_reputation::Sought;

use super::{Kind, Lanes, TCP, UDP, other_of};
use crate::Batch;
use crate::worker::Worker;

impl<P: Packet> Worker<P> {
    /// Looks up who sent the `all` packets of a batch, and names what they are part of.
    #[inline(always)]
    pub(super) fn find_out<const NARROW: bool>(
        &mut self,
        batch: &mut Batch<P>,
        counts_crowds: bool,
        all: u64,
    ) {
        if self.lists_early {
            self.fetch_slots::<NARROW>(&batch.lanes, all);
        }
        self.seek::<NARROW>(batch, counts_crowds);
        let len = batch.len().min(BATCH);
        let lanes = &mut batch.lanes;
        let prefilter = std::mem::take(&mut self.prefilter_early);
        let unseen = self.shard.glance(&mut lanes.sought[..len], prefilter);
        self.absent_from = self.shard.admissions();
        let asked = self.locate::<NARROW>(lanes, unseen, all);
        lanes.strangers = unseen;
        lanes.named = unseen != all;
        if lanes.named {
            self.name_talks::<NARROW>(lanes, len);
        }
        lanes.denied = 0;
        if asked != 0 {
            self.read_lists::<NARROW>(lanes, asked);
            lanes.denied = self.deny(lanes, unseen);
        }
    }

    /// Makes the keys and asks for their index lines, one right after the other, so that the processor translates the
    /// addresses of several at once; notes the crowds while they are on their way.
    #[inline(always)]
    fn seek<const NARROW: bool>(&mut self, batch: &mut Batch<P>, counts: bool) {
        let masks = self.view.masks;
        let len = batch.len().min(BATCH);
        let lanes = &mut batch.lanes;
        for i in 0..len {
            let key = lanes.source_of::<NARROW>(i, &masks).map_or(0, |source| self.shard.key(source));
            lanes.sought[i] = Sought::of(key);
        }
        self.shard.fetch(&mut lanes.sought[..len]);
        if counts {
            let Lanes { kind, ends, wide, wire_len, place, .. } = lanes;
            let sent = (0..len).filter(|&i| NARROW || kind[i].is_sent());
            self.crowd
                .note_all(sent.map(|i| (i, other_of::<NARROW>(kind, ends, wide, i), wire_len[i])), place);
        }
    }

    #[inline(always)]
    fn name_talks<const NARROW: bool>(&self, lanes: &mut Lanes, len: usize) {
        for i in 0..len.min(BATCH) {
            lanes.talk[i] = self.talk_of::<NARROW>(lanes, i);
        }
    }

    /// Names what packet `i` is part of, where that was not done for the batch.
    pub(in crate::worker) fn name_talk(&self, lanes: &mut Lanes, i: usize) {
        lanes.talk[i] = self.talk_of::<false>(lanes, i);
    }

    #[inline(always)]
    fn talk_of<const NARROW: bool>(&self, lanes: &Lanes, i: usize) -> u32 {
        let (kind, ports) = (lanes.kind[i], lanes.ports[i]);
        let protocol = if kind.has(Kind::DATAGRAM) { UDP } else { TCP };
        let ends = if !NARROW && kind.is_back() { ports.rotate_left(16) } else { ports };
        let other = lanes.other_of::<NARROW>(i);
        self.shard.talk(lanes.sought[i].key, other, protocol, ends)
    }
}
