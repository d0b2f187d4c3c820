//! The product in the benchmark: a whole worker with everything on, between the ports of a road.
//!
//! The one file that touches the engine. What always holds: conservation, the sweep's period and the lists of
//! strangers are the engine's own; only its clock is the harness's, and stands still in others' slices.

use anyhow::{Context, ensure};
use dpdk::{Cycles, Mbuf};
use repute_engine::{
    Account, Batch, CrowdMesh, Handle, MirrorSetup, Published, Role, Setup, Team, Wire, Worker, mailbox,
};
use repute_model::{BATCH, Command, Limits, Policy, Report};

use crate::clock::OwnClock;
use crate::contender::Contender;
use crate::road::Road;
use crate::stamp::Stamp;

/// Slots of the command ring, as the daemon has them.
const COMMANDS: usize = 256;
/// Slots of the report ring, as the daemon has them.
const REPORTS: usize = 4096;
/// Keys the hash tables.
const SEED: u64 = 0x6265_6e63_6821;
/// A source may wait this much longer than the sweep's period: entries come and go between two rounds.
const SWEEP_SLACK_MS: u64 = 10;

/// Sizes of a worker's tables for so many sources: the defaults, but for the sources and the longest sweep that
/// the rules of the benchmark allow.
pub fn limits(sources: u32) -> Limits {
    let sweep_ms = if sources <= 2 << 20 { 1_000 } else { 5_000 };
    Limits { sources, sweep_ms, ..Limits::default() }
}

/// What a worker may have around it.
#[derive(Debug, Default)]
pub struct Around {
    /// Other workers, which hand packets over.
    pub team: Option<Team<Mbuf>>,
    /// Where copies go.
    pub mirror: Option<MirrorSetup>,
    /// Its way to the sums of the crowds; none: it adds them up by itself.
    pub crowds: Option<CrowdMesh>,
    /// The port that comes first carries what comes from inside.
    pub inside_first: bool,
}

/// A worker that judges what comes, with the other end of its mailbox.
#[derive(Debug)]
pub struct Subject {
    worker: Worker<Mbuf>,
    handle: Handle,
    batch: Batch<Mbuf>,
    clock: OwnClock,
    /// The generator stage; rows change it between warming up and measuring.
    pub stamp: Stamp,
    /// Another one, for rows that change between two while they measure.
    pub other_stamp: Option<Stamp>,
    /// There are other workers, which hand packets over.
    in_team: bool,
    sweep_ms: u32,
    received: u64,
}

impl Subject {
    /// A worker for a road of so many ports: one alone carries what comes from outside and lets it out by itself;
    /// of two the first is outside.
    pub fn new(policy: Policy, limits: Limits, ports: usize, stamp: Stamp, cycles: Cycles) -> Self {
        Self::with(policy, limits, ports, stamp, cycles, Around::default())
    }

    /// The same with more around it.
    pub fn with(
        policy: Policy,
        limits: Limits,
        ports: usize,
        stamp: Stamp,
        cycles: Cycles,
        around: Around,
    ) -> Self {
        let (mailbox, handle) = mailbox(COMMANDS, REPORTS);
        let Around { team, mirror, crowds, inside_first } = around;
        let wires = wires(ports, inside_first);
        let in_team = team.is_some();
        let alone = Setup::alone(Box::new(policy), limits, SEED, &wires, mailbox, Published::shared());
        Self {
            worker: Worker::new(Setup { team, mirror, crowds: crowds.unwrap_or(alone.crowds), ..alone }),
            handle,
            batch: Batch::new(),
            clock: OwnClock::new(cycles),
            stamp,
            other_stamp: None,
            in_team,
            sweep_ms: limits.sweep_ms,
            received: 0,
        }
    }

    /// Own time after which the sweep has visited every source.
    pub fn sweep_ms(&self) -> u64 {
        u64::from(self.sweep_ms)
    }

    /// Goes on with the other generator stage.
    pub fn change_stamps(&mut self) {
        if let Some(other) = &mut self.other_stamp {
            std::mem::swap(&mut self.stamp, other);
        }
    }

    /// What the worker has counted, with its gauges as they are now.
    pub fn account(&mut self) -> &Account {
        self.worker.publish();
        self.worker.account()
    }

    /// Says something to the worker; it obeys at its next tick.
    ///
    /// # Errors
    /// The command ring is full.
    pub fn tell(&mut self, command: Command) -> anyhow::Result<()> {
        self.handle.commands.push(command).ok().context("the worker's command ring is full")
    }

    /// What the worker has reported since, oldest first.
    pub fn reports(&mut self) -> impl Iterator<Item = Report> + '_ {
        std::iter::from_fn(|| self.handle.reports.pop().ok())
    }

    /// Whether every policy that was sent is in force: the worker hands back each one that it replaces.
    ///
    /// # Errors
    /// One was not.
    pub fn ensure_installed(&mut self) -> anyhow::Result<()> {
        let handed_back = self.reports().filter(|report| matches!(report, Report::Installed { .. })).count();
        ensure!(handed_back > 0, "the worker did not take the policy");
        Ok(())
    }

    /// Checks what must hold at the end of every row.
    ///
    /// # Errors
    /// A packet was lost sight of, the sweep fell behind, or two workers disagree about a source.
    pub fn check(&mut self) -> anyhow::Result<()> {
        let (received_here, sweep_ms) = (self.received, self.sweep_ms());
        let account = self.account();
        ensure!(account.is_conserved(), "the worker's account is not conserved: {account:?}");
        let received: u64 = account.ports.iter().map(|port| port.received).sum();
        ensure!(received == received_here, "the worker took {received} packets of {received_here}");
        let waited = account.sweep_ms;
        ensure!(
            waited <= sweep_ms + SWEEP_SLACK_MS,
            "a source waited {waited} ms for the sweep of {sweep_ms} ms"
        );
        ensure!(account.misowned == 0, "{} packets were handed to the wrong worker", account.misowned);
        Ok(())
    }
}

impl Subject {
    /// Its time goes on at this value of the counter.
    pub fn resume(&mut self, now: u64) {
        self.clock.start(now);
    }

    /// Its time stands still from this value of the counter on.
    pub fn pause(&mut self, now: u64) {
        self.clock.stop(now);
    }

    /// One breath of at most `limit` packets, or of none; how many came.
    #[inline]
    pub fn burst_of(&mut self, road: &mut Road, now: u64, limit: usize) -> usize {
        if self.in_team && self.worker.take_handed(&mut self.batch) > 0 {
            self.worker.breathe(self.clock.tick(now), &mut self.batch, &mut road.out);
        }
        let stamp = &mut self.stamp;
        let (port, rx) = road.poll();
        let got = self.batch.fill(port, |packets| {
            let got = if limit == 0 { 0 } else { rx.recv(packets, limit) };
            stamp.apply(port, packets);
            got
        });
        self.received += got as u64;
        self.worker.breathe(self.clock.tick(now), &mut self.batch, &mut road.out);
        got
    }
}

impl Contender for Subject {
    fn begin(&mut self, now: u64) {
        self.resume(now);
    }

    #[inline]
    fn burst(&mut self, road: &mut Road, now: u64) -> usize {
        self.burst_of(road, now, BATCH)
    }

    fn end(&mut self, now: u64) -> Option<u64> {
        self.pause(now);
        // The control plane reads reports on another core; nobody's slice pays for it.
        self.reports().for_each(drop);
        Some(0)
    }
}

fn wires(ports: usize, inside_first: bool) -> Vec<Wire> {
    let roles = if inside_first { [Role::Inside, Role::Outside] } else { [Role::Outside, Role::Inside] };
    match ports {
        1 => vec![Wire { role: roles[0], peer: Some(0) }],
        _ => vec![Wire { role: roles[0], peer: Some(1) }, Wire { role: roles[1], peer: Some(0) }],
    }
}
