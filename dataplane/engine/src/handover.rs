//! Packets that arrived at another worker than the one that owns their source.
//!
//! Each worker holds one [`Peers`]: a bounded single-producer single-consumer ring to every other worker and
//! one from each. It takes what was handed to it before it asks its ports, gives what is not its own while it
//! looks at a batch, and flushes once at the end of the breath: a whole burst costs one exchange of cache
//! lines. What crosses is a packet and the port it came in by, nothing that was found out about it.
//!
//! Always holds: nobody waits for anybody; packets of one source keep their order; a ring that is full hands
//! the rest of the burst back to be counted ([`repute_model::Reason::HandOverFull`]) and freed; no cache line
//! is written by two workers: a ring pads its two indices, its slots are written by the giver alone, and what
//! a worker keeps of a ring lies in lines of its own.

use arrayvec::ArrayVec;
use crossbeam::utils::CachePadded;
use repute_model::BATCH;
use rtrb::{Consumer, Producer, RingBuffer};

use crate::Batch;

/// Slots of a ring at most: four batches. A worker further behind than that does not keep up, and more would
/// only make its packets older.
pub const SLOTS_MAX: usize = 256;

/// A packet on its way to its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handed<P> {
    /// The packet, untouched.
    pub packet: P,
    /// The port it came in by.
    pub port: u8,
}

/// The ways to and from one other worker.
#[derive(Debug)]
struct Peer<P> {
    /// Given, not yet flushed.
    staged: ArrayVec<Handed<P>, BATCH>,
    to: Producer<Handed<P>>,
    from: Consumer<Handed<P>>,
}

/// One worker's ways to and from every other one. Belongs to its thread.
#[derive(Debug)]
pub struct Peers<P> {
    me: u16,
    /// By number of the worker, without this one.
    others: Box<[CachePadded<Peer<P>>]>,
    /// Whose ring is looked at first.
    first: usize,
}

/// The rings between `workers` workers, of `slots` packets each; one [`Peers`] per worker, by its number.
///
/// # Panics
/// `slots` is not 1..=[`SLOTS_MAX`].
pub fn mesh<P>(workers: u16, slots: usize) -> Vec<Peers<P>> {
    assert!(
        (1..=SLOTS_MAX).contains(&slots),
        "a hand-over ring of {slots} slots; 1 to {SLOTS_MAX} are possible"
    );
    let mut from: Vec<Vec<Consumer<Handed<P>>>> = (0..workers).map(|_| Vec::new()).collect();
    let mut to: Vec<Vec<Producer<Handed<P>>>> = (0..workers).map(|_| Vec::new()).collect();
    for (giver, to) in to.iter_mut().enumerate() {
        for (_, from) in from.iter_mut().enumerate().filter(|(taker, _)| *taker != giver) {
            let (producer, consumer) = RingBuffer::new(slots);
            to.push(producer);
            from.push(consumer);
        }
    }
    let ends = to.into_iter().zip(from);
    (0..workers).zip(ends).map(|(me, (to, from))| Peers::new(me, to.into_iter().zip(from))).collect()
}

impl<P> Peers<P> {
    fn new(me: u16, ends: impl Iterator<Item = (Producer<Handed<P>>, Consumer<Handed<P>>)>) -> Self {
        let peer = |(to, from)| CachePadded::new(Peer { staged: ArrayVec::new(), to, from });
        Self { me, others: ends.map(peer).collect(), first: 0 }
    }

    /// This worker's number.
    pub fn me(&self) -> u16 {
        self.me
    }

    /// Sets a packet aside for worker `to`, which is another one; it leaves with the next
    /// [`flush`](Self::flush).
    ///
    /// # Panics
    /// More than [`BATCH`] packets for one worker without a flush, or a worker that there is not.
    #[inline]
    pub fn give(&mut self, to: u16, packet: P, port: u8) {
        debug_assert_ne!(to, self.me, "a packet is handed to another worker");
        let at = usize::from(to) - usize::from(to > self.me);
        self.others[at].staged.push(Handed { packet, port });
    }

    /// Sends what was given, in order. What a full ring has no room for goes to `refused`.
    #[inline]
    pub fn flush(&mut self, mut refused: impl FnMut(Handed<P>)) {
        for peer in self.others.iter_mut().filter(|peer| !peer.staged.is_empty()) {
            let Peer { staged, to, .. } = &mut **peer;
            let room = if to.cached_slots() < staged.len() { to.slots() } else { staged.len() };
            let mut staged = staged.drain(..);
            if let Ok(chunk) = to.write_chunk_uninit(room.min(staged.len())) {
                chunk.fill_from_iter(staged.by_ref());
            }
            staged.for_each(&mut refused);
        }
    }

    /// Fills the batch with what others have handed over; how many came. Each of them gets an equal part of
    /// the room, and what others leave of theirs.
    #[inline]
    pub fn take(&mut self, batch: &mut Batch<P>) -> usize {
        let before = batch.len();
        let count = self.others.len();
        let mut cut = false;
        for turn in 0..count {
            let part = (BATCH - batch.len()).div_ceil(count - turn);
            cut |= self.receive(turn, part, batch) == part;
        }
        for turn in 0..count {
            if !cut || batch.len() == BATCH {
                break;
            }
            self.receive(turn, BATCH - batch.len(), batch);
        }
        self.first = if self.first + 1 < count { self.first + 1 } else { 0 };
        batch.len() - before
    }

    /// Takes at most `most` packets of the peer whose turn it is; how many came.
    #[inline]
    fn receive(&mut self, turn: usize, most: usize, batch: &mut Batch<P>) -> usize {
        let at = self.first + turn;
        let at = if at < self.others.len() { at } else { at - self.others.len() };
        let from = &mut self.others[at].from;
        let waiting = if from.cached_slots() < most { from.slots() } else { most };
        let Ok(chunk) = from.read_chunk(waiting.min(most)) else { return 0 };
        let came = chunk.len();
        batch.extend(chunk.into_iter().map(|handed| (handed.port, handed.packet)));
        came
    }

    /// Packets that wait in this worker's rings, by the worker that gave them.
    pub fn depths(&self) -> impl Iterator<Item = (u16, usize)> {
        let others = (0u16..).filter(|&worker| worker != self.me);
        others.zip(&self.others).map(|(worker, peer)| (worker, peer.from.slots()))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    const LINE: usize = 64;

    /// A ring keeps its two indices in pairs of lines of their own, away from what both sides read.
    #[test]
    fn indices_of_a_ring_share_no_line() {
        assert!(align_of::<RingBuffer<Handed<u64>>>() >= 2 * LINE);
        assert!(size_of::<RingBuffer<Handed<u64>>>() >= 6 * LINE);
    }

    #[test]
    fn a_handed_mbuf_takes_a_quarter_of_a_line() {
        assert_eq!(size_of::<Handed<std::ptr::NonNull<u8>>>(), 16);
        assert!(align_of::<CachePadded<Peer<u64>>>() >= 2 * LINE);
    }

    fn lines<T>(things: &[T]) -> Range<usize> {
        let bytes = things.as_ptr_range();
        bytes.start.addr() / LINE..bytes.end.addr().div_ceil(LINE)
    }

    /// The lines that a worker writes: its own ends of the rings, and the slots it fills.
    fn written(workers: u16, all: &mut [Peers<u64>]) -> Vec<(u16, Range<usize>)> {
        let mut written = Vec::new();
        for me in 0..workers {
            let peers = &mut all[usize::from(me)];
            written.push((me, lines(&peers.others)));
            for (giver, peer) in (0..workers).filter(|&giver| giver != me).zip(&mut peers.others) {
                let chunk = peer.from.read_chunk(SLOTS_MAX).unwrap();
                written.push((giver, lines(chunk.as_slices().0)));
            }
        }
        written
    }

    #[test]
    fn no_line_is_written_by_two_workers() {
        let workers = 4;
        let mut all = mesh::<u64>(workers, SLOTS_MAX);
        for (me, peers) in (0..workers).zip(&mut all) {
            for to in (0..workers).filter(|&to| to != me) {
                for _ in 0..SLOTS_MAX / BATCH {
                    (0..BATCH as u64).for_each(|packet| peers.give(to, packet, 0));
                    peers.flush(|_| panic!("the rings are empty"));
                }
            }
        }
        let written = written(workers, &mut all);
        assert_eq!(written.len(), 4 + 4 * 3);
        for (i, (a, one)) in written.iter().enumerate() {
            for (b, other) in written[..i].iter().filter(|(b, _)| a != b) {
                let apart = one.end <= other.start || other.end <= one.start;
                assert!(apart, "workers {a} and {b} write to one line: {one:x?} {other:x?}");
            }
        }
    }
}
