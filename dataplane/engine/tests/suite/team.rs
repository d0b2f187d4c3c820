//! Two workers, one source each packet: whatever arrives where, no source is judged by two.

use repute_engine::handover::mesh;
use repute_engine::{Account, Batch, Published, Setup, Team, Worker, crowd_mesh, mailbox};
use repute_model::{Limits, Owners, Reason, Tick};

use crate::common::frame::{Frame, Talk};
use crate::common::ports::Ports;
use crate::common::rig::PAIR;
use crate::common::{INSIDE, OUTSIDE, ingress};

struct Crew {
    workers: Vec<Worker<Frame>>,
    ports: Vec<Ports>,
    now: u64,
}

impl Crew {
    fn new(owners: [Owners; 2], slots: usize) -> Self {
        let crowds = crowd_mesh(2, 4096, 7);
        let seats = mesh(2, slots).into_iter().zip(owners).zip(crowds);
        let workers = seats.map(|((peers, owners), crowds)| {
            let (mailbox, _handle) = mailbox(16, 256);
            let alone =
                Setup::alone(Box::new(ingress()), Limits::DEFAULT, 7, &PAIR, mailbox, Published::shared());
            Worker::new(Setup { team: Some(Team { owners, peers }), crowds, ..alone })
        });
        Self { workers: workers.collect(), ports: vec![Ports::default(), Ports::default()], now: 0 }
    }

    /// Every worker takes what was handed to it, then what arrives at its own queue.
    fn turn(&mut self, arrivals: [Vec<(u8, Frame)>; 2]) {
        self.now += 1;
        for (worker, (ports, arrivals)) in self.workers.iter_mut().zip(self.ports.iter_mut().zip(arrivals)) {
            let mut batch = Batch::new();
            while worker.take_handed(&mut batch) > 0 {
                worker.breathe(Tick(self.now), &mut batch, ports);
            }
            let mut batch: Batch<Frame> = arrivals.into_iter().collect();
            worker.breathe(Tick(self.now), &mut batch, ports);
        }
    }

    fn total(&mut self) -> Account {
        let accounts = self.workers.iter_mut().map(|worker| {
            worker.publish();
            assert!(worker.account().is_conserved());
            *worker.account()
        });
        accounts.reduce(|sum, account| sum.plus(&account)).unwrap()
    }
}

fn talk(client: u8) -> Talk {
    Talk { client: ([192, 0, 2, client], 40_000), server: ([198, 51, 100, 2], 443) }
}

/// Requests and answers of forty clients, each at a worker chosen by nothing but its turn.
fn traffic(turn: u8) -> [Vec<(u8, Frame)>; 2] {
    let mut arrivals = [Vec::new(), Vec::new()];
    for client in 0..40u8 {
        arrivals[usize::from(client ^ turn) % 2].push((OUTSIDE, talk(client + 1).datagram(20)));
        if client % 2 == 0 {
            arrivals[usize::from((client / 2) ^ turn) % 2].push((INSIDE, talk(client + 1).reply(20)));
        }
    }
    arrivals
}

const HASH: Owners = Owners::Hash { workers: 2 };

#[test]
fn sources_stay_with_their_owner_wherever_their_packets_arrive() {
    let mut crew = Crew::new([HASH, HASH], 256);
    for turn in 0..50 {
        crew.turn(traffic(turn));
    }
    crew.turn([Vec::new(), Vec::new()]);
    crew.turn([Vec::new(), Vec::new()]);
    let total = crew.total();
    let sum = |of: fn(&repute_engine::PortAccount) -> u64| total.ports.iter().map(of).sum::<u64>();
    assert_eq!(sum(|port| port.received), 50 * 60);
    assert_eq!(sum(|port| port.forwarded) + sum(|port| port.dropped_total()), 50 * 60);
    assert!(sum(|port| port.handed) > 1_000);
    assert_eq!(sum(|port| port.handed), sum(|port| port.taken));
    assert_eq!((total.misowned, total.tracked, total.admitted), (0, 40, 40), "one entry a source");
}

#[test]
fn a_wrong_owner_function_is_noticed_and_nothing_is_judged_twice() {
    // The second worker believes that it owns nothing.
    let mut crew = Crew::new([HASH, Owners::Hash { workers: 1 }], 256);
    for turn in 0..20 {
        crew.turn(traffic(turn));
    }
    for _ in 0..3 {
        crew.turn([Vec::new(), Vec::new()]);
    }
    let total = crew.total();
    assert!(total.misowned > 100, "{}", total.misowned);
    assert_eq!(total.tracked, total.admitted);
    let mine = crew.workers[1].account().tracked;
    assert_eq!(mine, 0, "who owns nothing keeps nothing");
}

#[test]
fn a_full_ring_drops_by_its_name() {
    let mut crew = Crew::new([HASH, HASH], 4);
    let flood: Vec<_> = (0..64).map(|i| (OUTSIDE, talk(i + 1).datagram(20))).collect();
    crew.turn([flood, Vec::new()]);
    let total = crew.total();
    let full = total.ports[usize::from(OUTSIDE)].dropped[Reason::HandOverFull.index()];
    assert!((10..=50).contains(&full), "{full}");
    let freed: usize = crew.ports.iter().map(|ports| ports.freed.len()).sum();
    assert_eq!(freed as u64, full);
}
