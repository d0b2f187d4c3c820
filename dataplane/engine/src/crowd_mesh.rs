//! From every worker's part of the crowds to the sums: a ring from each worker to the leader, worker 0.
//!
//! Each worker holds one [`CrowdMesh`] and calls it once a tick. A worker that does not lead puts what its
//! [`Crowds`] hand out on a bounded single-producer single-consumer ring; the leader adds its own rows at once,
//! then those that wait on the rings, as many of each worker as a worker publishes in a tick.
//!
//! Always holds: nobody waits for anybody; a row that finds the ring full stays with its worker and is published
//! later, so that nothing is lost; no cache line is written by two workers: rows are lines of their own, a ring
//! pads its two indices, and its slots are written by the giver alone.

use repute_model::Tick;
use repute_reputation::{CrowdRow, Crowds, Totals};
use rtrb::{Consumer, Producer, RingBuffer};

/// Rows that a ring holds: four ticks of a worker that is busy with all of its rows.
pub const CROWD_SLOTS: usize = 4 * Crowds::ROWS_PER_TICK;

/// One worker's end of the rings. Belongs to its thread.
#[derive(Debug)]
pub struct CrowdMesh(End);

#[derive(Debug)]
enum End {
    Follower(Producer<CrowdRow>),
    Leader { totals: Box<Totals>, from: Box<[Consumer<CrowdRow>]> },
}

/// The rings of `workers` workers and the totals of `rows` destinations, a power of two up to 2^24, which the
/// first worker keeps; one [`CrowdMesh`] per worker, by its number. `seed` keys the table of totals.
///
/// # Panics
/// `rows` is not that.
pub fn crowd_mesh(workers: u16, rows: u32, seed: u64) -> Vec<CrowdMesh> {
    let rings = (1..workers).map(|_| RingBuffer::new(CROWD_SLOTS));
    let (to, from): (Vec<_>, Vec<_>) = rings.unzip();
    let totals = Box::new(Totals::new(rows, seed));
    let leader = End::Leader { totals, from: from.into_boxed_slice() };
    let followers = to.into_iter().map(End::Follower);
    std::iter::once(leader).chain(followers).map(CrowdMesh).collect()
}

impl CrowdMesh {
    /// Ends a tick of this worker: publishes its rows, and, where it leads, adds up what has come. Work is
    /// bounded: 257 rows for each worker whose rows it handles.
    pub fn tick(&mut self, crowds: &mut Crowds, now: Tick) {
        match &mut self.0 {
            End::Follower(to) => crowds.publish(now, |row| to.push(row).is_ok()),
            End::Leader { totals, from } => {
                crowds.publish(now, |row| {
                    totals.add(row, now);
                    true
                });
                from.iter_mut().for_each(|ring| receive(ring, totals, now));
            }
        }
    }

    /// The sums, where this worker leads.
    pub fn totals(&self) -> Option<&Totals> {
        match &self.0 {
            End::Leader { totals, .. } => Some(totals),
            End::Follower(_) => None,
        }
    }
}

/// Adds what one worker has published; not more than it publishes in a tick.
fn receive(ring: &mut Consumer<CrowdRow>, totals: &mut Totals, now: Tick) {
    let waiting = ring.slots().min(Crowds::ROWS_PER_TICK + 1);
    if let Ok(chunk) = ring.read_chunk(waiting) {
        chunk.into_iter().for_each(|row| totals.add(row, now));
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
            (0..4).for_each(|now| mesh.tick(&mut crowds, Tick(now)));
            assert_eq!((crowds.waiting(), mesh.totals().is_none()), (0, true));
        }
        let CrowdMesh(End::Leader { from, .. }) = &mut all[0] else { panic!("the first worker leads") };
        let written: Vec<_> = from.iter_mut().flat_map(slots).filter(|lines| !lines.is_empty()).collect();
        assert_eq!(written.iter().map(Range::len).sum::<usize>(), 3 * CROWD_SLOTS);
        for (i, one) in written.iter().enumerate() {
            assert!(written[..i].iter().all(|other| one.end <= other.start || other.end <= one.start));
        }
    }
}
