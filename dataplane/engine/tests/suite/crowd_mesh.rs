//! From notes to sums: whatever workers see, in whatever order they tick, nothing is lost.

use std::collections::BTreeMap;

use proptest::prelude::*;
use repute_engine::{CROWD_SLOTS, CrowdMesh, crowd_mesh};
use repute_model::{Address, Tick};
use repute_reputation::{Counts, CrowdRow, Crowds, Fact, Happening, Secret, Sums, Totals};

use crate::common::cases;

const ROWS: u32 = 64;

/// One worker: its part of the crowds, under its own key.
struct Part {
    mesh: CrowdMesh,
    crowds: Crowds,
    secret: Secret,
}

fn parts(workers: u16, rows: u32, total_rows: u32) -> Vec<Part> {
    let part = |(seed, mesh)| Part { mesh, crowds: Crowds::new(rows), secret: Secret::from_seed(seed) };
    (10..).zip(crowd_mesh(workers, total_rows, 3)).map(part).collect()
}

impl Part {
    fn note(&mut self, to: u32, what: Happening, bytes: u32) {
        let address = Address::v4(to);
        self.crowds.note(self.secret.address(address), address, what, bytes);
    }

    fn tick(&mut self, now: u64) {
        self.mesh.tick(&mut self.crowds, Tick(now), |_| {});
    }
}

/// Ticks until nobody has anything to publish and the leader has taken what was on the rings.
fn settle(parts: &mut [Part], now: u64) {
    for now in now..now + 3 * CROWD_SLOTS as u64 {
        parts.iter_mut().rev().for_each(|part| part.tick(now));
    }
    assert!(parts.iter().all(|part| part.crowds.waiting() == 0));
}

fn totals(parts: &[Part]) -> &Totals {
    parts[0].mesh.totals().unwrap()
}

/// Everything the leader knows.
fn sum(totals: &Totals, now: Tick) -> Sums {
    let all = totals.iter(now).map(|(_, seen)| seen.total);
    all.fold(totals.rest(now).total, |a: Sums, b: Sums| a.with(b, u64::saturating_add))
}

#[derive(Clone, Debug)]
enum Step {
    Note { worker: u16, to: u32, what: u8, bytes: u32 },
    Tick { worker: u16 },
}

fn step(destinations: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..3u16, 0..destinations, 0..6u8, 40..1500u32)
            .prop_map(|(worker, to, what, bytes)| Step::Note { worker, to, what, bytes }),
        1 => (0..3u16).prop_map(|worker| Step::Tick { worker }),
    ]
}

const FACTS: [Happening; 6] = [
    Happening::NOTHING,
    Happening::when(Fact::Syn, true),
    Happening::when(Fact::Shaken, true),
    Happening::when(Fact::Stranger, true),
    Happening::when(Fact::Unasked, true),
    Happening::when(Fact::Fragment, true),
];

/// What was noted, in all and by destination.
#[derive(Default)]
struct Plain {
    all: Sums,
    each: BTreeMap<u32, Sums>,
}

impl Plain {
    fn note(&mut self, to: u32, what: Happening, bytes: u32) {
        let counts = Counts::of(what, bytes);
        let here = self.each.entry(to).or_default();
        (*here, self.all) = (here.plus(counts), self.all.plus(counts));
    }
}

fn walk(parts: &mut [Part], steps: Vec<Step>) -> (Plain, u64) {
    let (mut plain, mut now) = (Plain::default(), 0);
    for step in steps {
        match step {
            Step::Note { worker, to, what, bytes } => {
                let what = FACTS[usize::from(what)];
                parts[usize::from(worker)].note(to, what, bytes);
                plain.note(to, what, bytes);
            }
            Step::Tick { worker } => {
                now += 1;
                parts[usize::from(worker)].tick(now);
            }
        }
    }
    (plain, now)
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn the_leader_knows_every_destination_exactly_while_there_are_rows(
        steps in prop::collection::vec(step(ROWS), 1..3_000),
    ) {
        let mut parts = parts(3, ROWS, ROWS);
        let (plain, now) = walk(&mut parts, steps);
        settle(&mut parts, now);
        let known = totals(&parts);
        let got: BTreeMap<_, _> =
            known.iter(Tick(now)).map(|(address, seen)| (address, seen.total)).collect();
        let expected = plain.each.into_iter().map(|(to, counts)| (Address::v4(to), counts)).collect();
        prop_assert_eq!(got, expected);
        prop_assert_eq!((known.refused(), known.displaced()), (0, 0));
    }

    #[test]
    fn sums_are_conserved_beyond_all_tables(
        steps in prop::collection::vec(step(40 * ROWS), 1..3_000),
    ) {
        let mut parts = parts(3, ROWS, 2 * ROWS);
        let (plain, now) = walk(&mut parts, steps);
        settle(&mut parts, now);
        prop_assert_eq!(sum(totals(&parts), Tick(now)), plain.all);
    }
}

/// A leader that is late finds everything: rings fill, rows wait with their workers, and nothing is lost.
#[test]
fn full_rings_lose_nothing() {
    let mut parts = parts(2, 4096, 4096);
    let mut plain = Plain::default();
    for now in 0..40 {
        for to in 0..3_000 {
            parts[1].note(to, Fact::Syn.into(), 60);
            plain.note(to, Fact::Syn.into(), 60);
        }
        parts[1].tick(now);
    }
    assert_eq!(parts[1].crowds.waiting(), 3_000);
    assert_eq!(sum(totals(&parts), Tick(40)), Sums::default());
    settle(&mut parts, 40);
    assert_eq!(sum(totals(&parts), Tick(40)), plain.all);
    let seen = totals(&parts).get(Address::v4(7), Tick(40)).unwrap();
    assert_eq!((seen.total.get(Fact::Syn), seen.total.bytes), (40, 40 * 60));
}

/// Workers on threads of their own: the leader's sums agree once all have ended.
#[test]
fn two_threads_lose_nothing() {
    const NOTES: u32 = 200_000;
    let mut parts = parts(2, ROWS, 4 * ROWS);
    let mut follower = parts.remove(1);
    let thread = std::thread::spawn(move || {
        for i in 0..NOTES {
            follower.note(i % 500, Fact::Stranger.into(), 100);
            if i % 100 == 0 {
                follower.tick(u64::from(i / 100));
            }
        }
        follower
    });
    for now in 0..2_000 {
        parts[0].note(9, Fact::Fragment.into(), 50);
        parts[0].tick(now);
    }
    parts.push(thread.join().unwrap());
    settle(&mut parts, 2_000);
    let sum = sum(totals(&parts), Tick(2_000));
    let mut expected = sum;
    (expected.bytes, expected.packets) = (u64::from(NOTES) * 100 + 2_000 * 50, 202_000);
    assert_eq!(sum, expected);
    assert_eq!((sum.get(Fact::Stranger), sum.get(Fact::Fragment)), (u64::from(NOTES), 2_000));
}

/// Reaction within two ticks: the leader knows of a flood on another worker one tick after it published it.
#[test]
fn the_leader_hears_of_a_flood_within_two_ticks() {
    let mut parts = parts(2, ROWS, 4 * ROWS);
    (0..1_000).for_each(|_| parts[1].note(5, Happening::from(Fact::Syn) | Fact::Stranger.into(), 60));
    parts[1].tick(1);
    parts[0].tick(2);
    let seen = totals(&parts).get(Address::v4(5), Tick(2)).unwrap();
    let facts = [Fact::Syn, Fact::Stranger, Fact::Shaken].map(|fact| seen.current.get(fact));
    assert_eq!(facts, [1_000, 1_000, 0]);
    assert!(totals(&parts).get(CrowdRow::REST, Tick(2)).is_none());
}
