//! All names of honeypots joined: the table that workers read, and who has a name.
//!
//! **When there are too many** ([`NAMES_MAX`]) they are taken in the order in which the feeds were given and, of one feed, by
//! their bytes; what finds no room does not count ([`Lures::left_out`]).

use std::sync::Arc;
use std::time::SystemTime;

use repute_model::{DomainName, DomainTable};

use crate::entry::{NameEntry, Until};
use crate::import::Import;
use crate::limits::NAMES_MAX;

/// One entry that has a name as a honeypot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lure<'a> {
    /// The feed that says it.
    pub feed: &'a str,
    /// The name of the entry: what was asked for, or a wildcard above it.
    pub name: &'a DomainName,
    /// Until when.
    pub until: Option<Until>,
    /// What the feed calls the entry; may be empty.
    pub note: &'a str,
}

/// All names at one moment.
#[derive(Debug, Default)]
pub struct Lures {
    table: Arc<DomainTable<()>>,
    feeds: Vec<Taken>,
    count: usize,
    next_end: Option<Until>,
}

/// What counts of one feed.
#[derive(Debug)]
struct Taken {
    feed: Arc<str>,
    import: Arc<Import>,
    /// So many of its names are looked at, from the first one on.
    names: usize,
    /// How many of the rest have not ended.
    left_out: u64,
}

impl Taken {
    /// The entry that counts at `now` and names `name` most closely.
    fn closest(&self, name: &DomainName, now: SystemTime) -> Option<Lure<'_>> {
        let names = &self.import.names()[..self.names];
        let found = |name: DomainName| names.binary_search_by(|entry| entry.name.cmp(&name)).ok();
        let at = above(name).filter_map(found).find(|&at| counts(&names[at], now))?;
        let NameEntry { name, until, note } = &names[at];
        Some(Lure { feed: &self.feed, name, until: *until, note: self.import.note(*note) })
    }
}

impl Lures {
    /// Joins the last good imports of all feeds, those of prefixes passed over, without what has ended at `now`.
    pub fn new(feeds: &[(Arc<str>, Arc<Import>)], now: SystemTime) -> Self {
        Self::within(feeds, now, NAMES_MAX)
    }

    fn within(feeds: &[(Arc<str>, Arc<Import>)], now: SystemTime, max: usize) -> Self {
        let (mut taken, mut all) = (Vec::new(), Vec::new());
        for (feed, import) in feeds.iter().filter(|(_, import)| !import.names().is_empty()) {
            let (mut names, mut left_out) = (import.names().len(), 0);
            for (at, entry) in import.names().iter().enumerate().filter(|(_, entry)| counts(entry, now)) {
                if all.len() < max {
                    all.push((entry.name.clone(), ()));
                } else {
                    names = names.min(at);
                    left_out += 1;
                }
            }
            taken.push(Taken { feed: Arc::clone(feed), import: Arc::clone(import), names, left_out });
        }
        let count = all.len();
        let next_end = taken.iter().filter_map(|taken| taken.import.next_end(now)).min();
        // A table takes far more than `NAMES_MAX`.
        Self { table: Arc::new(DomainTable::new(all).unwrap_or_default()), feeds: taken, count, next_end }
    }

    /// What workers look up.
    pub fn table(&self) -> &Arc<DomainTable<()>> {
        &self.table
    }

    /// How many names count, each as often as a feed has it.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Of every feed that has `name` at `now` the entry that names it most closely, in the order of the feeds.
    pub fn who(&self, name: &DomainName, now: SystemTime) -> Vec<Lure<'_>> {
        self.feeds.iter().filter_map(|taken| taken.closest(name, now)).collect()
    }

    /// How many names found no room, of the feeds that have such.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, u64)> {
        self.feeds.iter().filter(|taken| taken.left_out > 0).map(|taken| (&*taken.feed, taken.left_out))
    }

    /// When the next entry ends: join again then.
    pub fn next_end(&self) -> Option<Until> {
        self.next_end
    }
}

fn counts(entry: &NameEntry, now: SystemTime) -> bool {
    entry.until.is_none_or(|until| !until.passed(now))
}

/// The name, and the wildcards that stand for it, the closest first.
fn above(name: &DomainName) -> impl Iterator<Item = DomainName> {
    let wire = name.as_bytes();
    let mut rest = wire;
    let wildcards = std::iter::from_fn(move || {
        let (&len, after) = rest.split_first().filter(|(len, _)| **len > 0)?;
        rest = after.get(usize::from(len)..)?;
        DomainName::from_wire(&[b"\x01*", rest].concat())
    });
    std::iter::once(name.clone()).chain(wildcards)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    fn feed(feed: &str, names: &[(&str, u64)]) -> (Arc<str>, Arc<Import>) {
        let names = names.iter().map(|&(text, until)| (name(text), at(until), text));
        (feed.into(), Arc::new(Import::own_names(names)))
    }

    #[test]
    fn feeds_are_told_with_the_closest_entry_of_each() {
        let feeds = [
            feed("a", &[("*.dga.example", 90), ("x.dga.example", 60)]),
            feed("b", &[("*.example", 60), ("trap.example", 30)]),
            feed("c", &[("other.example", 90)]),
        ];
        let lures = Lures::new(&feeds, at(0));
        let who = |asked: &str, now| {
            let found = lures.who(&name(asked), at(now));
            found.iter().map(|lure| format!("{}: {}", lure.feed, lure.note)).collect::<Vec<_>>()
        };
        assert_eq!(who("x.dga.example", 0), ["a: x.dga.example", "b: *.example"]);
        assert_eq!(
            who("x.dga.example", 60),
            ["a: *.dga.example"],
            "what has ended makes place for what is above it"
        );
        assert_eq!(who("dga.example", 0), ["b: *.example"], "a wildcard does not stand for what it is below");
        assert_eq!(who("example", 0), [""; 0]);
        assert_eq!(who("a.other.example", 0), ["b: *.example"]);
        assert_eq!(who("*.dga.example", 0), ["a: *.dga.example", "b: *.example"]);
    }

    #[test]
    fn what_finds_no_room_does_not_count_and_is_counted() {
        let feeds = [
            feed("own", &[("a.example", 90), ("b.example", 10)]),
            feed("first", &[("c.example", 90), ("d.example", 90)]),
            feed("second", &[("e.example", 90), ("f.example", 10)]),
        ];
        let lures = Lures::within(&feeds, at(10), 2);
        assert_eq!(lures.left_out().collect::<Vec<_>>(), [("first", 1), ("second", 1)]);
        assert_eq!(lures.next_end().map(Until::time), Some(at(90)));
        for (text, counts) in
            [("a", true), ("b", false), ("c", true), ("d", false), ("e", false), ("f", false)]
        {
            let name = name(&format!("{text}.example"));
            assert_eq!(lures.table().get(name.as_bytes()).is_some(), counts, "{text}");
            assert_eq!(!lures.who(&name, at(10)).is_empty(), counts, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// Somebody has exactly the names that are in the table.
        #[test]
        fn whoever_counts_is_named(
            names in prop::collection::vec(("(\\*\\.)?[ab](\\.[ab]){0,3}", 0usize..3, 0u64..40), 0..12),
            asked in "[ab](\\.[ab]){0,4}",
            max in 0usize..12,
        ) {
            let of = |wanted: usize| {
                let named = names.iter().filter(|(_, number, _)| *number == wanted);
                feed(&wanted.to_string(), &named.map(|(text, _, until)| (text.as_str(), *until)).collect::<Vec<_>>())
            };
            let feeds = [of(0), of(1), of(2)];
            let lures = Lures::within(&feeds, at(20), max);
            let asked = name(&asked);
            prop_assert_eq!(lures.who(&asked, at(20)).is_empty(), lures.table().get(asked.as_bytes()).is_none());
            let left_out: u64 = lures.left_out().map(|(_, count)| count).sum();
            let all: usize = feeds.iter().map(|(_, import)| import.names().iter().filter(|one| counts(one, at(20))).count()).sum();
            prop_assert_eq!(left_out, all.saturating_sub(max) as u64);
        }
    }
}
