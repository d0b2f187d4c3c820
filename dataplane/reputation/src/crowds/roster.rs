//! A bounded exact table by address: most owners are found at their home row with one look, all others through tag
//! buckets.
//!
//! Used by a worker's rows and by the leader's totals. Always holds: a row that was given out is never free
//! again, it only changes its owner; no two rows have the same owner.

use repute_memory::Table;
use repute_model::Address;

use crate::index::Index;

/// Rows looked at for one that may change its owner, besides the newcomer's home.
const LOOKED_AT: u32 = 16;

/// What belongs to an address.
pub(super) trait Keyed: Copy {
    /// What lies where nobody was yet, with this in place of a hash.
    fn vacant(hash: u64) -> Self;

    /// The keyed hash of its address.
    fn hash(&self) -> u64;

    /// Its owner; `::` where nobody was yet.
    fn address(&self) -> Address;
}

/// Rows by address.
#[derive(Debug)]
pub(super) struct Roster<R> {
    rows: Table<R>,
    index: Index,
    /// Rows that have an owner.
    taken: u32,
    /// The row that is looked at next, for somebody to have it or to lose it.
    hand: u32,
}

/// A hash that has its home anywhere but at `at`: no look at a vacant row finds its owner.
fn vacant(at: u32) -> u64 {
    !u64::from(at)
}

/// Where the owner of a hash lives most probably, among so many rows, a power of two.
#[inline(always)]
pub(super) fn home(hash: u64, rows: u32) -> u32 {
    hash as u32 & rows.wrapping_sub(1)
}

impl<R: Keyed> Roster<R> {
    /// `rows` free rows, a power of two up to 2^24.
    pub fn new(rows: u32) -> Self {
        assert!(
            rows.is_power_of_two() && rows <= 1 << 24,
            "a table of {rows} destinations; powers of two up to 16777216 are possible"
        );
        let mut table = Table::new(rows as usize, R::vacant(0));
        for (at, row) in (0..).zip(table.iter_mut()) {
            *row = R::vacant(vacant(at));
        }
        Self { rows: table, index: Index::new(rows), taken: 0, hand: 0 }
    }

    /// Where the row of `address` is.
    #[inline(always)]
    pub fn find(&self, hash: u64, address: Address) -> Option<u32> {
        let home = self.home(hash);
        let row = &self.rows[home as usize];
        if row.hash() == hash && row.address() == address {
            Some(home)
        } else {
            self.find_away(hash, address)
        }
    }

    #[inline(never)]
    fn find_away(&self, hash: u64, address: Address) -> Option<u32> {
        self.index.find(hash, |at| self.rows[at as usize].address() == address)
    }

    /// All of them, by number.
    #[inline(always)]
    pub fn rows_mut(&mut self) -> &mut [R] {
        &mut self.rows
    }

    #[inline(always)]
    pub fn row(&self, at: u32) -> &R {
        &self.rows[at as usize]
    }

    #[inline(always)]
    pub fn row_mut(&mut self, at: u32) -> &mut R {
        &mut self.rows[at as usize]
    }

    /// The rows that have an owner.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        (0..self.len()).filter(|&at| self.is_taken(at)).map(|at| self.row(at))
    }

    /// How many those are.
    pub fn taken(&self) -> u32 {
        self.taken
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.rows.bytes() + self.index.bytes()
    }

    /// Gives a free row to somebody who has none, at home if that is free; where it is.
    pub fn seat(&mut self, row: R) -> Option<u32> {
        let at = self.free(row.hash())?;
        let Self { index, rows, .. } = self;
        if !index.insert(row.hash(), at, |at| rows[at as usize].hash()) {
            return None;
        }
        rows[at as usize] = row;
        self.taken += 1;
        Some(at)
    }

    fn free(&mut self, hash: u64) -> Option<u32> {
        let home = self.home(hash);
        if !self.is_taken(home) {
            return Some(home);
        }
        if self.taken == self.len() {
            return None;
        }
        while self.is_taken(self.hand) {
            self.hand = self.after(self.hand);
        }
        Some(self.hand)
    }

    /// Gives the row at `at` to somebody who has none. `false` where the index has no place for the new owner: then
    /// the old one stays.
    pub fn replace(&mut self, at: u32, row: R) -> bool {
        let Self { index, rows, .. } = self;
        let old = std::mem::replace(&mut rows[at as usize], row);
        index.remove(old.hash(), at);
        let placed = index.insert(row.hash(), at, |at| rows[at as usize].hash());
        if !placed {
            rows[at as usize] = old;
            // The place that it had is still free.
            index.insert(old.hash(), at, |at| rows[at as usize].hash());
        }
        placed
    }

    /// Of the home of `hash` and the next few rows, the one of least worth, the home before its equals; `None` stands
    /// for a row that cannot be given away. Rows come in turn, so that who asks often has seen all of them.
    pub fn least(&mut self, hash: u64, worth: impl Fn(&R) -> Option<u64>) -> Option<(u64, u32)> {
        let mut least = None;
        let mut at = self.home(hash);
        for _ in 0..=LOOKED_AT {
            let held = if self.is_taken(at) { worth(self.row(at)) } else { None };
            if let Some(held) = held
                && least.is_none_or(|(worth, _)| held < worth)
            {
                least = Some((held, at));
            }
            (at, self.hand) = (self.hand, self.after(self.hand));
        }
        least
    }

    fn len(&self) -> u32 {
        self.rows.len() as u32
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> u32 {
        home(hash, self.len())
    }

    fn after(&self, at: u32) -> u32 {
        (at + 1) & (self.len() - 1)
    }

    fn is_taken(&self, at: u32) -> bool {
        let row = self.row(at);
        row.hash() != vacant(at) || row.address() != Address(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Owner(u64, Address);

    impl Keyed for Owner {
        fn vacant(hash: u64) -> Self {
            Self(hash, Address(0))
        }

        fn hash(&self) -> u64 {
            self.0
        }

        fn address(&self) -> Address {
            self.1
        }
    }

    fn owner(i: u32) -> Owner {
        Owner(Secret::from_seed(5).address(Address::v4(i)), Address::v4(i))
    }

    fn find(roster: &Roster<Owner>, i: u32) -> Option<u32> {
        roster.find(owner(i).0, owner(i).1)
    }

    #[test]
    fn every_row_is_given_out_once_and_changes_owners() {
        let mut roster = Roster::new(512);
        for i in 0..512 {
            let at = roster.seat(owner(i)).unwrap();
            assert_eq!((find(&roster, i), *roster.row(at)), (Some(at), owner(i)));
        }
        assert_eq!((roster.seat(owner(512)), roster.taken()), (None, 512));
        assert!((0..512).all(|at| roster.replace(at, owner(10_000 + at))));
        assert!((0..512).all(|i| find(&roster, i).is_none() && find(&roster, 10_000 + i) == Some(i)));
        assert_eq!(roster.iter().count(), 512);
    }

    #[test]
    fn whoever_finds_his_home_free_lives_there() {
        let mut roster = Roster::new(4096);
        let at_home = (0..400).filter(|&i| roster.seat(owner(i)) == Some(roster.home(owner(i).0))).count();
        assert!(at_home > 350, "{at_home} of 400");
    }

    /// Whatever the hash: a vacant row is nobody's, not even that of `::`, which looks most like it.
    #[test]
    fn nobody_finds_a_vacant_row() {
        let roster = Roster::<Owner>::new(16);
        let hashes = (0..64u64).flat_map(|hash| [hash, !hash, hash << 32, !(hash << 32)]);
        assert!(hashes.into_iter().all(|hash| roster.find(hash, Address(0)).is_none()));
        assert_eq!((roster.iter().count(), roster.taken()), (0, 0));
    }

    #[test]
    fn the_least_of_the_next_few_and_then_of_others() {
        let mut roster = Roster::new(64);
        (0..64).for_each(|i| assert!(roster.seat(owner(i)).is_some()));
        let worth = |row: &Owner| Some(u64::from(row.1.0 as u32 >= 4));
        let mut least: Vec<_> = (0..16).filter_map(|_| roster.least(1, worth)).collect();
        least.retain(|&(worth, _)| worth == 0);
        least.sort_unstable();
        least.dedup();
        assert!(!least.is_empty() && least.iter().all(|&(_, at)| roster.row(at).1.0 as u32 <= 3));
        assert_eq!(roster.least(7, |_| Some(1)), Some((1, 7)), "the home before its equals");
        assert_eq!(roster.least(7, |_| None), None);
    }

    #[test]
    fn vacant_rows_are_not_given_away() {
        assert_eq!(Roster::<Owner>::new(4).least(0, |_| Some(0)), None);
    }
}
