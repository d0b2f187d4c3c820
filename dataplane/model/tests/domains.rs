//! The table of names against a map of strings: whatever lies below whatever, both give the same answer.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_model::{DomainName, DomainTable};

type Entry = (String, u16);

/// What stands above a name: itself first, the root (empty) last.
fn upwards(name: &str) -> impl Iterator<Item = &str> {
    let dots = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
    [name].into_iter().chain(dots).chain((!name.is_empty()).then_some(""))
}

fn below(name: &str) -> String {
    if name.is_empty() { "*".to_owned() } else { format!("*.{name}") }
}

/// The entries as a plain map, and all names that a zone of them has.
struct Plain {
    map: BTreeMap<String, u16>,
    names: BTreeSet<String>,
}

impl Plain {
    fn new(entries: &[Entry]) -> Self {
        let above = |name: &str| {
            let name = name.strip_prefix("*.").unwrap_or(if name == "*" { "" } else { name });
            upwards(name).map(str::to_owned).collect::<Vec<_>>()
        };
        let names = entries.iter().flat_map(|(name, _)| above(name)).chain([String::new()]).collect();
        Self { map: entries.iter().cloned().collect(), names }
    }

    fn get(&self, name: &str) -> Option<u16> {
        let wild = upwards(name).skip(1).map(below);
        [name.to_owned()].into_iter().chain(wild).find_map(|name| self.map.get(&name).copied())
    }

    fn in_zone(&self, name: &str) -> Option<u16> {
        let closest = upwards(name).find(|above| self.names.contains(*above)).unwrap();
        let owner = if closest == name { name.to_owned() } else { below(closest) };
        self.map.get(&owner).copied()
    }
}

fn name(text: &str) -> DomainName {
    if text.is_empty() { DomainName::root() } else { text.parse().unwrap() }
}

fn table(entries: &[Entry]) -> DomainTable<u16> {
    DomainTable::new(entries.iter().map(|(text, value)| (name(text), *value))).unwrap()
}

/// Names of few labels, which share many.
fn any_name() -> impl Strategy<Value = String> {
    prop::collection::vec("a|b|ab|abcdefghi", 0..5).prop_map(|labels| labels.join("."))
}

fn entry() -> impl Strategy<Value = Entry> {
    (any_name(), prop::bool::weighted(0.4), 0u16..9)
        .prop_map(|(name, wild, value)| (if wild { below(&name) } else { name }, value))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn same_answers(
        entries in prop::collection::vec(entry(), 0..30),
        others in prop::collection::vec(any_name(), 20),
    ) {
        let (table, plain) = (table(&entries), Plain::new(&entries));
        prop_assert_eq!(table.is_empty(), entries.is_empty());
        let asked = entries.iter().map(|(name, _)| name.trim_start_matches(['*', '.']).to_owned());
        for text in asked.chain(others) {
            let wire = name(&text);
            prop_assert_eq!(table.get(wire.as_bytes()), plain.get(&text), "{}", &text);
            prop_assert_eq!(table.in_zone(wire.as_bytes()), plain.in_zone(&text), "{}", &text);
        }
    }

    /// Bytes that are no name are not listed, and do no harm.
    #[test]
    fn any_bytes(entries in prop::collection::vec(entry(), 0..9), bytes in prop::collection::vec(0u8..4, 0..300)) {
        let table = table(&entries);
        let _ = (table.get(&bytes), table.in_zone(&bytes));
        prop_assert_eq!(table.get(&bytes[..bytes.len().min(1)]).is_some(), bytes.first() == Some(&0) && table.get(&[0]).is_some());
    }
}

#[test]
fn lists_and_zones_differ_where_a_name_is_in_between() {
    let entry = |text: &str, value| (text.to_owned(), value);
    let table = table(&[entry("*.example", 1), entry("b.example", 2), entry("x.empty.example", 3)]);
    for (text, listed, in_zone) in [
        ("a.example", Some(1), Some(1)),
        ("example", None, None),
        ("b.example", Some(2), Some(2)),
        ("a.b.example", Some(1), None),
        ("empty.example", Some(1), None),
        ("y.empty.example", Some(1), None),
        ("y.x.other.example", Some(1), Some(1)),
        ("org", None, None),
    ] {
        let wire = name(text);
        assert_eq!((table.get(wire.as_bytes()), table.in_zone(wire.as_bytes())), (listed, in_zone), "{text}");
    }
}

#[test]
fn tables_of_the_same_entries_are_equal() {
    let entries = [("a.example".to_owned(), 1), ("*.example".to_owned(), 2)];
    assert_eq!(table(&entries), table(&entries).clone());
    assert_ne!(table(&entries), table(&entries[..1]));
    assert_eq!(DomainTable::<u16>::default().get(&[0]), None);
}

#[test]
fn a_million_names_are_bounded() {
    let value = std::num::NonZeroU32::MIN;
    let text = |n: u32| format!("{:x}.{:x}.example", n.wrapping_mul(0x9e37_79b1), n % 50_000);
    let entries = (0..1_000_000).map(|n| (text(n).parse().unwrap(), value));
    let table = DomainTable::new(entries).unwrap();
    assert!(table.bytes() <= 64_000_000, "{} bytes", table.bytes());
    assert_eq!(table.get(name(&text(77)).as_bytes()), Some(value));
    assert_eq!(table.get(name("ffffffff.1.example").as_bytes()), None);
}
