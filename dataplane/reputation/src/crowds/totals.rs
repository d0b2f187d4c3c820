//! All crowds added up: what the leader knows of every destination.
//!
//! Called by the engine's leader with the rows that workers publish. Seconds are those of the tick grid, and a
//! row counts for the second in which it arrives. When all rows are taken, a newcomer takes over the least
//! active of the next few if that one did less in a second than the newcomer in what it brings; else it is
//! counted with the rest. What a destination did that loses its row goes to the rest as well.
//!
//! Always holds: the totals of all destinations and of the rest are together what was ever added.

use repute_model::{Address, Tick};

use super::roster::{Keyed, Roster};
use super::{Counts, CrowdRow, Sums};
use crate::Secret;

const SECOND_MS: u64 = 1000;

/// What happened to one destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Since it got its row.
    pub total: Sums,
    /// In the second under way.
    pub current: Sums,
    /// In the whole second before.
    pub last: Sums,
}

impl Seen {
    /// In the second that ends at `now`: what is under way, and of the last whole second the part that still
    /// belongs to it, as if it had been even.
    pub fn sliding(&self, now: Tick) -> Sums {
        let left = SECOND_MS - now.0 % SECOND_MS;
        let part = |n: u64| (u128::from(n) * u128::from(left) / u128::from(SECOND_MS)) as u64;
        self.current.with(self.last, |current, last| current.saturating_add(part(last)))
    }

    fn add(&mut self, counts: Counts) {
        self.total = self.total.plus(counts);
        self.current = self.current.plus(counts);
    }
}

/// A destination of the leader.
#[derive(Clone, Copy, Debug)]
struct Total {
    address: Address,
    hash: u64,
    /// The number of the second under way when it was last added to.
    second: u64,
    seen: Seen,
}

impl Total {
    fn new(hash: u64, address: Address) -> Self {
        Self { address, hash, second: 0, seen: Seen::default() }
    }

    /// What is known of it at `now`.
    fn at(&self, now: Tick) -> Seen {
        let Seen { total, current, .. } = self.seen;
        match (now.0 / SECOND_MS).saturating_sub(self.second) {
            0 => self.seen,
            1 => Seen { total, current: Sums::default(), last: current },
            _ => Seen { total, ..Seen::default() },
        }
    }

    fn add(&mut self, counts: Counts, now: Tick) {
        (self.seen, self.second) = (self.at(now), now.0 / SECOND_MS);
        self.seen.add(counts);
    }
}

impl Keyed for Total {
    fn vacant(hash: u64) -> Self {
        Self::new(hash, CrowdRow::REST)
    }

    fn hash(&self) -> u64 {
        self.hash
    }

    fn address(&self) -> Address {
        self.address
    }
}

/// What happened to every destination, over all workers.
#[derive(Debug)]
pub struct Totals {
    secret: Secret,
    rows: Roster<Total>,
    rest: Total,
    refused: u64,
    displaced: u64,
}

impl Totals {
    /// Room for `rows` destinations, a power of two up to 2^24; `seed` keys its hash table.
    ///
    /// # Panics
    /// `rows` is not that.
    pub fn new(rows: u32, seed: u64) -> Self {
        Self {
            secret: Secret::from_seed(seed),
            rows: Roster::new(rows),
            rest: Total::new(0, CrowdRow::REST),
            refused: 0,
            displaced: 0,
        }
    }

    /// Adds what a worker published. `now` never runs backwards.
    pub fn add(&mut self, row: CrowdRow, now: Tick) {
        if row.address == CrowdRow::REST {
            return self.rest.add(row.counts, now);
        }
        let hash = self.secret.address(row.address);
        let at = self.rows.find(hash, row.address).or_else(|| self.admit(hash, &row, now));
        match at {
            Some(at) => self.rows.row_mut(at).add(row.counts, now),
            None => {
                self.refused += 1;
                self.rest.add(row.counts, now);
            }
        }
    }

    /// A row for a destination that has none, if there is one to be had.
    fn admit(&mut self, hash: u64, row: &CrowdRow, now: Tick) -> Option<u32> {
        let newcomer = Total::new(hash, row.address);
        if let Some(at) = self.rows.seat(newcomer) {
            return Some(at);
        }
        let (active, at) = self.rows.least(hash, |held| Some(held.at(now).sliding(now).packets))?;
        let old = self.rows.row(at).seen.total;
        let fits = active < u64::from(row.counts.packets) && self.rows.replace(at, newcomer);
        if fits {
            self.displaced += 1;
            self.rest.seen.total = self.rest.seen.total.with(old, u64::saturating_add);
        }
        fits.then_some(at)
    }

    /// What happened to a destination; `None` = it has no row.
    pub fn get(&self, address: Address, now: Tick) -> Option<Seen> {
        let at = self.rows.find(self.secret.address(address), address)?;
        Some(self.rows.row(at).at(now))
    }

    /// All destinations that have a row.
    pub fn iter(&self, now: Tick) -> impl Iterator<Item = (Address, Seen)> {
        self.rows.iter().map(move |row| (row.address, row.at(now)))
    }

    /// What happened to all others together. Its total includes what those did that lost their rows.
    pub fn rest(&self, now: Tick) -> Seen {
        self.rest.at(now)
    }

    /// Rows, since the beginning, that were counted with the rest because no destination could be given up.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Destinations, since the beginning, that lost their row to a newcomer.
    pub fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.rows.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fact;
    use crate::crowds::Sender;

    fn row(i: u32, packets: u32) -> CrowdRow {
        let mut counts = Counts::of(Fact::Syn.into(), 60);
        counts.packets = packets;
        CrowdRow { address: Address::v4(i), counts, sender: Sender::NONE }
    }

    fn packets(totals: &Totals, i: u32, now: u64) -> Option<[u64; 3]> {
        let seen = totals.get(Address::v4(i), Tick(now))?;
        Some([seen.total, seen.current, seen.last].map(|counts| counts.packets))
    }

    #[test]
    fn seconds_come_and_go() {
        let mut totals = Totals::new(8, 1);
        totals.add(row(1, 10), Tick(100));
        totals.add(row(1, 20), Tick(999));
        assert_eq!(packets(&totals, 1, 999), Some([30, 30, 0]));
        assert_eq!(packets(&totals, 1, 1000), Some([30, 0, 30]));
        totals.add(row(1, 5), Tick(1500));
        assert_eq!(packets(&totals, 1, 1999), Some([35, 5, 30]));
        assert_eq!(packets(&totals, 1, 2000), Some([35, 0, 5]));
        assert_eq!(packets(&totals, 1, 3000), Some([35, 0, 0]));
        assert_eq!(packets(&totals, 2, 3000), None);
    }

    #[test]
    fn the_second_slides() {
        let mut totals = Totals::new(8, 1);
        totals.add(row(1, 1000), Tick(500));
        totals.add(row(1, 100), Tick(1200));
        let at = |now| totals.get(Address::v4(1), Tick(now)).unwrap().sliding(Tick(now)).packets;
        assert_eq!([1200, 1250, 1750, 1999, 2000, 2500, 3000].map(at), [900, 850, 350, 101, 100, 50, 0]);
    }

    #[test]
    fn who_does_little_makes_room_and_is_not_forgotten_by_the_sum() {
        let mut totals = Totals::new(2, 1);
        for i in 0..2 {
            totals.add(row(i, 10 + i), Tick(0));
        }
        totals.add(row(2, 10), Tick(1));
        assert_eq!((totals.refused(), totals.displaced()), (1, 0));
        totals.add(row(2, 11), Tick(2));
        assert_eq!((totals.refused(), totals.displaced()), (1, 1));
        assert_eq!((packets(&totals, 0, 2), packets(&totals, 2, 2)), (None, Some([11, 11, 0])));
        assert_eq!(totals.rest(Tick(2)).total.packets, 20);
        // Somebody who has been idle for two seconds makes room for anybody.
        totals.add(row(3, 1), Tick(2_000));
        assert_eq!((totals.displaced(), totals.iter(Tick(2_000)).count()), (2, 2));
    }
}
