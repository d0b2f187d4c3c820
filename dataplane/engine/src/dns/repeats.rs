//! Queries that the cache has answered, by their bytes: what they were found to be, to say, and where their answer is.
//!
//! Asked by the stage for every query, and told of every one that the cache answered, so that a flood of names that it does
//! not have pushes nothing out. What differs from query to query and changes no answer, the id, is left out; queries with
//! EDNS options, which are their client's own, and long ones are never here. Always holds: what is found was found for
//! these bytes under this policy; that the answer still is where it was, the cache knows.

use repute_memory::{Table, prefetch};
use repute_reputation::{Inquiry, Secret};
use repute_wire::dns::Shape;

use super::cache::Found;
use super::ready::{ID, Ready};

/// Bytes of the longest query that is kept, without its id: names of a hundred bytes.
const BYTES_MAX: usize = 120;
/// Queries that share one place in the table; the one goes that was not met again. Of two, one in a hundred would find its
/// place taken by others that are met as often, where a table is an eighth full.
const WAYS: usize = 4;
/// One query is kept for so many answers: a few of all names make most of what is asked for.
const ANSWERS: u32 = 4;

/// What is known of a query.
#[derive(Clone, Copy, Debug)]
pub struct Repeat {
    /// What it was found to be.
    pub shape: Shape,
    /// What it says of who asks.
    pub inquiry: Inquiry,
    /// Where its answer was.
    pub found: Found,
}

/// What is known in the first cache line, of what in the next two.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Row {
    repeat: Option<Repeat>,
    /// The lower half of the policy's edition.
    edition: u32,
    len: u8,
    /// Whether it was met again since another one wanted its place.
    met: bool,
    /// See [`Known::taught`].
    taught: u32,
    bytes: [u8; BYTES_MAX],
}

const FREE: Row = Row { repeat: None, edition: 0, len: 0, met: false, taught: 0, bytes: [0; BYTES_MAX] };

/// Where a message would be, for the time of one batch.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts {
    set: u32,
    tag: u32,
}

/// Where a message probably is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    set: u32,
    way: u32,
}

/// What is known of a message that was met again.
#[derive(Debug)]
pub struct Known<'a> {
    /// What it was found to be.
    pub repeat: &'a Repeat,
    /// When its name was last counted among those that exist, for
    /// [`Domains::learn_again`](super::domains::Domains::learn_again).
    pub taught: &'a mut u32,
    /// The answer to it that stands ready, if one does.
    pub ready: &'a mut Ready,
}

/// The table.
#[derive(Debug)]
pub struct Repeats {
    secret: Secret,
    /// The upper halves of the hashes, apart from what they lead to.
    tags: Table<[u32; WAYS]>,
    sets: Table<[Row; WAYS]>,
    ready: Table<[Ready; WAYS]>,
    /// Messages noted since the beginning, modulo 2^32.
    notes: u32,
}

impl Repeats {
    /// For a cache of so many answers.
    pub fn new(answers: u32, seed: u64) -> Self {
        let sets = (answers / ANSWERS / WAYS as u32).max(1).next_power_of_two();
        let secret = Secret::from_seed(seed.rotate_left(13));
        let sets = sets as usize;
        let (tags, ready) = (Table::new(sets, [0; WAYS]), Table::new(sets, [Ready::NONE; WAYS]));
        Self { secret, tags, sets: Table::new(sets, [FREE; WAYS]), ready, notes: 0 }
    }

    /// Where a message would be; the CPU is asked for it.
    #[inline]
    pub fn seek(&self, message: &[u8]) -> Option<Whereabouts> {
        let hash = self.secret.bytes(bytes(message)?);
        let set = hash as u32 & (self.sets.len() - 1) as u32;
        prefetch(&self.tags[set as usize]);
        Some(Whereabouts { set, tag: (hash >> 32) as u32 })
    }

    /// The place where the message that would be there probably is; the CPU is asked for what is known of it.
    #[inline]
    pub fn approach(&self, at: Whereabouts) -> Option<Place> {
        let way = self.tags[at.set as usize].iter().position(|&tag| tag == at.tag)?;
        let row = &self.sets[at.set as usize][way];
        prefetch(row);
        prefetch(&row.bytes);
        self.ready[at.set as usize][way].fetch();
        Some(Place { set: at.set, way: way as u32 })
    }

    /// What is known of a message that is probably at this place, under this edition of the policy.
    #[inline]
    pub fn get(&mut self, place: Place, message: &[u8], edition: u64) -> Option<Known<'_>> {
        let (set, way) = (place.set as usize, place.way as usize % WAYS);
        let row = &mut self.sets[set][way];
        if !row.has(bytes(message)?) {
            return None;
        }
        row.met = true;
        let repeat = row.repeat.as_ref().filter(|_| row.edition == edition as u32)?;
        Some(Known { repeat, taught: &mut row.taught, ready: &mut self.ready[set][way] })
    }

    /// Keeps what was found of a message.
    pub fn note(&mut self, message: &[u8], edition: u64, repeat: Repeat) {
        let (Some(at), Some(bytes)) = (self.seek(message), bytes(message)) else { return };
        self.notes = self.notes.wrapping_add(1);
        let rows = &mut self.sets[at.set as usize];
        let same = rows.iter().position(|row| row.has(bytes));
        // Each in turn, or one that was not met would keep its place behind one that always goes.
        let turn = self.notes as usize % WAYS;
        let unmet = || (turn..turn + WAYS).map(|way| way % WAYS).find(|&way| !rows[way].met);
        let way = same.or_else(unmet).unwrap_or(turn);
        rows.iter_mut().for_each(|row| row.met = false);
        let (edition, len) = (edition as u32, bytes.len() as u8);
        self.tags[at.set as usize][way] = at.tag;
        self.ready[at.set as usize][way].forget();
        let row = &mut rows[way];
        *row = Row { repeat: Some(repeat), edition, len, ..FREE };
        row.bytes[..bytes.len()].copy_from_slice(bytes);
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.tags.bytes() + self.sets.bytes() + self.ready.bytes()
    }
}

/// What counts of a message.
fn bytes(message: &[u8]) -> Option<&[u8]> {
    message.get(ID..).filter(|bytes| bytes.len() <= BYTES_MAX)
}

impl Row {
    fn has(&self, bytes: &[u8]) -> bool {
        usize::from(self.len) == bytes.len() && self.bytes.starts_with(bytes)
    }
}

const _: () = assert!(size_of::<Row>() == 192);

#[cfg(test)]
mod tests {
    use repute_wire::dns::Query;

    use super::*;

    fn message(id: u8, name: &[u8]) -> Vec<u8> {
        [&[id, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.len() as u8], name, &[0, 0, 1, 0, 1]].concat()
    }

    fn repeat(message: &[u8], below: u8) -> Repeat {
        let inquiry =
            Inquiry { carries_data: false, is_random: false, is_honeypot: false, domain: 1, name: 2, below };
        Repeat { shape: Query::read(message).unwrap().shape().unwrap(), inquiry, found: Found::default() }
    }

    fn below(repeats: &mut Repeats, message: &[u8], edition: u64) -> Option<u8> {
        let place = repeats.approach(repeats.seek(message)?)?;
        repeats.get(place, message, edition).map(|known| known.repeat.inquiry.below)
    }

    #[test]
    fn the_same_bytes_but_for_the_id_are_known_under_their_policy() {
        let mut repeats = Repeats::new(64, 7);
        repeats.note(&message(1, b"name"), 5, repeat(&message(1, b"name"), 3));
        assert_eq!(below(&mut repeats, &message(9, b"name"), 5), Some(3));
        assert_eq!(below(&mut repeats, &message(1, b"Name"), 5), None);
        assert_eq!(below(&mut repeats, &message(1, b"names"), 5), None);
        assert_eq!(below(&mut repeats, &message(1, b"name"), 6), None);
        assert_eq!(below(&mut repeats, &message(1, &[b'x'; 63]), 5), None);
        assert_eq!(below(&mut repeats, &[], 5), None);
        repeats.note(&message(1, b"name"), 6, repeat(&message(1, b"name"), 4));
        assert_eq!(below(&mut repeats, &message(1, b"name"), 6), Some(4));
    }

    #[test]
    fn what_is_met_again_outlasts_what_is_not() {
        let mut repeats = Repeats::new(1, 7);
        let names: Vec<_> = (0..50u8).map(|n| message(1, &[b'a' + n % 26, b'a' + n / 26])).collect();
        for (n, name) in names.iter().enumerate() {
            repeats.note(name, 0, repeat(name, n as u8));
            assert_eq!(below(&mut repeats, &names[0], 0), Some(0), "{n}");
        }
        assert_eq!(names.iter().filter(|name| below(&mut repeats, name, 0).is_some()).count(), WAYS);
    }
}
