//! A worker between two ports on a virtual clock, asked and told like the control plane does it.

use std::sync::Arc;

use repute_engine::{Account, Batch, Handle, Mailbox, Published, Role, Setup, Wire, Worker, mailbox};
use repute_model::{
    BATCH, BandChange, Command, Explanation, Judgement, Limits, Mitigation, Policy, Reason, Report, Source,
    Tick, Width,
};

use super::frame::{Frame, Ip, address};
use super::ports::Ports;
use super::{INSIDE, OUTSIDE};

/// A worker with everything around it.
#[derive(Debug)]
pub struct Rig {
    pub worker: Worker<Frame>,
    pub handle: Handle,
    pub published: Arc<Published>,
    pub ports: Ports,
    pub now: Tick,
    /// Every limit imposed or lifted so far.
    pub mitigations: Vec<Mitigation>,
    /// Changes between bands that limit nothing.
    pub bands: Vec<BandChange>,
    /// Reports other than mitigations, until they are taken.
    pub reports: Vec<Report>,
}

/// Outside on port 0, inside on port 1, each the other's peer.
pub const PAIR: [Wire; 2] =
    [Wire { role: Role::Outside, peer: Some(INSIDE) }, Wire { role: Role::Inside, peer: Some(OUTSIDE) }];

impl Rig {
    /// A pair of ports with tables of the default size.
    pub fn new(policy: Policy) -> Self {
        Self::sized(policy, Limits::default())
    }

    /// A pair of ports.
    pub fn sized(policy: Policy, limits: Limits) -> Self {
        Self::wired(policy, limits, &PAIR)
    }

    /// Any ports.
    pub fn wired(policy: Policy, limits: Limits, wires: &[Wire]) -> Self {
        let (mailbox, handle) = mailbox(64, 8192);
        Self::with(policy, limits, wires, mailbox, handle)
    }

    /// With these rings.
    pub fn with(policy: Policy, limits: Limits, wires: &[Wire], mailbox: Mailbox, handle: Handle) -> Self {
        let published = Published::shared();
        Self::begin(Setup::alone(Box::new(policy), limits, 7, wires, mailbox, published), handle)
    }

    /// With everything that a worker may begin with.
    pub fn begin(setup: Setup<'_, Frame>, handle: Handle) -> Self {
        let published = Arc::clone(&setup.published);
        let worker = Worker::new(setup);
        let (mitigations, reports) = (Vec::new(), Vec::new());
        Self {
            worker,
            handle,
            published,
            ports: Ports::default(),
            now: Tick(0),
            mitigations,
            reports,
            bands: Vec::new(),
        }
    }

    /// One breath `ms` later; the account is conserved after it.
    pub fn breathe(&mut self, ms: u64, arrivals: impl IntoIterator<Item = (u8, Frame)>) -> Vec<Judgement> {
        self.now = Tick(self.now.0 + ms);
        let mut batch: Batch<Frame> = arrivals.into_iter().collect();
        let judgements = self.worker.breathe(self.now, &mut batch, &mut self.ports).to_vec();
        assert!(batch.is_empty());
        assert!(self.worker.account().is_conserved());
        self.collect();
        judgements
    }

    /// One packet from outside, `ms` later.
    pub fn outside(&mut self, ms: u64, frame: Frame) -> Judgement {
        self.breathe(ms, [(OUTSIDE, frame)])[0]
    }

    /// One packet from inside, `ms` later.
    pub fn inside(&mut self, ms: u64, frame: Frame) -> Judgement {
        self.breathe(ms, [(INSIDE, frame)])[0]
    }

    /// A packet of an outside client (`true`) or its inside server, `ms` later.
    pub fn pass(&mut self, ms: u64, (client, frame): (bool, Frame)) -> Judgement {
        if client { self.outside(ms, frame) } else { self.inside(ms, frame) }
    }

    /// A breath with nothing in it, `ms` later.
    pub fn idle(&mut self, ms: u64) {
        self.breathe(ms, []);
    }

    /// Tells the worker something; it obeys at the next tick, which comes at once. Its reports.
    pub fn tell(&mut self, command: Command) -> Vec<Report> {
        self.handle.commands.push(command).unwrap();
        self.reports.clear();
        self.idle(1);
        std::mem::take(&mut self.reports)
    }

    fn collect(&mut self) {
        while let Ok(report) = self.handle.reports.pop() {
            match report {
                Report::Mitigation(mitigation) => self.mitigations.push(mitigation),
                Report::Band(change) => self.bands.push(change),
                other => self.reports.push(other),
            }
        }
    }

    pub fn account(&self) -> &Account {
        self.worker.account()
    }

    /// Packets dropped for `reason`, on all ports.
    pub fn dropped(&self, reason: Reason) -> u64 {
        self.account().ports.iter().map(|port| port.dropped[reason.index()]).sum()
    }

    /// A source's score taken apart.
    pub fn explain(&self, ip: Ip) -> Explanation {
        self.worker.explain(source(ip)).unwrap()
    }
}

/// The source of one IPv4 address.
pub fn source(ip: Ip) -> Source {
    Source::of(address(ip), Width::OUTSIDE).unwrap()
}

/// Splits frames of one tick into batches of at most [`BATCH`].
pub fn batches(frames: &[(u8, Frame)]) -> impl Iterator<Item = &[(u8, Frame)]> {
    frames.chunks(BATCH)
}
