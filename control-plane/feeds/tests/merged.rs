//! Many feeds as one table, against a plain model.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_feeds::{Action, Format, Import, Merged, Shape, Terms, import};
use repute_model::{Address, Listing, Prefix};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn feed(name: &str, action: Action, confidence: u8, lines: &[String]) -> (Arc<str>, Arc<Import>) {
    let terms = Terms { action, confidence, ..Terms::new(name, now()) };
    (name.into(), Arc::new(import(Format::List, lines.join("\n").as_bytes(), &terms).unwrap()))
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

fn at(text: &str) -> Address {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

#[test]
fn the_entry_that_counts_is_named_first() {
    let feeds = [
        feed("wide", Action::Deny, 60, &lines(&["198.51.100.0/24", "192.0.2.0/24"])),
        feed("narrow", Action::Deny, 30, &lines(&["198.51.100.7"])),
        feed("sure", Action::Deny, 90, &lines(&["198.51.100.0/24"])),
        feed("friends", Action::Allow, 100, &lines(&["192.0.2.0/28"])),
    ];
    let merged = Merged::new(&feeds, &Shape::default(), now());
    let who = |address| merged.who(at(address)).iter().map(|found| found.feed).collect::<Vec<_>>();
    assert_eq!(who("198.51.100.7"), ["narrow", "sure", "wide"]);
    assert_eq!(merged.table().get(at("198.51.100.7")), Some(Listing::Deny(30)));
    assert_eq!(merged.table().get(at("198.51.100.8")), Some(Listing::Deny(90)));
    assert_eq!(who("192.0.2.1"), ["friends", "wide"]);
    assert_eq!(merged.table().get(at("192.0.2.1")), Some(Listing::Allow));
    assert_eq!(who("203.0.113.1"), [""; 0]);
}

#[test]
fn private_space_is_cut_and_reported() {
    let level1 =
        lines(&["0.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "198.18.0.0/15", "1.10.16.0/20", "160.0.0.0/8"]);
    let feeds = [feed("firehol", Action::Deny, 100, &level1)];
    let shape = Shape { inside: vec!["160.1.0.0/16".parse().unwrap()], reserved: true };
    let merged = Merged::new(&feeds, &shape, now());
    let (_, cuts) = merged.cuts().next().unwrap();
    assert_eq!((cuts.whole, cuts.partly, cuts.first.unwrap().to_string()), (4, 1, "0.0.0.0/8".to_owned()));
    for (address, listed) in
        [("10.1.2.3", false), ("160.1.2.3", false), ("160.2.0.0", true), ("1.10.16.9", true)]
    {
        assert_eq!(merged.table().get(at(address)).is_some(), listed, "{address}");
    }
    let found = merged.who(at("10.1.2.3"));
    assert!(found[0].cut && found[0].feed == "firehol");
    assert!(!merged.who(at("160.2.0.0"))[0].cut);
}

#[test]
fn what_the_box_says_itself_is_not_cut() {
    let says = [
        ("10.0.0.0/12".parse().unwrap(), Listing::Deny(100), now() + Duration::from_secs(60), "rule a"),
        ("192.0.2.7/32".parse().unwrap(), Listing::Deny(100), now() + Duration::from_secs(60), "rule b"),
    ];
    let feeds = [
        feed("firehol", Action::Deny, 40, &lines(&["10.0.0.0/8"])),
        feed("friends", Action::Allow, 100, &lines(&["192.0.2.0/28"])),
        ("alerts".into(), Arc::new(Import::own(says))),
    ];
    let shape = Shape { inside: vec!["10.1.0.0/16".parse().unwrap()], reserved: false };
    let merged = Merged::new(&feeds, &shape, now());
    for (address, expected) in [
        ("10.1.2.3", Some(Listing::Deny(100))),
        ("10.2.2.3", Some(Listing::Deny(100))),
        ("10.16.0.1", Some(Listing::Deny(40))),
        ("192.0.2.7", Some(Listing::Allow)),
    ] {
        assert_eq!(merged.table().get(at(address)), expected, "{address}");
    }
    let found = merged.who(at("10.1.2.3"));
    assert_eq!((found[0].feed, found[0].note, found[0].cut), ("alerts", "rule a", false));
    assert!(found[1].feed == "firehol" && found[1].cut);
    assert_eq!(merged.next_end().unwrap().time(), now() + Duration::from_secs(60));
}

#[test]
fn entries_end() {
    let hour = Duration::from_secs(3600);
    let terms = Terms { expiry: Some(hour), ..Terms::new("f", now()) };
    let import = Arc::new(import(Format::List, b"192.0.2.1\n".as_slice(), &terms).unwrap());
    let feeds = [("f".into(), import)];
    let merged = Merged::new(&feeds, &Shape::default(), now());
    assert_eq!(merged.next_end().unwrap().time(), now() + hour);
    let later = Merged::new(&feeds, &Shape::default(), now() + hour);
    assert!(later.is_empty() && later.table().is_empty() && later.next_end().is_none());
}

/// A prefix in a /20, so that many overlap.
fn small_prefix() -> impl Strategy<Value = Prefix> {
    (0u32..4096, 116u8..=128).prop_map(|(low, len)| Prefix::containing(Address::v4(0xc633_6000 | low), len))
}

fn small_feed() -> impl Strategy<Value = (bool, u8, Vec<Prefix>)> {
    (any::<bool>(), 1u8..=100, prop::collection::vec(small_prefix(), 1..12))
}

/// What the rules say, read off one by one.
fn model(feeds: &[(bool, u8, Vec<Prefix>)], inside: &[Prefix], address: Address) -> Option<Listing> {
    let around = |allow: bool| {
        let feeds = feeds.iter().filter(move |feed| feed.0 == allow);
        let all = feeds.flat_map(|(_, confidence, prefixes)| {
            prefixes.iter().map(move |p| (p.len128(), *confidence, *p))
        });
        all.filter(|(_, _, prefix)| prefix.contains(address)).map(|(len, confidence, _)| (len, confidence))
    };
    if around(true).next().is_some() {
        return Some(Listing::Allow);
    }
    if inside.iter().any(|prefix| prefix.contains(address)) {
        return None;
    }
    around(false).max().map(|(_, confidence)| Listing::Deny(confidence))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// The table says what the rules say, for every address, and `who` names exactly the entries around it.
    #[test]
    fn table_and_index_say_what_the_rules_say(
        feeds in prop::collection::vec(small_feed(), 1..6),
        inside in prop::collection::vec(small_prefix(), 0..4),
    ) {
        let imports: Vec<_> = feeds.iter().enumerate().map(|(n, (allow, confidence, prefixes))| {
            let action = if *allow { Action::Allow } else { Action::Deny };
            let text: Vec<String> = prefixes.iter().map(Prefix::to_string).collect();
            feed(&n.to_string(), action, *confidence, &text)
        }).collect();
        let shape = Shape { inside: inside.clone(), reserved: false };
        let merged = Merged::new(&imports, &shape, now());
        for low in (0..4096).step_by(7).chain([4095]) {
            let address = Address::v4(0xc633_6000 | low);
            prop_assert_eq!(merged.table().get(address), model(&feeds, &inside, address), "{}", address);
            let mut expected: Vec<(String, Prefix)> = Vec::new();
            for (n, (_, _, prefixes)) in feeds.iter().enumerate() {
                let mut around: Vec<_> = prefixes.iter().copied().filter(|p| p.contains(address)).collect();
                around.sort();
                around.dedup();
                expected.extend(around.into_iter().map(|prefix| (n.to_string(), prefix)));
            }
            let mut found: Vec<_> = merged.who(address).iter().map(|f| (f.feed.to_owned(), f.prefix)).collect();
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
