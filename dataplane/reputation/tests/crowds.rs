//! A worker's part of the crowds against a plain map: exact while there are rows, conserved beyond.

mod common;

use std::collections::BTreeMap;

use common::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use repute_model::{Address, Tick};
use repute_reputation::{Counts, CrowdRow, Crowds, Fact, Happening, Place, Secret, Sums};

const FACTS: [Happening; 7] = [
    Happening::NOTHING,
    Happening::when(Fact::Syn, true),
    Happening::when(Fact::Shaken, true),
    Happening::when(Fact::Stranger, true),
    Happening::when(Fact::Unasked, true),
    Happening::when(Fact::Fragment, true),
    Happening::ALL,
];

/// A sink that takes whatever it is given.
const ALL_ROWS: usize = 1 << 20;

type Plain = BTreeMap<Address, Sums>;

/// An address of either family, `::` among them.
fn address(i: u32) -> Address {
    if i.is_multiple_of(3) { Address(u128::from(i) << 64) } else { Address::v4(i) }
}

/// What can be done to crowds.
#[derive(Clone, Debug)]
enum Step {
    Note {
        to: u32,
        fact: usize,
        bytes: u32,
    },
    /// Ends a tick; the sink takes so many rows.
    Publish {
        room: usize,
        ms: u64,
    },
}

fn step(destinations: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => (0..destinations, 0..FACTS.len(), 40..9000u32)
            .prop_map(|(to, fact, bytes)| Step::Note { to, fact, bytes }),
        1 => (0..400usize, 0..100u64).prop_map(|(room, ms)| Step::Publish { room, ms }),
    ]
}

/// Crowds, and what has come out of them.
struct Rig {
    crowds: Crowds,
    secret: Secret,
    now: u64,
    published: Vec<CrowdRow>,
}

impl Rig {
    fn new(rows: u32, seed: u64) -> Self {
        Self { crowds: Crowds::new(rows), secret: Secret::from_seed(seed), now: 0, published: Vec::new() }
    }

    fn note(&mut self, to: u32, what: Happening, bytes: u32) {
        let address = address(to);
        self.crowds.note(self.secret.address(address), address, what, bytes);
    }

    fn publish(&mut self, room: usize) -> usize {
        let Self { crowds, now, published, .. } = self;
        let before = published.len();
        crowds.publish(Tick(*now), |row| {
            let fits = published.len() < before + room;
            if fits {
                published.push(row);
            }
            fits
        });
        published.len() - before
    }

    /// Publishes until nothing is left.
    fn drain(&mut self) {
        while self.publish(ALL_ROWS) > 0 {
            self.now += 1;
        }
        assert_eq!(self.crowds.waiting(), 0);
    }

    /// Does all of it; what was noted.
    fn walk(&mut self, steps: &[Step]) -> Plain {
        let mut plain = Plain::new();
        for step in steps {
            match *step {
                Step::Note { to, fact, bytes } => {
                    self.note(to, FACTS[fact], bytes);
                    let here = plain.entry(address(to)).or_default();
                    *here = here.plus(Counts::of(FACTS[fact], bytes));
                }
                Step::Publish { room, ms } => {
                    self.now += ms;
                    assert!(self.publish(room) <= room.min(Crowds::ROWS_PER_TICK + 1));
                }
            }
        }
        plain
    }

    /// What was published, by address.
    fn sums(&self) -> Plain {
        let mut sums = Plain::new();
        for row in &self.published {
            let here = sums.entry(row.address).or_default();
            *here = here.plus(row.counts);
        }
        sums
    }
}

fn all(plain: &Plain) -> Sums {
    plain.values().fold(Sums::default(), |sum, &counts| sum.with(counts, u64::saturating_add))
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn every_destination_is_exact_while_there_are_rows(
        seed in any::<u64>(),
        steps in vec(step(128), 1..2_000),
    ) {
        let mut rig = Rig::new(128, seed);
        let plain = rig.walk(&steps);
        rig.drain();
        prop_assert_eq!(rig.crowds.tracked() as usize, plain.len());
        prop_assert_eq!((rig.crowds.beyond(), rig.crowds.displaced()), (0, 0));
        prop_assert_eq!(rig.sums(), plain);
    }

    /// Beyond the rows the sum is exact, each destination's rows never say more than the truth, and what they do not
    /// say is with the rest.
    #[test]
    fn nothing_is_lost_or_made_up_beyond_the_rows(
        seed in any::<u64>(),
        steps in vec(step(1_000), 1..3_000),
    ) {
        let mut rig = Rig::new(32, seed);
        let plain = rig.walk(&steps);
        rig.drain();
        let sums = rig.sums();
        prop_assert_eq!(all(&sums), all(&plain));
        for (address, said) in sums.iter().filter(|(address, _)| **address != CrowdRow::REST) {
            prop_assert!(said.packets <= plain[address].packets && said.bytes <= plain[address].bytes);
        }
    }

    #[test]
    fn the_same_calls_give_the_same_rows(seed in any::<u64>(), steps in vec(step(500), 1..2_000)) {
        let mut rigs = [Rig::new(32, seed), Rig::new(32, seed)];
        rigs.iter_mut().for_each(|rig| { rig.walk(&steps); });
        prop_assert_eq!(&rigs[0].published, &rigs[1].published);
        prop_assert_eq!(rigs[0].crowds.displaced(), rigs[1].crowds.displaced());
    }

    /// What the sketch says of a destination without a row is never less than what it did in the window.
    #[test]
    fn estimates_are_no_less_than_the_truth(to in vec(0..3_000u32, 1..3_000)) {
        let mut rig = Rig::new(16, 7);
        (0..16).for_each(|i| rig.note(10_000 + i, Happening::NOTHING, 60));
        let mut exact = BTreeMap::<u32, u32>::new();
        for to in to {
            rig.note(to, Fact::Syn.into(), 60);
            *exact.entry(to).or_default() += 1;
        }
        for (to, packets) in exact {
            let estimate = rig.crowds.estimate(rig.secret.address(address(to)));
            prop_assert!(estimate.packets >= packets && u32::from(estimate.get(Fact::Syn)) >= packets);
        }
    }
}

/// Room for exactly as many destinations as rows, at the size that a worker has.
#[test]
fn all_rows_can_be_used() {
    let mut rig = Rig::new(4096, 3);
    for round in 0..3 {
        (0..4096).for_each(|i| rig.note(i, Happening::NOTHING, 60 + round));
    }
    assert_eq!((rig.crowds.tracked(), rig.crowds.beyond(), rig.crowds.waiting()), (4096, 0, 4096));
    rig.drain();
    assert!(rig.sums().values().all(|counts| (counts.packets, counts.bytes) == (3, 183)));
    assert_eq!(rig.published.len(), 4096);
}

/// A sink that takes little gets everybody in turn, longest waiting first, however busy the others are.
#[test]
fn nobody_waits_for_ever() {
    let mut rig = Rig::new(64, 3);
    for round in 0..8 {
        (0..64).for_each(|i| rig.note(i, Happening::NOTHING, 60));
        assert_eq!(rig.publish(8), 8);
        let rows: Vec<_> = rig.published.iter().map(|row| (row.address, row.counts.packets)).collect();
        let expected: Vec<_> = (8 * round..8 * round + 8).map(|i| (address(i), round + 1)).collect();
        assert_eq!(rows[8 * round as usize..], expected);
    }
}

/// A flood on one destination among a hundred thousand that nobody has a row for: it gets one at the end of the
/// tick, and is exact from then on.
#[test]
fn the_heaviest_take_over() {
    let mut rig = Rig::new(64, 3);
    (0..64).for_each(|i| rig.note(1 + i, Happening::NOTHING, 60));
    rig.drain();
    for i in 0..20_000 {
        rig.note(1_000 + i, Fact::Stranger.into(), 60);
        if i % 10 == 0 {
            rig.note(500, Fact::Syn.into(), 60);
        }
    }
    rig.now += 1;
    rig.publish(ALL_ROWS);
    assert!(rig.crowds.displaced() > 0);
    let before = rig.published.len();
    (0..700).for_each(|_| rig.note(500, Fact::Syn.into(), 60));
    rig.publish(ALL_ROWS);
    let row = rig.published[before..].iter().find(|row| row.address == address(500)).unwrap();
    assert_eq!((row.counts.packets, row.counts.get(Fact::Syn), row.counts.bytes), (700, 700, 42_000));
}

/// Destinations in use keep their rows against a scan of everything.
#[test]
fn the_busy_stay() {
    let mut rig = Rig::new(256, 9);
    let mut next = 10_000;
    for _ in 0..500 {
        for i in 1..=200 {
            (0..20).for_each(|_| rig.note(i, Happening::NOTHING, 60));
        }
        for _ in 0..1_000 {
            next += 1;
            rig.note(next, Fact::Stranger.into(), 60);
        }
        rig.now += 1;
        rig.publish(ALL_ROWS);
    }
    rig.drain();
    let sums = rig.sums();
    let exact = (1..=200).filter(|&i| sums[&address(i)].packets == 500 * 20).count();
    assert_eq!(exact, 200);
}

/// A batch is counted where its packets would be one by one, also where there are more destinations than rows.
#[test]
fn a_batch_counts_as_its_packets_do() {
    let (mut whole, mut single) = (Rig::new(16, 3), Rig::new(16, 3));
    for _ in 0..3 {
        let packets = (0..60).map(|i| (i as usize, address(i * 7 % 40), 60 + i));
        let mut places = [Place::NONE; 60];
        whole.crowds.note_all(&whole.secret, packets.clone(), &mut places);
        for (i, to, bytes) in packets {
            let place = single.crowds.note(single.secret.address(to), to, Happening::NOTHING, bytes);
            assert_eq!(places[i], place, "{to}");
        }
        for rig in [&mut whole, &mut single] {
            rig.now += 1;
            rig.publish(ALL_ROWS);
        }
    }
    whole.drain();
    single.drain();
    assert_eq!(whole.sums(), single.sums());
}

/// Rows are exact even where two hashes are the same.
#[test]
fn destinations_are_told_apart_by_address() {
    let mut crowds = Crowds::new(16);
    for i in [1, 2, 2] {
        crowds.note(7, Address::v4(i), Happening::NOTHING, 60);
    }
    let mut rows = Vec::new();
    crowds.publish(Tick(1), |row| {
        rows.push((row.address, row.counts.packets));
        true
    });
    assert_eq!(rows, [(Address::v4(1), 1), (Address::v4(2), 2)]);
}

#[test]
#[should_panic(expected = "powers of two")]
fn odd_sizes_are_refused() {
    Crowds::new(1000);
}
