//! Lines fetched for a whole batch: where lists, contacts and destinations speak of its lanes.
//!
//! Called while a batch is looked at. Always holds: nothing is found out but where something stands; what
//! stands there is read when the turn of its packet comes.

use repute_model::{BATCH, Located, Packet};
use repute_reputation::{AHEAD, Exchange, RequestKeys};

use super::Lanes;
use crate::worker::Worker;

/// Where it is remembered what a packet begins.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The requests that it may have to do with.
    pub keys: RequestKeys,
    /// Where it is told how its destination stands.
    pub destination: Located,
}

impl Opening {
    pub const NONE: Self = Self { keys: RequestKeys::NONE, destination: Located::NOWHERE };
}

impl<P: Packet> Worker<P> {
    /// Asks the CPU for where the lists speak of these lanes.
    #[inline(never)]
    pub(super) fn fetch_slots<const NARROW: bool>(&self, lanes: &Lanes, which: u64) {
        for i in ones(which) {
            self.policy.lists.fetch_slot(lanes.subject_of::<NARROW>(i));
        }
    }

    /// Finds where it is remembered what senders begin, and asks the CPU for it: what they asked before, whom they met, and
    /// how those whom they ask stand.
    #[inline(never)]
    pub(super) fn fetch_openings(&self, lanes: &mut Lanes, len: usize) {
        let destinations = &self.policy.destinations;
        for i in 0..len.min(BATCH) {
            if lanes.kind[i].is_plainly_sent() {
                let keys = self.shard.request_keys(&lanes.exchange(i));
                self.shard.fetch_requests(&keys);
                self.shard.fetch_warm(lanes.sought(i));
                destinations.fetch_slot(lanes.other(i));
                lanes.openings[i].keys = keys;
            }
        }
        for i in 0..len.min(BATCH) {
            if lanes.kind[i].is_plainly_sent() {
                let located = destinations.locate(lanes.other(i));
                destinations.fetch(located);
                lanes.openings[i].destination = located;
            }
        }
    }

    /// The same of one packet, without asking for anything.
    pub(in crate::worker) fn opening(&self, x: &Exchange) -> Opening {
        Opening { keys: self.shard.request_keys(x), destination: self.policy.destinations.locate(x.dst) }
    }

    /// Finds where the lists speak of lanes that are unseen, or of all of them while entries are looked up again, and
    /// asks the CPU for what they say. Which lanes these are. Where strangers come in numbers, the next batch is expected
    /// to be like this one.
    #[inline(always)]
    pub(super) fn locate<const NARROW: bool>(&mut self, lanes: &mut Lanes, unseen: u64, all: u64) -> u64 {
        self.listed_all = false;
        if self.policy.lists.is_empty() {
            self.lists_early = false;
            lanes.listed = [None; BATCH];
            return 0;
        }
        // Between ticks without any more of them it is kept how many there were.
        if self.revisions_left > 0 {
            self.listed_all = std::mem::take(&mut self.revised) >= REVISED_MANY;
        }
        let which = if self.listed_all { all } else { unseen };
        if which != 0 {
            self.locate_some::<NARROW>(lanes, which);
        }
        self.lists_early = which.count_ones() * 4 > all.count_ones();
        which
    }

    #[inline(never)]
    fn locate_some<const NARROW: bool>(&self, lanes: &mut Lanes, which: u64) {
        if !self.lists_early {
            self.fetch_slots::<NARROW>(lanes, which);
        }
        let lists = &self.policy.lists;
        for i in ones(which) {
            lists.fetch_slot(lanes.subject_of::<NARROW>((i + AHEAD) % BATCH));
            let located = lists.locate(lanes.subject_of::<NARROW>(i));
            lists.fetch(located);
            lanes.located[i] = located;
        }
    }

    /// Reads what the lists say of lanes that were located.
    #[inline(never)]
    pub(super) fn read_lists<const NARROW: bool>(&self, lanes: &mut Lanes, which: u64) {
        for i in ones(which) {
            lanes.listed[i] = self.policy.lists.at(lanes.located[i], lanes.subject_of::<NARROW>(i));
        }
    }
}

/// Where so many entries of a batch were looked up again, the next one is taken to have as many.
const REVISED_MANY: u32 = 8;

/// The numbers of the bits that are set, all below [`BATCH`].
#[inline(always)]
pub fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let next = (bits != 0).then_some(bits.trailing_zeros() as usize % BATCH);
        bits &= bits.wrapping_sub(1);
        next
    })
}
