//! Boot order: memory, pools, devices, ports, queues. Everything that can be wrong is said before a worker runs.
//!
//! Called by the control thread.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use core_affinity::CoreId;
use dpdk::{Cycles, Device, Driver, Eal, EalArgs, MbufPool, Order, PoolArgs, Port, PortSpec};
use repute_engine::PORTS;
use repute_model::{Limits, Owners};
use repute_policy::Topology;
use repute_server::{BoxInfo, PortInfo, PortRss};

use crate::args::{HugePages, Run};
use crate::devices::Wish;
use crate::io::Queues;
use crate::memory;
use crate::ports::{Opening, open, open_mirror, queues};
use crate::rss::{Candidate, Deal};

/// What boot goes by.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Ports, mirror, workers.
    pub topology: &'a Topology,
    /// The command line.
    pub run: &'a Run,
    /// The core of each worker.
    pub cores: &'a [CoreId],
    /// How wide sources are.
    pub limits: Limits,
    /// Whether the sources that are judged are outside.
    pub ingress: bool,
    /// Keys the hash of RSS.
    pub seed: u64,
}

/// A booted box: DPDK, its ports, every worker's queues.
pub struct Booted {
    /// Proof that DPDK runs.
    pub eal: Eal,
    /// By port number; the mirror's is the last.
    pub ports: Arc<Vec<Port>>,
    /// By worker.
    pub queues: Vec<Queues>,
    /// Who owns which sources.
    pub owners: Owners,
    /// The ports that carry packets, to be tested for what RSS does; none for a single worker.
    pub candidates: Vec<Candidate>,
    /// The time stamp counter.
    pub cycles: Cycles,
    /// What the API tells about the box.
    pub info: BoxInfo,
}

/// Boots the ports of a topology, with the devices that the command line overrides.
///
/// # Errors
/// No ports, a port without a device, an override for a port that is not there, a device with fewer transmit queues
/// than workers, and whatever DPDK refuses: each names the port and a way out.
pub fn boot(plan: &Plan) -> anyhow::Result<Booted> {
    let topology = plan.topology;
    let specs = specs(topology, plan.run)?;
    let eal = start_dpdk(plan, &specs)?;
    let cycles = Cycles::new(&eal);
    let pools = pools(plan, &specs, &eal)?;
    let mut devices = Vec::with_capacity(specs.len());
    for (name, spec) in names(topology).zip(specs) {
        devices.push(attach(&eal, spec).with_context(|| format!("port {name}"))?);
    }
    let width = if plan.ingress { plan.limits.outside } else { plan.limits.inside };
    let deal = Deal::new(plan.seed, topology.workers.count, width, devices.iter().map(Device::info))?;
    let opening = Opening { topology, ingress: plan.ingress, deal: &deal, pools: &pools };
    let ports = start(&opening, devices)?;
    let copies = MbufPool::new(&eal, &memory::copies(topology))?;
    let queues = queues(topology, &ports, &copies, cycles)?;
    let (owners, candidates) = opening.settle(&ports);
    let info = info(topology, &ports, &eal);
    Ok(Booted { cycles, queues, owners, candidates, ports: Arc::new(ports), eal, info })
}

/// Configures and starts the ports of these devices, which are in the order of [`names`].
fn start(opening: &Opening, devices: Vec<Device>) -> anyhow::Result<Vec<Port>> {
    let topology = opening.topology;
    let mut ports = Vec::with_capacity(devices.len());
    let mut devices = devices.into_iter();
    for (rule, device) in topology.ports.iter().zip(devices.by_ref()) {
        ports.push(open(opening, rule, device)?);
    }
    for &(a, b) in &topology.pairs {
        dpdk::check_equal_mtu(&ports[a], &ports[b])?;
    }
    for (mirror, device) in topology.mirror.iter().zip(devices) {
        ports.push(open_mirror(opening, mirror, device)?);
    }
    for port in &mut ports {
        port.start()?;
    }
    Ok(ports)
}

/// All ports, the mirror's last.
fn names(topology: &Topology) -> impl Iterator<Item = &str> {
    let carriers = topology.ports.iter().map(|port| port.name.as_str());
    carriers.chain(topology.mirror.iter().map(|mirror| mirror.port.name.as_str()))
}

/// The device of every port, in the order of [`names`].
fn specs(topology: &Topology, run: &Run) -> anyhow::Result<Vec<PortSpec>> {
    let workers = topology.workers.count;
    let carriers = topology.ports.iter().map(|port| (&port.name, &port.device, port.rx_queues));
    let mirror = topology.mirror.iter().map(|mirror| (&mirror.port.name, &mirror.port.device, workers));
    let all: Vec<_> = carriers.chain(mirror).collect();
    ensure!(!topology.ports.is_empty(), "the config names no ports; add [ports.outside] and [ports.inside]");
    ensure!(all.len() <= PORTS, "{} ports; a worker has at most {PORTS}", all.len());
    for given in &run.ports {
        if !names(topology).any(|name| name == given.name) {
            let names: Vec<_> = names(topology).collect();
            bail!("--port {}: the config has no such port, only {}", given.name, names.join(", "));
        }
    }
    let wish = |(name, device, rx_queues): (&String, &Option<String>, u16)| {
        let given = run.ports.iter().rev().find(|given| given.name == *name);
        let device = given.map(|given| given.device.as_str()).or(device.as_deref());
        Wish { name, device, rx_queues, workers }.spec()
    };
    all.into_iter().map(wish).collect()
}

fn start_dpdk(plan: &Plan, specs: &[PortSpec]) -> anyhow::Result<Eal> {
    let eal = Eal::init(EalArgs {
        huge_pages: match plan.run.huge_pages {
            HugePages::Auto => dpdk::HugePages::Auto,
            HugePages::Require => dpdk::HugePages::Require,
            HugePages::None => dpdk::HugePages::None,
        },
        memory_mb: u32::try_from(memory::needed_mb(plan.topology))?,
        pci: specs.iter().any(|spec| spec.driver() == Driver::Pci),
        log_sink: |line| tracing::debug!(target: "dpdk", "{line}"),
        ..EalArgs::default()
    })?;
    tracing::info!("{}; {}", Eal::version(), eal.memory_note());
    Ok(eal)
}

/// The pool of each worker: those on one NUMA node share it, so that whoever is handed packets makes up for them with
/// those he gives away.
fn pools(plan: &Plan, specs: &[PortSpec], eal: &Eal) -> anyhow::Result<Vec<MbufPool>> {
    let by_age = specs.iter().any(|spec| spec.driver() == Driver::AfXdp);
    let order = if by_age { Order::Oldest } else { Order::Warmest };
    let mut pools: BTreeMap<Option<u32>, MbufPool> = BTreeMap::new();
    let nodes: Vec<_> = plan.cores.iter().map(|core| memory::node_of(core.id)).collect();
    for &node in &nodes {
        if let Entry::Vacant(place) = pools.entry(node) {
            let workers = nodes.iter().filter(|&&other| other == node).count();
            let args = memory::pool(plan.topology, u16::try_from(workers)?, node);
            place.insert(MbufPool::new(eal, &PoolArgs { order, ..args })?);
        }
    }
    Ok(nodes.iter().filter_map(|node| pools.get(node).cloned()).collect())
}

fn attach(eal: &Eal, spec: PortSpec) -> anyhow::Result<Device> {
    if spec.driver() == Driver::AfXdp {
        clear_left_over_program(&spec);
    }
    Ok(Device::attach(eal, spec)?)
}

/// A process that was killed leaves its XDP program on the interface, and the next one cannot attach.
fn clear_left_over_program(spec: &PortSpec) {
    for iface in spec.args("iface") {
        let cleared = std::process::Command::new("ip").args(["link", "set", iface, "xdp", "off"]).status();
        if !cleared.is_ok_and(|status| status.success()) {
            tracing::warn!(
                "cannot clear a left-over XDP program of {iface}; try: ip link set {iface} xdp off"
            );
        }
    }
}

fn info(topology: &Topology, ports: &[Port], eal: &Eal) -> BoxInfo {
    let name = |number: usize| topology.ports[number].name.clone();
    let carriers = topology
        .ports
        .iter()
        .map(|port| (port.name.clone(), format!("{:?}", port.role).to_lowercase(), name(port.peer)));
    let mirror =
        topology.mirror.iter().map(|mirror| (mirror.port.name.clone(), "mirror".to_owned(), String::new()));
    let one = |((name, role, peer), booted): (_, &Port)| PortInfo {
        name,
        device: booted.name().to_owned(),
        role,
        peer,
        rss: PortRss::default(),
    };
    BoxInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        memory: eal.memory_note(),
        ports: carriers.chain(mirror).zip(ports).map(one).collect(),
    }
}
