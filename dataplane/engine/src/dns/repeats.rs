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

/// Bytes of the longest query that is kept: names of some 80 bytes.
const BYTES_MAX: usize = 120;
/// Bytes of an id.
const ID: usize = 2;
/// Queries that share one place in the table; the one goes that was not met again.
const WAYS: usize = 2;
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

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Row {
    len: u8,
    /// Whether it was met again since another one wanted its place.
    met: bool,
    /// The lower half of the policy's edition.
    edition: u32,
    bytes: [u8; BYTES_MAX],
    repeat: Option<Repeat>,
}

const FREE: Row = Row { len: 0, met: false, edition: 0, bytes: [0; BYTES_MAX], repeat: None };

/// The table.
#[derive(Debug)]
pub struct Repeats {
    secret: Secret,
    sets: Table<[Row; WAYS]>,
}

impl Repeats {
    /// For a cache of so many answers.
    pub fn new(answers: u32, seed: u64) -> Self {
        let sets = (answers / ANSWERS / WAYS as u32).max(1).next_power_of_two();
        let secret = Secret::from_seed(seed.rotate_left(13));
        Self { secret, sets: Table::new(sets as usize, [FREE; WAYS]) }
    }

    /// Asks the CPU for what is known of a message.
    #[inline]
    pub fn fetch(&self, message: &[u8]) {
        if let Some((set, _)) = self.place(message) {
            self.sets[set].iter().for_each(prefetch);
        }
    }

    /// What is known of a message, under this edition of the policy.
    pub fn get(&mut self, message: &[u8], edition: u64) -> Option<Repeat> {
        let (set, bytes) = self.place(message)?;
        let row = self.sets[set].iter_mut().find(|row| row.is_of(bytes, edition))?;
        row.met = true;
        row.repeat
    }

    /// Keeps what was found of a message.
    pub fn note(&mut self, message: &[u8], edition: u64, repeat: Repeat) {
        let Some((set, bytes)) = self.place(message) else { return };
        let rows = &mut self.sets[set];
        let same = rows.iter().position(|row| row.len == bytes.len() as u8 && row.bytes.starts_with(bytes));
        let at = same.or_else(|| rows.iter().position(|row| !row.met)).unwrap_or(0);
        rows.iter_mut().for_each(|row| row.met = false);
        let row = &mut rows[at];
        *row = Row { len: bytes.len() as u8, edition: edition as u32, repeat: Some(repeat), ..FREE };
        row.bytes[..bytes.len()].copy_from_slice(bytes);
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    fn place<'m>(&self, message: &'m [u8]) -> Option<(usize, &'m [u8])> {
        let bytes = message.get(ID..).filter(|bytes| bytes.len() <= BYTES_MAX)?;
        Some((self.secret.bytes(bytes) as usize & (self.sets.len() - 1), bytes))
    }
}

impl Row {
    fn is_of(&self, bytes: &[u8], edition: u64) -> bool {
        usize::from(self.len) == bytes.len()
            && self.edition == edition as u32
            && self.bytes.starts_with(bytes)
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
        repeats.get(message, edition).map(|repeat| repeat.inquiry.below)
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
        assert_eq!(names.iter().filter(|name| below(&mut repeats, name, 0).is_some()).count(), 2);
    }
}
