//! From every worker's part of the crowds to the sums, and from the sums to every worker: a ring from each worker to
//! the leader, worker 0, and one list of alarms that the leader publishes.
//!
//! Each worker holds one [`CrowdMesh`] and calls it once a tick. A worker that does not lead puts what its
//! [`Crowds`] hand out on a bounded single-producer single-consumer ring; the leader adds its own rows at once,
//! then those that wait on the rings, as many of each worker as a worker publishes in a tick. What it finds to be in
//! flood it writes under a sequence lock, which all others look at in their next tick.
//!
//! Always holds: nobody waits for anybody; a row that finds the ring full stays with its worker and is published
//! later, so that nothing is lost; no cache line is written by two workers: rows are lines of their own, a ring
//! pads its two indices, and its slots are written by the giver alone.

use std::sync::Arc;

use repute_model::{CrowdChange, CrowdRules, Tick};
use repute_reputation::{Alarms, CrowdRow, Crowds, Totals, Watches};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::SeqLock;

/// Rows that a ring holds: four ticks of a worker that is busy with all of its rows.
pub const CROWD_SLOTS: usize = 4 * Crowds::ROWS_PER_TICK;

/// One worker's end of the rings, and its look at the board. Belongs to its thread.
#[derive(Debug)]
pub struct CrowdMesh {
    end: End,
    board: Arc<Board>,
    /// The board as this worker knows it.
    seen: u64,
    words: Box<[u64; Alarms::WORDS]>,
}

/// What the leader tells everybody.
type Board = SeqLock<{ Alarms::WORDS }>;

#[derive(Debug)]
enum End {
    Follower(Producer<CrowdRow>),
    Leader { totals: Box<Totals>, watches: Box<Watches>, from: Box<[Consumer<CrowdRow>]>, workers: u16 },
}

/// The rings of `workers` workers and the totals of `rows` destinations, a power of two up to 2^24, which the
/// first worker keeps; one [`CrowdMesh`] per worker, by its number. `seed` keys the table of totals.
///
/// # Panics
/// `rows` is not that.
pub fn crowd_mesh(workers: u16, rows: u32, seed: u64) -> Vec<CrowdMesh> {
    let rings = (1..workers).map(|_| RingBuffer::new(CROWD_SLOTS));
    let (to, from): (Vec<_>, Vec<_>) = rings.unzip();
    let (totals, watches) = (Box::new(Totals::new(rows, seed)), Box::new(Watches::new(seed)));
    let leader = End::Leader { totals, watches, from: from.into_boxed_slice(), workers };
    let followers = to.into_iter().map(End::Follower);
    let board = Arc::new(Board::default());
    let part =
        |end| CrowdMesh { end, board: Arc::clone(&board), seen: 0, words: Box::new([0; Alarms::WORDS]) };
    std::iter::once(leader).chain(followers).map(part).collect()
}

impl CrowdMesh {
    /// Ends a tick of this worker: publishes its rows, and, where it leads, adds up what has come. Work is
    /// bounded: 257 rows for each worker whose rows it handles. The leader tells of crowds that changed their state.
    pub fn tick(&mut self, crowds: &mut Crowds, now: Tick, mut told: impl FnMut(CrowdChange)) {
        match &mut self.end {
            End::Follower(to) => crowds.publish(now, |row| to.push(row).is_ok()),
            End::Leader { totals, watches, from, workers } => {
                let mut add = |row: CrowdRow| {
                    totals.add(row, now);
                    watches.note(&row, now, &mut told);
                };
                crowds.publish(now, |row| {
                    add(row);
                    true
                });
                from.iter_mut().for_each(|ring| receive(ring, &mut add));
                watches.tick(now, &mut told);
                if let Some(alarms) = watches.alarms(*workers) {
                    alarms.to_words(&mut self.words);
                    self.board.write(&self.words);
                }
            }
        }
    }

    /// Reads the crowds in flood where they have changed; whether they have. While the leader is writing they are
    /// as they were.
    pub fn read(&mut self, alarms: &mut Alarms) -> bool {
        let sequence = self.board.sequence();
        let changed = sequence != self.seen && self.board.try_read(&mut self.words);
        if changed {
            self.seen = sequence;
            alarms.read(&self.words);
        }
        changed
    }

    /// What the leader looks for from now on.
    pub fn adopt(&mut self, rules: CrowdRules) {
        if let End::Leader { watches, .. } = &mut self.end {
            watches.adopt(rules);
        }
    }

    /// The sums, where this worker leads.
    pub fn totals(&self) -> Option<&Totals> {
        match &self.end {
            End::Leader { totals, .. } => Some(totals),
            End::Follower(_) => None,
        }
    }

    /// The crowds under watch, where this worker leads.
    pub fn watches(&self) -> Option<&Watches> {
        match &self.end {
            End::Leader { watches, .. } => Some(watches),
            End::Follower(_) => None,
        }
    }
}

/// Adds what one worker has published; not more than it publishes in a tick.
fn receive(ring: &mut Consumer<CrowdRow>, add: &mut impl FnMut(CrowdRow)) {
    let waiting = ring.slots().min(Crowds::ROWS_PER_TICK + 1);
    if let Ok(chunk) = ring.read_chunk(waiting) {
        chunk.into_iter().for_each(add);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use repute_model::Address;
    use repute_reputation::{Happening, Secret};

    use super::*;

    const LINE: usize = 64;

    /// The lines of the slots of a full ring.
    fn slots(ring: &mut Consumer<CrowdRow>) -> Vec<Range<usize>> {
        let chunk = ring.read_chunk(CROWD_SLOTS).unwrap();
        let (first, second) = chunk.as_slices();
        let lines = |rows: &[CrowdRow]| {
            let bytes = rows.as_ptr_range();
            assert_eq!((bytes.start.addr() % LINE, bytes.end.addr() % LINE), (0, 0));
            bytes.start.addr() / LINE..bytes.end.addr() / LINE
        };
        [first, second].map(lines).into()
    }

    /// Slots are whole lines, of one ring each; [`crate::handover`] tests the rings' own lines.
    #[test]
    fn no_slot_shares_a_line_with_anything() {
        let (mut all, secret) = (crowd_mesh(4, 64, 1), Secret::from_seed(1));
        for mesh in &mut all[1..] {
            let mut crowds = Crowds::new(CROWD_SLOTS as u32);
            for i in 0..CROWD_SLOTS as u32 {
                let address = Address::v4(i);
                crowds.note(secret.address(address), address, Happening::NOTHING, 60);
            }
            (0..4).for_each(|now| mesh.tick(&mut crowds, Tick(now), |_| {}));
            assert_eq!((crowds.waiting(), mesh.totals().is_none()), (0, true));
        }
        let End::Leader { from, .. } = &mut all[0].end else { panic!("the first worker leads") };
        let written: Vec<_> = from.iter_mut().flat_map(slots).filter(|lines| !lines.is_empty()).collect();
        assert_eq!(written.iter().map(Range::len).sum::<usize>(), 3 * CROWD_SLOTS);
        for (i, one) in written.iter().enumerate() {
            assert!(written[..i].iter().all(|other| one.end <= other.start || other.end <= one.start));
        }
    }
}
