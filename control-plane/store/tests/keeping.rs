//! Who may have the store, and what it keeps beside sources: everything comes back, limits hold.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::time::{Duration, SystemTime};

use common::{at, explained, open, record, source, sources, write_round};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use repute_model::{Address, Listing, Prefix};
use repute_store::{
    FEED_NAMES_MAX, FEEDS_MAX, FeedEntries, FeedEntry, FeedHead, FeedName, FeedState, HONEYPOTS_MAX,
    KeptHoneypot, Limits, MARK_BYTES_MAX, MARKS_MAX, NUDGES_MAX, Nudge, POLICIES_MAX, POLICY_TEXTS_MAX,
    PolicyState, PolicyVersion, ServiceWeek, Store, StoreError, UNFINISHED_MAX, WEEKS_MAX, WeekHour,
};

#[test]
fn one_store_has_one_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    let error = Store::open(folder.path(), Limits::default(), at(0)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Locked { holder: Some(pid), .. } if *pid == std::process::id()),
        "{error}"
    );
    assert!(error.to_string().contains(&format!("process {}", std::process::id())));
    drop(store);
    open(folder.path(), Limits::default());
}

#[test]
fn honeypots_come_back_and_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    assert_eq!(store.honeypots().unwrap(), []);
    let one = |n: usize| KeptHoneypot {
        name: format!("n{n:05}.example"),
        until: at(n as u64),
        note: format!("note {n}"),
    };
    store.put_honeypots(&[one(1), one(2), one(3)]).unwrap();
    store.put_honeypots(&[one(2), one(4)]).unwrap();
    assert_eq!(store.honeypots().unwrap(), [one(2), one(4)], "the last ones, and no others");
    let many: Vec<_> = (0..=HONEYPOTS_MAX).map(one).collect();
    let error = store.put_honeypots(&many).unwrap_err();
    assert!(matches!(error, StoreError::TooMany { .. }), "{error}");
    drop(store);
    assert_eq!(open(folder.path(), Limits::default()).honeypots().unwrap(), [one(2), one(4)]);
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(&file.path().join("store"), Limits::default(), at(0)).unwrap_err();
    assert!(
        matches!(error, StoreError::Folder { .. }) && error.to_string().contains("StateDirectory="),
        "{error}"
    );
}

#[test]
fn ages_are_of_the_wall_clock() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    write_round(&store, 0..10, 1000);
    let ages = |now| store.restore_sources(now).unwrap().map(|restored| restored.unwrap().age).max().unwrap();
    assert_eq!(ages(at(61_000)), Duration::from_secs(60));
    assert_eq!(ages(at(0)), Duration::ZERO, "a clock that was set back ages nobody");
    assert_eq!(store.last_round().unwrap(), Some((at(1000), 10)));
}

#[test]
fn unfinished_rounds_are_folded_and_keep_their_age() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    write_round(&store, 0..100, 1);
    for round in 2..40u32 {
        let mut left = store.begin_round(at(u64::from(round))).unwrap();
        let records: Vec<_> = (round..round + 10).map(|number| record(number, round)).collect();
        left.add(&records, at(u64::from(round))).unwrap();
    }
    let found: Vec<_> = store.restore_sources(at(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(found.len(), 100);
    for restored in &found {
        let round = restored.record.packets_mean as u64;
        assert_eq!(restored.written, at(round), "every record keeps its time");
        let number = (0..100).find(|&number| source(number) == restored.record.source).unwrap();
        assert_eq!(round, if (2..40 + 9).contains(&number) { u64::from(number.min(39)) } else { 1 });
    }
    const { assert!(UNFINISHED_MAX < 38) };
}

#[test]
fn a_round_that_was_overtaken_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    let mut old = store.begin_round(at(0)).unwrap();
    write_round(&store, 0..10, 1);
    assert!(matches!(old.add(&[record(1, 1)], at(0)), Err(StoreError::RoundOver(1))));
    assert!(matches!(old.finish(), Err(StoreError::RoundOver(1))));
    let mut new = store.begin_round(at(0)).unwrap();
    new.finish().unwrap();
    assert!(new.add(&[record(1, 1)], at(0)).is_err() && new.finish().is_err());
    assert_eq!(sources(&store).len(), 0, "who was not in the last round is gone");
}

#[test]
fn readers_and_writers_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    write_round(&store, 0..3000, 1);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (2..12).for_each(|round| write_round(&store, 0..3000, round)));
        let explains =
            scope.spawn(|| (0..20).for_each(|ms| store.add_explanations(&[explained(1, ms)]).unwrap()));
        while !(writer.is_finished() && explains.is_finished()) {
            assert_eq!(sources(&store).len(), 3000);
        }
    });
    assert!(sources(&store).values().all(|record| record.packets_mean == 11.0));
    assert_eq!(store.explanations_len().unwrap(), 20);
}

#[test]
fn explanations_answer_for_a_moment_and_expire() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits { retention: Duration::from_secs(10), ..Limits::default() });
    let batch: Vec<_> = (0..100).map(|i| explained(i % 4, u64::from(i) * 1000)).collect();
    store.add_explanations(&batch).unwrap();
    assert_eq!(store.explanation_at(source(1), at(7_000)).unwrap().unwrap().at, at(5_000));
    assert_eq!(store.explanation_at(source(1), at(999)).unwrap(), None);
    let between = store.explanations(source(2), at(6_000), at(14_000), 10).unwrap();
    assert_eq!(between.iter().map(|e| e.at).collect::<Vec<_>>(), [at(14_000), at(10_000), at(6_000)]);
    assert_eq!(store.explanations(source(2), at(2), at(1), 10).unwrap(), []);
    assert_eq!(store.expire_explanations(at(60_000)).unwrap(), 50);
    assert_eq!(store.expire_explanations(at(60_000)).unwrap(), 0);
    assert_eq!(store.explanation_at(source(1), at(49_999)).unwrap(), None);
    let mut long = explained(1, 1);
    long.treatment = "x".repeat(1000).into();
    assert!(matches!(store.add_explanations(&[long]), Err(StoreError::TooMany { .. })));
}

#[test]
fn nudges_come_back_from_a_time_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    let nudge = |ms, delta| Nudge {
        at: at(ms),
        source: source(3),
        delta,
        forgive: delta > 0,
        who: "operator".to_owned(),
        why: "ü".repeat(1000),
    };
    for (ms, delta) in [(5, 1), (5, 2), (7, -3)] {
        store.add_nudge(&nudge(ms, delta)).unwrap();
    }
    let deltas = |from| store.nudges(at(from), 10).unwrap().iter().map(|n| n.delta).collect::<Vec<_>>();
    assert_eq!((deltas(0), deltas(6), deltas(8)), (vec![1, 2, -3], vec![-3], vec![]));
    assert_eq!(store.nudges(at(0), 1).unwrap()[0].why.len(), 1024);
    const { assert!(NUDGES_MAX < u32::MAX as u64) };
}

fn policy(version: u64, bytes: usize) -> PolicyVersion {
    PolicyVersion {
        version,
        name: "ingress.toml".to_owned(),
        digest: [version as u8; 32],
        applied: at(version),
        who: "start".to_owned(),
        state: PolicyState::InForce,
        restores: (version > 1).then_some(1),
        text: "#".repeat(bytes),
    }
}

#[test]
fn policies_are_kept_within_limits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    (1..=POLICIES_MAX + 5).for_each(|version| store.put_policy(&policy(version, 100)).unwrap());
    let kept = store.policies(1000).unwrap();
    assert_eq!((kept.len() as u64, kept[0].version), (POLICIES_MAX, POLICIES_MAX + 5));
    let replaced = PolicyVersion { state: PolicyState::Replaced, ..policy(50, 100) };
    store.put_policy(&replaced).unwrap();
    assert_eq!(store.policy(50).unwrap(), Some(replaced));
    assert_eq!(store.policy(5).unwrap(), None);
    store.put_policy(&policy(200, POLICY_TEXTS_MAX as usize)).unwrap();
    assert_eq!(store.policies(1000).unwrap().len(), 2, "the two latest stay whatever their size");
}

#[test]
fn marks_and_the_id_of_the_box_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    assert_eq!(store.box_id([7; 16]).unwrap(), [7; 16]);
    store.set_mark("audit", &[1, 2, 3]).unwrap();
    assert!(store.set_mark("audit", &[0; MARK_BYTES_MAX + 1]).is_err());
    (2..MARKS_MAX).for_each(|number| store.set_mark(&number.to_string(), &[]).unwrap());
    assert!(matches!(store.set_mark("one more", &[]), Err(StoreError::TooMany { .. })));
    assert_eq!(store.mark("one more").unwrap(), None, "what is refused changes nothing");
    drop(store);
    let store = open(folder.path(), Limits::default());
    assert_eq!(store.box_id([8; 16]).unwrap(), [7; 16]);
    assert_eq!(store.mark("audit").unwrap(), Some(vec![1, 2, 3]));
}

fn feed(name: &str, entries: Vec<FeedEntry>) -> FeedState {
    let labels = vec!["botnet".to_owned()];
    let head = FeedHead {
        name: name.to_owned(),
        identity: [7; 32],
        imported: at(5),
        entries: entries.len() as u64,
        labels,
    };
    FeedState { head, entries: FeedEntries::Prefixes(entries) }
}

#[test]
fn feeds_come_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    let until =
        prop::option::of((0..1u64 << 40).prop_map(|s| SystemTime::UNIX_EPOCH + Duration::from_secs(s)));
    let entry = (any::<u128>(), 0..=128u8, 0..=100u8, until, any::<u32>()).prop_map(
        |(first, len, says, until, note)| {
            let says = if says == 0 { Listing::Allow } else { Listing::Deny(says) };
            FeedEntry { prefix: Prefix::containing(Address(first), len), says, until, note }
        },
    );
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[43; 32]);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, rng)
        .run(&prop::collection::vec(entry, 0..200), |entries| {
            store.put_feed(feed("drop", entries.clone())).unwrap();
            let mut sorted = entries;
            sorted.sort_by_key(|entry| (entry.prefix, entry.note));
            assert_eq!(store.feed("drop").unwrap().unwrap(), feed("drop", sorted));
            Ok(())
        })
        .unwrap();
}

#[test]
fn feeds_are_bounded_and_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    let entries = |count: u32| {
        let of = |i: u32| Prefix::containing(Address::v4(0x0100_0000 + i * 3001), 128);
        let entry = |i| FeedEntry { prefix: of(i), says: Listing::Deny(90), until: None, note: 0 };
        (0..count).map(entry).collect::<Vec<_>>()
    };
    store.put_feed(feed("big", entries(100_000))).unwrap();
    assert_eq!(store.feed("big").unwrap().unwrap(), feed("big", entries(100_000)));
    store.put_feed(feed("big", entries(3))).unwrap();
    assert_eq!(store.feed("big").unwrap().unwrap(), feed("big", entries(3)));
    assert_eq!(store.feeds().unwrap().len(), 1);
    assert!(store.remove_feed("big").unwrap() && !store.remove_feed("big").unwrap());
    assert_eq!(store.feed("big").unwrap(), None);
    (0..FEEDS_MAX).for_each(|i| store.put_feed(feed(&i.to_string(), vec![])).unwrap());
    assert!(matches!(store.put_feed(feed("more", vec![])), Err(StoreError::TooMany { .. })));
    assert!(store.put_feed(feed(&"n".repeat(2000), vec![])).is_err());
}

#[test]
fn feeds_of_names_come_back_and_go_with_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    let name = |n: u32| FeedName {
        name: format!("*.n{n}.example").parse().unwrap(),
        until: n.is_multiple_of(2).then(|| at(1000 * u64::from(n))),
        note: n % 3,
    };
    let names = |count: u32| FeedState {
        entries: FeedEntries::Names((0..count).map(name).collect()),
        head: FeedHead { entries: count.into(), ..feed("traps", Vec::new()).head },
    };
    store.put_feed(names(20_000)).unwrap();
    drop(store);
    let store = open(folder.path(), Limits::default());
    assert!(store.feed("traps").unwrap() == Some(names(20_000)));
    store.put_feed(names(3)).unwrap();
    assert_eq!(store.feed("traps").unwrap().unwrap(), names(3));
    // Another kind under the same name takes the place of all of it.
    store.put_feed(feed("traps", Vec::new())).unwrap();
    assert_eq!(store.feed("traps").unwrap().unwrap(), feed("traps", Vec::new()));
    store.put_feed(names(1)).unwrap();
    assert!(store.remove_feed("traps").unwrap() && store.feed("traps").unwrap().is_none());
    let error = store.put_feed(names(FEED_NAMES_MAX as u32 + 1)).unwrap_err();
    assert!(matches!(error, StoreError::TooMany { max: 1_048_576, .. }), "{error}");
}

/// A service whose rates at each hour are told by a number.
fn week(service: &str, number: u16) -> ServiceWeek {
    let hour = |hour: u16| WeekHour {
        packets_per_s: f32::from(hour),
        bytes_per_s: f32::from(hour * number),
        weeks: number as u8,
    };
    ServiceWeek { service: service.to_owned(), hours: (0..168).map(hour).collect() }
}

#[test]
fn weeks_of_services_come_back_and_replace_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    assert_eq!(store.weeks().unwrap(), []);
    store.put_weeks(&[week("shop", 3), week("archive", 9)]).unwrap();
    drop(store);
    let store = open(folder.path(), Limits::default());
    assert_eq!(store.weeks().unwrap(), [week("archive", 9), week("shop", 3)]);
    store.put_weeks(&[week("shop", 4), week("web", 1)]).unwrap();
    assert_eq!(store.weeks().unwrap(), [week("shop", 4), week("web", 1)]);
}

#[test]
fn more_weeks_than_a_policy_has_services_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    let weeks: Vec<_> = (0..=WEEKS_MAX).map(|number| week(&format!("service {number}"), 1)).collect();
    let error = store.put_weeks(&weeks).unwrap_err();
    assert!(matches!(error, StoreError::TooMany { found: 257, max: 256, .. }), "{error}");
    let mut long = week("shop", 1);
    long.hours.push(long.hours[0]);
    assert!(store.put_weeks(&[long]).is_err());
    store.put_weeks(&weeks[1..]).unwrap();
    assert_eq!(store.weeks().unwrap().len(), WEEKS_MAX);
}
