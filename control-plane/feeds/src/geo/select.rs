//! Addresses by country and AS: what a policy selects, as an import like that of a feed.
//!
//! Called by the daemon with every policy and with every new file. **Always holds:** neighbours of one kind become the
//! widest prefixes that hold them, and none is wider than a feed may name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use repute_model::{Address, Prefix};

use super::Atlas;
use super::database::{Database, GeoError};
use super::places::Country;
use crate::collect::{Claim, Collector, Mark};
use crate::import::{Import, Terms};
use crate::text::prefixes;

/// The widest prefixes of a feed, on the 128-bit scale: IPv4, IPv6.
const WIDEST: [u8; 2] = [96 + 8, 16];

/// One thing that is selected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pick {
    /// Everything in a country.
    Country(Country),
    /// Everything of an autonomous system.
    Network(u32),
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Country(code) => write!(f, "country {code}"),
            Self::Network(number) => write!(f, "AS{number}"),
        }
    }
}

/// What is selected, each with a confidence of 1..=100 percent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection(pub BTreeMap<Pick, u8>);

impl Atlas {
    /// The prefixes of a selection, each with a note of why it is there. Of several databases the first that names
    /// countries decides about them, and the first that names AS numbers about those. May take seconds.
    ///
    /// # Errors
    /// More than `terms.limits.entries` prefixes; a kind that no database names.
    pub fn select(&self, selection: &Selection, terms: &Terms<'_>) -> Result<Import, GeoError> {
        let mut gather = Gather::new(selection, terms);
        let kind = |pick: &Pick| matches!(pick, Pick::Network(_));
        let mut missing: BTreeSet<bool> = selection.0.keys().map(kind).collect();
        for database in self.databases.iter() {
            let named = gather.walk(database, &missing)?;
            missing.retain(|kind| !named.contains(kind));
        }
        match missing.first() {
            Some(false) => Err(GeoError::Unnamed("countries")),
            Some(true) => Err(GeoError::Unnamed("AS numbers")),
            None => Ok(gather.collector.close()),
        }
    }
}

/// Neighbours of one kind.
#[derive(Clone, Copy)]
struct Run {
    pick: Pick,
    first: Address,
    last: Address,
}

struct Gather<'a> {
    selection: &'a Selection,
    collector: Collector<'a>,
    counts: BTreeMap<Pick, usize>,
    max: usize,
}

impl<'a> Gather<'a> {
    fn new(selection: &'a Selection, terms: &'a Terms<'a>) -> Self {
        let (collector, max) = (Collector::new(terms), terms.limits.entries);
        Self { selection, collector, counts: BTreeMap::new(), max }
    }

    /// Takes what is selected of the kinds that are `missing` (AS numbers or not); which of these the database names.
    fn walk(&mut self, database: &Database, missing: &BTreeSet<bool>) -> Result<BTreeSet<bool>, GeoError> {
        let mut named = BTreeSet::new();
        let mut runs: [Option<Run>; 2] = [None, None];
        for network in database.networks()? {
            let (prefix, country, asn) = network?;
            for pick in country.map(Pick::Country).into_iter().chain(asn.map(Pick::Network)) {
                let kind = matches!(pick, Pick::Network(_));
                if missing.contains(&kind) {
                    named.insert(kind);
                    self.meet(&mut runs[usize::from(kind)], pick, prefix)?;
                }
            }
        }
        runs.into_iter().flatten().try_for_each(|run| self.take(run))?;
        Ok(named)
    }

    /// Makes the run longer, or begins another one.
    fn meet(&mut self, run: &mut Option<Run>, pick: Pick, prefix: Prefix) -> Result<(), GeoError> {
        if !self.selection.0.contains_key(&pick) {
            return Ok(());
        }
        self.collector.import.records += 1;
        let (first, last) = (prefix.first(), prefix.last());
        match run {
            Some(run) if run.pick == pick && continues(run.last, first) => run.last = last,
            _ => {
                if let Some(done) = run.replace(Run { pick, first, last }) {
                    self.take(done)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, run: Run) -> Result<(), GeoError> {
        let note = self.collector.note(&run.pick.to_string());
        let confidence = self.selection.0.get(&run.pick).copied();
        let claim = Claim { confidence, until: None, note };
        for prefix in prefixes(run.first, run.last).flat_map(narrow) {
            *self.counts.entry(run.pick).or_default() += 1;
            let mark = Mark::line(self.collector.import.records);
            // The gate counts as well, and refuses what is too much.
            if self.collector.take(prefix, claim, mark).is_err() {
                return Err(self.too_large(run.pick));
            }
        }
        Ok(())
    }

    fn too_large(&self, last: Pick) -> GeoError {
        let most = self.counts.iter().max_by_key(|(_, count)| **count);
        let (pick, count) = most.map_or((last, 0), |(pick, count)| (*pick, *count));
        GeoError::TooLarge { pick, count, max: self.max }
    }
}

/// Whether `first` follows `last` in the same family.
fn continues(last: Address, first: Address) -> bool {
    last.0.checked_add(1) == Some(first.0) && last.is_v4() == first.is_v4()
}

/// The prefix, or where it is too wide the widest that a feed may name; at most 65 536.
fn narrow(prefix: Prefix) -> impl Iterator<Item = Prefix> {
    let first = prefix.first();
    let len = prefix.len128().max(WIDEST[usize::from(!first.is_v4())]);
    let step = 1_u128 << (128 - u32::from(len));
    (0..1_u128 << (len - prefix.len128())).map(move |n| Prefix::containing(Address(first.0 + n * step), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_wide_is_named_in_parts() {
        let count = |text: &str| narrow(text.parse().unwrap()).count();
        assert_eq!([count("0.0.0.0/0"), count("10.0.0.0/7"), count("10.1.0.0/16")], [256, 2, 1]);
        assert_eq!([count("::/0"), count("2000::/3"), count("2001:db8::/32")], [65_536, 8192, 1]);
        let last = narrow("2000::/3".parse().unwrap()).last().unwrap();
        assert_eq!(last.to_string(), "3fff::/16");
    }

    #[test]
    fn families_do_not_touch() {
        let at = |text: &str| text.parse::<std::net::IpAddr>().unwrap().into();
        assert!(continues(at("192.0.2.255"), at("192.0.3.0")));
        assert!(!continues(at("192.0.2.255"), at("192.0.3.1")));
        assert!(!continues(at("255.255.255.255"), at("::1:0:0:0")));
    }
}
