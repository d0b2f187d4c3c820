//! The rings between workers against plain queues: nothing lost, nothing overtaken, nobody starved.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use repute_engine::Batch;
use repute_engine::handover::{Handed, Peers, SLOTS_MAX, mesh};
use repute_model::BATCH;

use crate::common::cases;

/// Packets and ports of a batch, in order.
fn contents(batch: &Batch<u32>) -> Vec<(u8, u32)> {
    batch.iter().map(|(port, packet)| (port, *packet)).collect()
}

/// What the rings are: queues by giver and taker, with what is staged for them.
#[derive(Default)]
struct Plain {
    staged: VecDeque<(u8, u32)>,
    ring: VecDeque<(u8, u32)>,
}

#[derive(Clone, Debug)]
enum Step {
    Give { me: u16, to: u16, count: u8 },
    Flush { me: u16 },
    Take { me: u16, already: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4u16, 0..4u16, 1..40u8).prop_map(|(me, to, count)| Step::Give { me, to, count }),
        3 => (0..4u16).prop_map(|me| Step::Flush { me }),
        2 => (0..4u16, prop_oneof![Just(0), 0..=BATCH as u8])
            .prop_map(|(me, already)| Step::Take { me, already }),
    ]
}

/// Mesh and model side by side.
struct Pair {
    mesh: Vec<Peers<u32>>,
    plain: Vec<Vec<Plain>>,
    slots: usize,
    number: u32,
}

impl Pair {
    fn new(workers: u16, slots: usize) -> Self {
        let row = |_| (0..workers).map(|_| Plain::default()).collect();
        Self { mesh: mesh(workers, slots), plain: (0..workers).map(row).collect(), slots, number: 0 }
    }

    fn workers(&self) -> u16 {
        self.mesh.len() as u16
    }

    fn give(&mut self, me: u16, to: u16, count: u8) {
        let staged = &mut self.plain[usize::from(me)][usize::from(to)].staged;
        for _ in 0..usize::from(count).min(BATCH - staged.len()) {
            self.number += 1;
            let port = self.number as u8 % 8;
            staged.push_back((port, self.number));
            self.mesh[usize::from(me)].give(to, self.number, port);
        }
    }

    /// What does not fit comes back: the last ones of each burst, in order.
    fn flush(&mut self, me: u16) {
        let mut refused = Vec::new();
        self.mesh[usize::from(me)].flush(|Handed { packet, port }| refused.push((port, packet)));
        let mut expected = Vec::new();
        for plain in &mut self.plain[usize::from(me)] {
            let fits = plain.staged.len().min(self.slots - plain.ring.len());
            plain.ring.extend(plain.staged.drain(..fits));
            expected.extend(plain.staged.drain(..));
        }
        assert_eq!(refused, expected);
    }

    /// As many as there is room for, each giver's oldest first, and of each its fair part.
    fn take(&mut self, me: u16, already: u8) {
        let room = BATCH - usize::from(already);
        let mut batch: Batch<u32> = (0..already).map(|_| (0, 0)).collect();
        let came = self.mesh[usize::from(me)].take(&mut batch);
        let got = &contents(&batch)[usize::from(already)..];
        assert_eq!(got.len(), came);
        let waiting: Vec<usize> = self.plain.iter().map(|row| row[usize::from(me)].ring.len()).collect();
        assert_eq!(came, room.min(waiting.iter().sum()));
        let others = usize::from(self.workers()) - 1;
        let mut left = got.to_vec();
        for (row, waiting) in self.plain.iter_mut().zip(waiting) {
            let ring = &mut row[usize::from(me)].ring;
            let from: Vec<_> = got.iter().copied().filter(|packet| ring.contains(packet)).collect();
            assert!(from.len() >= waiting.min(room / others), "{} of {waiting}", from.len());
            assert!(from.iter().copied().eq(ring.drain(..from.len())));
            left.retain(|packet| !from.contains(packet));
        }
        assert_eq!(left, []);
    }

    fn depths_agree(&self) {
        for (me, peers) in self.mesh.iter().enumerate() {
            for (giver, depth) in peers.depths() {
                assert_eq!(depth, self.plain[usize::from(giver)][me].ring.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn rings_are_bounded_queues(
        workers in 2..=4u16,
        slots in prop_oneof![1..20usize, Just(SLOTS_MAX)],
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut pair = Pair::new(workers, slots);
        for step in steps {
            match step {
                Step::Give { me, to, count } if me < workers && to < workers && me != to => {
                    pair.give(me, to, count);
                }
                Step::Flush { me } if me < workers => pair.flush(me),
                Step::Take { me, already } if me < workers => pair.take(me, already),
                _ => {}
            }
            pair.depths_agree();
        }
    }
}

#[test]
fn one_worker_has_no_peers() {
    let mut all = mesh::<u32>(1, SLOTS_MAX);
    let mut batch = Batch::new();
    all[0].flush(|_| panic!("nothing was given"));
    assert_eq!((all.len(), all[0].take(&mut batch), all[0].depths().count()), (1, 0, 0));
}

#[test]
fn a_flood_from_one_worker_starves_no_other() {
    let mut all = mesh::<u32>(3, SLOTS_MAX);
    let mut batch = Batch::new();
    for round in 0..100 {
        for packet in 0..BATCH as u32 {
            all[0].give(2, packet, 0);
        }
        all[0].flush(|_| {});
        all[1].give(2, round, 1);
        all[1].flush(|_| panic!("worker 2 keeps up with worker 1"));
        assert_eq!(all[2].take(&mut batch), BATCH);
        let of_one = contents(&batch).into_iter().filter(|(port, _)| *port == 1);
        assert!(of_one.eq([(1, round)]), "round {round}");
        batch = Batch::new();
    }
}

#[test]
fn a_single_place_goes_round() {
    let mut all = mesh::<u32>(4, SLOTS_MAX);
    for giver in 0..3u16 {
        for packet in 0..BATCH as u32 {
            all[usize::from(giver)].give(3, packet, giver as u8);
        }
        all[usize::from(giver)].flush(|_| panic!("the ring is empty"));
    }
    let givers = (0..6).map(|_| {
        let mut batch: Batch<u32> = (1..BATCH).map(|_| (9, 0)).collect();
        assert_eq!(all[3].take(&mut batch), 1);
        contents(&batch)[BATCH - 1].0
    });
    assert_eq!(givers.collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
}

/// Every packet is somewhere until the mesh goes, and then it is freed.
#[test]
fn packets_are_conserved_to_the_end() {
    let token = Arc::new(());
    let mut all = mesh::<Arc<()>>(2, 10);
    for _ in 0..BATCH {
        all[0].give(1, Arc::clone(&token), 0);
    }
    let mut refused = 0;
    all[0].flush(|_| refused += 1);
    all[1].give(0, Arc::clone(&token), 0);
    assert_eq!((refused, Arc::strong_count(&token)), (BATCH - 10, 1 + 10 + 1));
    let mut batch = Batch::new();
    assert_eq!(all[1].take(&mut batch), 10);
    drop(batch);
    assert_eq!(Arc::strong_count(&token), 1 + 1);
    drop(all);
    assert_eq!(Arc::strong_count(&token), 1);
}

/// Gives `count` numbered packets to the other worker, again what was refused, and takes as many; returns what
/// came.
fn exchange(mut peers: Peers<u32>, to: u16, count: u32) -> Vec<u32> {
    let (mut next, mut came) = (0, Vec::new());
    while came.len() < count as usize || next < count {
        let burst = next..count.min(next + 40);
        burst.clone().for_each(|packet| peers.give(to, packet, 0));
        let mut refused = 0;
        peers.flush(|_| refused += 1);
        next = burst.end - refused;
        let mut batch = Batch::new();
        if peers.take(&mut batch) == 0 {
            std::thread::yield_now();
        }
        came.extend(batch.iter().map(|(_, packet)| *packet));
    }
    came
}

#[test]
fn two_threads_lose_and_overtake_nothing() {
    const COUNT: u32 = 200_000;
    let mut all = mesh::<u32>(2, 100);
    let (one, zero) = (all.remove(1), all.remove(0));
    let other = std::thread::spawn(move || exchange(one, 0, COUNT));
    let here = exchange(zero, 1, COUNT);
    assert!(here.into_iter().eq(0..COUNT));
    assert!(other.join().unwrap().into_iter().eq(0..COUNT));
}
