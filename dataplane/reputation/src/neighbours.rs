//! How many of the sources around somebody are bad: the /24 of an IPv4 address, the /48 of an IPv6 one.
//!
//! Counted by the sweep, read for sources that have no entry of their own. A prefix has a row while some of its sources
//! stand badly, and for a while after: its share fades with its evidence. Each row is closed once a period, in which the
//! sweep has visited every entry once, so that a row counts each source once whatever the order of the entries.
//!
//! Always holds: rows are bounded, and the one of least badness of a line gives way; a prefix whose sources all stand well
//! has none, so that a box at which nobody stands badly counts nothing; few bad sources are no bad prefix.

use repute_memory::Table;
use repute_model::{Address, Tick};

use crate::Secret;

/// Prefixes counted at the same time, a power of two.
const ROWS: usize = 4096;
/// Rows of a cache line.
const LINE: usize = 2;
/// Sources that stand well are taken to be there beside those that were seen: three bad ones of three are no proof.
pub(crate) const UNSEEN: f32 = 4.0;
/// Less badness than this is forgotten.
const NOTHING: f32 = 0.125;

/// Shares of bad sources by prefix.
#[derive(Debug)]
pub struct Neighbours {
    rows: Table<Line>,
    secret: Secret,
    used: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([Row; LINE]);

/// One prefix.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// Which one; 0 = none.
    prefix: u64,
    /// Sources visited in the period under way, and those of them that stand badly.
    visited: u32,
    visited_bad: u32,
    /// The same of whole periods, fading.
    sources: f32,
    bad: f32,
    /// It began in the middle of the period.
    is_new: bool,
    /// When it was last closed, low bits of the tick.
    closed: u32,
}

impl Row {
    const FREE: Self =
        Self { prefix: 0, visited: 0, visited_bad: 0, sources: 0.0, bad: 0.0, is_new: false, closed: 0 };

    /// What it would take to replace it.
    fn worth(&self) -> f32 {
        if self.prefix == 0 { -1.0 } else { self.bad.max(self.visited_bad as f32) }
    }

    /// Ends a period; whether it still says anything.
    fn close(&mut self, now: Tick, half_life_ms: u64) -> bool {
        let passed = now.low().wrapping_sub(std::mem::replace(&mut self.closed, now.low()));
        if !std::mem::take(&mut self.is_new) {
            let faded = (-(passed as f32) / half_life_ms.max(1) as f32).exp2();
            self.sources = (self.sources * faded).max(self.visited as f32);
            self.bad = (self.bad * faded).max(self.visited_bad as f32);
        }
        let says = self.bad >= NOTHING || self.visited_bad > 0;
        (self.visited, self.visited_bad) = (0, 0);
        says
    }

    fn share(&self) -> f32 {
        self.bad / (self.sources + UNSEEN)
    }
}

/// The number of the prefix around an address, never 0.
fn prefix_of(address: Address) -> u64 {
    if address.is_v4() {
        1 << 62 | u64::from(address.0 as u32 >> 8)
    } else {
        1 << 63 | (address.0 >> 80) as u64
    }
}

impl Neighbours {
    /// No prefix stands out; `seed` keys the table.
    pub fn new(seed: u64) -> Self {
        let rows = Table::new(ROWS / LINE, Line([Row::FREE; LINE]));
        Self { rows, secret: Secret::from_seed(seed.rotate_left(29)), used: 0 }
    }

    /// Whether no prefix stands out.
    #[inline]
    pub const fn are_calm(&self) -> bool {
        self.used == 0
    }

    /// Counts a visit to a source.
    #[inline]
    pub fn note(&mut self, address: Address, is_bad: bool) {
        if is_bad || self.used > 0 {
            self.count(prefix_of(address), is_bad);
        }
    }

    fn count(&mut self, prefix: u64, is_bad: bool) {
        let at = self.place(prefix);
        let rows = &mut self.rows[at].0;
        let found = match rows.iter_mut().find(|row| row.prefix == prefix) {
            Some(row) => row,
            None if !is_bad => return,
            None => {
                let Some(least) = rows.iter_mut().min_by(|a, b| a.worth().total_cmp(&b.worth())) else {
                    return;
                };
                if least.worth() > 1.0 {
                    return;
                }
                self.used += u32::from(least.prefix == 0);
                *least = Row { prefix, is_new: true, ..Row::FREE };
                least
            }
        };
        found.visited += 1;
        found.visited_bad += u32::from(is_bad);
    }

    /// Begins a period in which every source is visited at once.
    pub fn begin(&mut self) {
        if self.used > 0 {
            self.rows.iter_mut().flat_map(|line| &mut line.0).for_each(|row| {
                (row.visited, row.visited_bad, row.is_new) = (0, 0, false);
            });
        }
    }

    /// Closes part number `part` of `parts` of the rows; what they say of sources that are gone is halved every
    /// `half_life_ms`.
    pub fn close(&mut self, (part, parts): (u64, u64), now: Tick, half_life_ms: u64) {
        if self.used == 0 {
            return;
        }
        let lines = self.rows.len() as u64;
        for at in lines * part / parts..lines * (part + 1) / parts {
            for row in &mut self.rows[at as usize].0 {
                if row.prefix != 0 && !row.close(now, half_life_ms) {
                    *row = Row::FREE;
                    self.used -= 1;
                }
            }
        }
    }

    /// The share of bad sources around an address, 0..1.
    #[inline]
    pub fn share(&self, address: Address) -> f64 {
        if self.used == 0 { 0.0 } else { self.share_of(prefix_of(address)) }
    }

    fn share_of(&self, prefix: u64) -> f64 {
        let row = self.rows[self.place(prefix)].0.iter().find(|row| row.prefix == prefix);
        row.map_or(0.0, |row| f64::from(row.share()))
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.rows.bytes()
    }

    fn place(&self, prefix: u64) -> usize {
        self.secret.address(Address(u128::from(prefix))) as usize & (self.rows.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Range;

    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    use super::*;

    /// Nothing fades; half of it with every period, which lasts a second.
    const STAYS: u64 = u64::MAX;
    const HALF: u64 = 1_000;

    fn v4(prefix: u32, host: u32) -> Address {
        Address::v4(0x0a00_0000 + (prefix << 8) + host)
    }

    /// Seconds from `from` on in which the same sources are visited.
    fn periods(
        neighbours: &mut Neighbours,
        seconds: Range<u64>,
        sources: &[(Address, bool)],
        half_life: u64,
    ) {
        for second in seconds {
            sources.iter().for_each(|&(address, is_bad)| neighbours.note(address, is_bad));
            neighbours.close((0, 1), Tick(second * 1_000), half_life);
        }
    }

    #[test]
    fn a_prefix_is_as_bad_as_its_sources_are_and_a_few_prove_nothing() {
        let mut neighbours = Neighbours::new(7);
        let sources: Vec<_> = [(1, 3, 3), (2, 40, 40), (3, 40, 10), (4, 200, 1)]
            .into_iter()
            .flat_map(|(prefix, all, bad)| (0..all).map(move |host| (v4(prefix, host), host < bad)))
            .collect();
        periods(&mut neighbours, 1..3, &sources, STAYS);
        let shares = [1, 2, 3, 4, 5].map(|prefix| neighbours.share(v4(prefix, 250)));
        assert!(shares[0] < 0.45 && shares[1] > 0.9 && (0.2..0.25).contains(&shares[2]), "{shares:?}");
        assert!(shares[3] < 0.01 && shares[4] == 0.0, "{shares:?}");
    }

    #[test]
    fn the_first_period_is_not_judged_because_it_is_none() {
        let mut neighbours = Neighbours::new(7);
        // A hundred good ones were visited before anybody was bad.
        (0..100).for_each(|host| neighbours.note(v4(1, host), false));
        (100..110).for_each(|host| neighbours.note(v4(1, host), true));
        neighbours.close((0, 1), Tick(1), STAYS);
        assert_eq!(neighbours.share(v4(1, 0)), 0.0);
        let all: Vec<_> = (0..110).map(|host| (v4(1, host), host >= 100)).collect();
        periods(&mut neighbours, 1..2, &all, STAYS);
        assert!((neighbours.share(v4(1, 0)) - 10.0 / 114.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_gone_fades_and_is_forgotten() {
        let mut neighbours = Neighbours::new(7);
        let bad: Vec<_> = (0..20).map(|host| (v4(1, host), true)).collect();
        periods(&mut neighbours, 1..3, &bad, HALF);
        let before = neighbours.share(v4(1, 99));
        periods(&mut neighbours, 3..4, &[], HALF);
        let after = neighbours.share(v4(1, 99));
        assert!(before > 0.8 && (0.5..0.8).contains(&after), "{before}, {after}");
        periods(&mut neighbours, 4..12, &[], HALF);
        assert!(neighbours.are_calm() && neighbours.share(v4(1, 99)) == 0.0);
    }

    #[test]
    fn wide_prefixes_of_ipv6_are_told_apart_from_ipv4() {
        let v6 = |n: u128, host: u128| Address(0x2001_0db8 << 96 | n << 80 | host << 64);
        let mut neighbours = Neighbours::new(7);
        let bad: Vec<_> = (0..30).map(|host| (v6(5, host), true)).collect();
        periods(&mut neighbours, 1..3, &bad, STAYS);
        assert!(neighbours.share(v6(5, 0xffff)) > 0.8);
        assert_eq!([neighbours.share(v6(6, 0)), neighbours.share(v4(5, 0))], [0.0, 0.0]);
    }

    #[test]
    fn the_worst_keep_their_rows() {
        let mut neighbours = Neighbours::new(7);
        let worst: Vec<_> = (0..30).map(|host| (v4(0, host), true)).collect();
        periods(&mut neighbours, 1..3, &worst, STAYS);
        for prefix in 1..20_000 {
            neighbours.note(v4(prefix, 1), true);
        }
        worst.iter().for_each(|&(address, is_bad)| neighbours.note(address, is_bad));
        neighbours.close((0, 1), Tick(4_000), STAYS);
        assert!(neighbours.share(v4(0, 99)) > 0.8 && neighbours.used as usize <= ROWS);
    }

    proptest! {
        #![proptest_config(Config { cases: 64, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..Config::default() })]

        /// A map with as many rows as there are prefixes says the same, while they fit.
        #[test]
        fn a_table_is_a_map(
            rounds in proptest::collection::vec(proptest::collection::vec((0..12u32, 0..40u32, any::<bool>()), 0..120), 2..8),
            parts in 1..9u64,
        ) {
            let mut neighbours = Neighbours::new(3);
            let mut model: BTreeMap<u32, (bool, f32, f32)> = BTreeMap::new();
            for (second, round) in (1..).zip(rounds) {
                let mut seen: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
                for &(prefix, host, is_bad) in &round {
                    neighbours.note(v4(prefix, host), is_bad);
                    if is_bad || model.contains_key(&prefix) || seen.contains_key(&prefix) {
                        let seen = seen.entry(prefix).or_default();
                        *seen = (seen.0 + 1, seen.1 + u32::from(is_bad));
                        model.entry(prefix).or_insert((true, 0.0, 0.0));
                    }
                }
                (0..parts).for_each(|part| neighbours.close((part, parts), Tick(second * 1_000), HALF));
                model.retain(|prefix, (is_new, sources, bad)| {
                    let (all, worse) = seen.get(prefix).copied().unwrap_or_default();
                    if !std::mem::take(is_new) {
                        (*sources, *bad) = ((*sources * 0.5).max(all as f32), (*bad * 0.5).max(worse as f32));
                    }
                    *bad >= NOTHING || worse > 0
                });
                for prefix in 0..12 {
                    let expected = model.get(&prefix).map_or(0.0, |(_, sources, bad)| bad / (sources + UNSEEN));
                    prop_assert!((neighbours.share(v4(prefix, 0)) - f64::from(expected)).abs() < 1e-6);
                }
            }
        }
    }
}
