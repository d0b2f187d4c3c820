//! A worker's thread: pinned, named, known to DPDK, and the one that makes the worker's tables, so that they lie
//! in the memory of its own NUMA node.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use anyhow::Context;
use core_affinity::CoreId;
use dpdk::{Cycles, Eal, Mbuf, WorkerThread};
use repute_engine::{
    CrowdMesh, EndpointSetup, Mailbox, MirrorSetup, Published, Setup, TapSetup, Team, Wire, Worker,
};
use repute_model::{Limits, Policy};
use repute_policy::Idle;

use crate::capture::{self, Playing};
use crate::crew::{Crew, Member};
use crate::io::Queues;
use crate::live::{self, Rhythm};
use crate::rss::Probe;

/// What moves into the thread.
pub struct Job {
    /// The worker's number.
    pub number: u16,
    /// Where it runs.
    pub core: CoreId,
    /// Proof that DPDK runs.
    pub eal: Eal,
    /// What its tables are made from.
    pub seat: Seat,
    /// Its queues.
    pub queues: Queues,
    /// Its clock.
    pub cycles: Cycles,
    /// What to do when there is nothing to do.
    pub idle: Idle,
    /// Its way to the self-test of RSS.
    pub probe: Probe,
    /// Captures to play; `None` = the machine's clock.
    pub playing: Option<Playing>,
}

/// What a worker begins with.
pub struct Seat {
    /// What it judges by at first.
    pub policy: Box<Policy>,
    /// Sizes of its tables.
    pub limits: Limits,
    /// Keys its hash tables.
    pub seed: u64,
    /// Its ports.
    pub wires: Arc<[Wire]>,
    /// Its end of the rings to the control plane.
    pub mailbox: Mailbox,
    /// Where others read its account.
    pub published: Arc<Published>,
    /// The other workers.
    pub team: Option<Team<Mbuf>>,
    /// Where copies go.
    pub mirror: Option<MirrorSetup>,
    /// Where copies of DNS messages go.
    pub tap: Option<TapSetup>,
    /// Its way to the sums of the crowds.
    pub crowds: CrowdMesh,
    /// What it has to know where the box has an address of its own.
    pub endpoint: Option<EndpointSetup>,
}

impl Seat {
    fn take(self) -> Worker<Mbuf> {
        let Self { policy, limits, seed, wires, mailbox, published, team, mirror, tap, crowds, endpoint } =
            self;
        let wires = &wires;
        Worker::new(Setup {
            policy,
            limits,
            seed,
            wires,
            mailbox,
            published,
            team,
            mirror,
            tap,
            crowds,
            endpoint,
        })
    }
}

/// Starts the thread, named `worker-` and its number. It ends with the crew or, playing captures, with them.
///
/// # Errors
/// The thread cannot be created.
pub fn start(job: Job, crew: Arc<Crew>) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let name = format!("worker-{}", job.number);
    let member = Member::new(crew);
    let thread = Builder::new().name(name.clone()).spawn(move || run(job, member));
    thread.with_context(|| format!("cannot start the thread of {name}"))
}

fn run(job: Job, mut member: Member) -> anyhow::Result<()> {
    let Job { number, core, eal, seat, mut queues, cycles, idle, probe, playing } = job;
    if !core_affinity::set_for_current(core) {
        tracing::warn!(
            "worker {number} could not be pinned to core {}; it runs where the kernel puts it",
            core.id
        );
    }
    let _registered = WorkerThread::register(&eal)?;
    let mut worker = seat.take();
    let Some(epoch) = member.assemble(|| cycles.now()) else { return Ok(()) };
    tracing::info!("worker {number} runs on core {}", core.id);
    match playing {
        Some(mut playing) => capture::run(&mut worker, &mut queues, cycles, &mut playing, member.crew()),
        None => {
            let breaths =
                live::run(&mut worker, &mut queues, Rhythm { cycles, epoch, idle, probe }, &mut member)?;
            tracing::info!("worker {number}: {breaths}");
            Ok(())
        }
    }
}
