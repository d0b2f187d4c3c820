//! The prefix table against a plain list: whatever is nested in whatever, both give the same answer.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_model::{Address, Prefix, PrefixTable};

type Entry = (Prefix, u16);

/// The longest prefix that contains `address`; of equal ones the last.
fn plain(entries: &[Entry], address: Address) -> Option<u16> {
    let containing = entries.iter().enumerate().filter(|(_, (prefix, _))| prefix.contains(address));
    containing.max_by_key(|(i, (prefix, _))| (prefix.len128(), *i)).map(|(_, (_, value))| *value)
}

/// Where an answer can change: at both ends of a prefix and just beside them.
fn edges(prefix: Prefix) -> [Address; 4] {
    let (first, last) = (prefix.first().0, prefix.last().0);
    [first.wrapping_sub(1), first, last, last.wrapping_add(1)].map(Address)
}

/// Asks the table at the edges of `around` and at `others`, in one step and in two.
fn same_answers(entries: &[Entry], around: &[Entry], others: &[Address]) -> Result<(), TestCaseError> {
    let table = PrefixTable::new(entries.iter().copied());
    prop_assert_eq!(table.is_empty(), entries.is_empty());
    let asked = around.iter().flat_map(|(prefix, _)| edges(*prefix)).chain(others.iter().copied());
    for address in asked {
        let located = table.locate(address);
        prop_assert_eq!(table.get(address), plain(entries, address), "{}", address);
        prop_assert_eq!(table.at(located, address), table.get(address), "{}", address);
    }
    Ok(())
}

/// IPv4 addresses that share a few slots and lie at their borders.
fn v4() -> impl Strategy<Value = Address> {
    let border = (0u32..4, -3i64..3).prop_map(|(slot, by)| (i64::from(slot << 16) + by) as u32);
    prop_oneof![border, 0u32..2048, any::<u32>(), Just(u32::MAX)].prop_map(Address::v4)
}

/// IPv6 addresses: around IPv4's own range, in one site, anywhere.
fn v6() -> impl Strategy<Value = Address> {
    let mapped = (-3i128..3, any::<bool>()).prop_map(|(by, end)| {
        let edge = if end { Address::v4(u32::MAX) } else { Address::v4(0) };
        (edge.0 as i128 + by) as u128
    });
    let site = (0u128..4096).prop_map(|low| 0x2001_0db8_u128 << 96 | low << 60);
    prop_oneof![mapped, site, any::<u128>(), Just(0), Just(u128::MAX)].prop_map(Address)
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![v4(), v6()]
}

/// Prefixes of every length, both families, often one inside the other; values repeat.
fn entry() -> impl Strategy<Value = Entry> {
    let v4 = (v4(), prop_oneof![96u8..=128, Just(96), Just(128)]);
    let v6 = (v6(), prop_oneof![0u8..=128, Just(0), Just(95), Just(128)]);
    (prop_oneof![v4, v6], 0u16..6).prop_map(|((at, len), value)| (Prefix::containing(at, len), value))
}

/// So many hosts, a few addresses apart: crowded slots of the table and empty ones.
fn hosts(many: u32) -> impl Strategy<Value = Vec<Entry>> {
    (1u32..256, 1u32..4).prop_map(move |(step, of)| {
        let host = |i: u32| Prefix::containing(Address::v4(i * step), 128);
        (0..many).map(|i| (host(i), (i % of) as u16)).collect()
    })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn few_prefixes(
        entries in prop::collection::vec(entry(), 0..24),
        others in prop::collection::vec(address(), 8),
    ) {
        same_answers(&entries, &entries, &others)?;
    }
}

proptest! {
    #![proptest_config(config(24))]

    /// Enough for a table of IPv4 alone.
    #[test]
    fn many_prefixes(
        hosts in hosts(4200),
        entries in prop::collection::vec(entry(), 0..40),
        others in prop::collection::vec(address(), 64),
    ) {
        let all: Vec<Entry> = hosts.iter().step_by(97).chain(&entries).copied().collect();
        let entries: Vec<Entry> = hosts.into_iter().chain(entries).collect();
        same_answers(&entries, &all, &others)?;
    }

    #[test]
    fn many_ipv6_prefixes(
        entries in prop::collection::vec(v6().prop_map(|at| (Prefix::containing(at, 100), 1)), 2000),
        others in prop::collection::vec(v6(), 32),
    ) {
        same_answers(&entries, &entries[..32], &others)?;
    }
}

proptest! {
    #![proptest_config(config(6))]

    /// Enough for a table whose slots are cache lines.
    #[test]
    fn very_many_prefixes(
        hosts in hosts(1 << 18),
        entries in prop::collection::vec(entry(), 0..40),
        others in prop::collection::vec(address(), 64),
    ) {
        let all: Vec<Entry> = hosts.iter().step_by(8111).chain(&entries).copied().collect();
        let entries: Vec<Entry> = hosts.into_iter().chain(entries).collect();
        same_answers(&entries, &all, &others)?;
    }
}

#[test]
fn tables_of_the_same_entries_are_equal() {
    let entry = |text: &str| (text.parse::<Prefix>().unwrap(), 1u16);
    let table = PrefixTable::new([entry("10.0.0.0/8"), entry("2001:db8::/32")]);
    assert_eq!(table, PrefixTable::new([entry("10.0.0.0/8"), entry("2001:db8::/32")]));
    assert_ne!(table, PrefixTable::new([entry("10.0.0.0/9"), entry("2001:db8::/32")]));
    assert_eq!(table, table.clone());
}
