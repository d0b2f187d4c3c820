//! All workers of a box: hired at boot, dismissed at the end.
//!
//! Called by the control thread. Always holds: a box runs with all of its workers or with none.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use core_affinity::CoreId;
use dpdk::{Cycles, Eal, Mbuf};
use repute_engine::handover::{Peers, mesh};
use repute_engine::{
    Account, CrowdMesh, EndpointSetup, PORTS, PoolBoard, Published, Team, Wire, crowd_mesh, mailbox, tap,
};
use repute_model::{Limits, Owners, Policy, Tapped};
use repute_policy::Topology;
use repute_server::WorkerLink;
use rtrb::Consumer;

use crate::capture::Playing;
use crate::crew::Crew;
use crate::io::Queues;
use crate::ports::{mirror, wires};
use crate::rss::Probe;
use crate::worker::{self, Job, Seat};

/// Slots of the command ring.
const COMMANDS: usize = 256;
/// Slots of the report ring.
const REPORTS: usize = 4096;
/// Slots of the ring of a tap: some 700 KiB.
const TAPPED: usize = 512;

/// What all workers are hired on.
pub struct Terms<'a> {
    /// The box.
    pub topology: &'a Topology,
    /// What they judge by at first.
    pub policy: &'a Policy,
    /// Sizes of each one's tables.
    pub limits: Limits,
    /// Keys their hash tables.
    pub seed: u64,
    /// Who owns which sources.
    pub owners: &'a Owners,
    /// Proof that DPDK runs.
    pub eal: &'a Eal,
    /// The time stamp counter.
    pub cycles: Cycles,
    /// One in so many DNS transactions is copied; `None` = none is.
    pub tap: Option<u32>,
    /// The Ethernet addresses of the ports, where the box has addresses of its own; `None` = it has none.
    pub macs: Option<[[u8; 6]; PORTS]>,
}

/// The control plane's ends of what the workers have.
#[derive(Debug, Default)]
pub struct Ends {
    /// Of their rings of commands and reports, by number.
    pub links: Vec<WorkerLink>,
    /// Of their taps, by number; empty = there are none.
    pub taps: Vec<Consumer<Tapped>>,
}

/// What one worker gets for itself.
pub struct Place {
    /// Where it runs.
    pub core: CoreId,
    /// Its queues.
    pub queues: Queues,
    /// Its way to the self-test of RSS.
    pub probe: Probe,
    /// Captures to play; `None` = the machine's clock.
    pub playing: Option<Playing>,
}

/// Workers that are at work.
#[derive(Debug)]
pub struct Staff {
    crew: Arc<Crew>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
    published: Vec<Arc<Published>>,
}

impl Staff {
    /// Starts a worker in each place; the control plane's ends.
    ///
    /// # Errors
    /// A thread that cannot be created; those before it are dismissed.
    pub fn hire(terms: &Terms, places: Vec<Place>) -> anyhow::Result<(Self, Ends)> {
        let count = places.len() as u16;
        let (seats, ends) = seats(terms, count);
        let published = ends.links.iter().map(|link| Arc::clone(&link.published)).collect();
        let mut staff = Self { crew: Crew::new(count), threads: Vec::new(), published };
        for (number, (place, seat)) in (0..).zip(places.into_iter().zip(seats)) {
            let Place { core, queues, probe, playing } = place;
            let (eal, cycles, idle) = (terms.eal.clone(), terms.cycles, terms.topology.workers.idle);
            let job = Job { number, core, eal, seat, queues, cycles, idle, probe, playing };
            match worker::start(job, Arc::clone(&staff.crew)) {
                Ok(thread) => staff.threads.push(thread),
                Err(error) => {
                    // What the others say of their end is not the reason.
                    let _ = staff.dismiss();
                    return Err(error);
                }
            }
        }
        Ok((staff, ends))
    }

    /// What the workers share.
    pub fn crew(&self) -> &Arc<Crew> {
        &self.crew
    }

    /// Brings all of them to an end: the first failure among them, by number, and what each has counted.
    pub fn dismiss(self) -> (anyhow::Result<()>, Vec<Account>) {
        self.crew.stop();
        let end = |(number, thread): (usize, JoinHandle<anyhow::Result<()>>)| match thread.join() {
            Ok(outcome) => outcome.with_context(|| format!("worker {number}")),
            Err(_) => Err(anyhow!("worker {number} panicked; see above")),
        };
        let ends: Vec<_> = self.threads.into_iter().enumerate().map(end).collect();
        let accounts = self.published.iter().map(|published| published.read()).collect();
        (ends.into_iter().collect(), accounts)
    }
}

/// What each of `count` workers begins with, and the other ends of its rings.
fn seats(terms: &Terms, count: u16) -> (Vec<Seat>, Ends) {
    let mut ends = Ends::default();
    let wires: Arc<[Wire]> = wires(terms.topology).into();
    let board = PoolBoard::shared();
    let seat = |(peers, crowds): (Peers<Mbuf>, CrowdMesh)| {
        let published = Published::shared();
        let (mailbox, handle) = mailbox(COMMANDS, REPORTS);
        let (worker, board) = (ends.links.len() as u16, Arc::clone(&board));
        let endpoint = terms.macs.map(|macs| EndpointSetup { macs, worker, workers: count, board });
        let (tap, out) = terms.tap.map(|one_in| tap(TAPPED, one_in)).unzip();
        ends.taps.extend(out);
        ends.links.push(WorkerLink { handle, published: Arc::clone(&published) });
        Seat {
            policy: Box::new(terms.policy.clone()),
            limits: terms.limits,
            seed: terms.seed,
            wires: Arc::clone(&wires),
            mailbox,
            published,
            team: (count > 1).then(|| Team { owners: terms.owners.clone(), peers }),
            mirror: mirror(terms.topology),
            tap,
            crowds,
            endpoint,
        }
    };
    // Room for the destinations of every worker, so that the sums are exact while the rows are.
    let totals = (u32::from(count) * terms.limits.crowds).next_power_of_two().min(1 << 24);
    let crowds = crowd_mesh(count, totals, terms.seed);
    let seats = mesh(count, terms.limits.hand_over as usize).into_iter().zip(crowds).map(seat).collect();
    (seats, ends)
}
