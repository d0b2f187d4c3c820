//! Boot order: memory, pool, devices, ports, queues. Everything that can be wrong is said before a worker runs.

use anyhow::{Context, bail, ensure};
use dpdk::{Cycles, Device, Driver, Eal, EalArgs, MbufPool, PoolArgs, Port, PortConfig, PortSpec, Ways};
use repute_engine::{PORTS, Role, Wire};
use repute_policy::{Topology, TopologyPort};
use repute_server::{BoxInfo, PortInfo};

use crate::args::{HugePages, Run};
use crate::io::Queues;

/// MiB beside the packet pool: rings, queues and drivers.
const OVERHEAD_MB: u64 = 64;

/// A booted box: DPDK, its ports, one worker's queues.
pub struct Booted {
    /// Proof that DPDK runs.
    pub eal: Eal,
    /// By port number.
    pub ports: Vec<Port>,
    /// The worker's.
    pub queues: Queues,
    /// By port number.
    pub wires: Vec<Wire>,
    /// The time stamp counter.
    pub cycles: Cycles,
    /// What the API tells about the box.
    pub info: BoxInfo,
}

/// Boots the ports of a topology, with the devices that the command line overrides.
///
/// # Errors
/// No ports, a port without a device, an override for a port that is not there, more workers than the
/// data plane can share sources among, and whatever DPDK refuses: each names the port and a way out.
pub fn boot(topology: &Topology, run: &Run) -> anyhow::Result<Booted> {
    let specs = specs(topology, run)?;
    ensure!(
        topology.workers.count == 1,
        "[workers] count = {}: one worker is what this version runs; set it to 1",
        topology.workers.count
    );
    let pool_args = PoolArgs { data_room: data_room(topology), ..PoolArgs::new("packets", topology.mbufs) };
    let eal = Eal::init(EalArgs {
        huge_pages: match run.huge_pages {
            HugePages::Auto => dpdk::HugePages::Auto,
            HugePages::Require => dpdk::HugePages::Require,
            HugePages::None => dpdk::HugePages::None,
        },
        memory_mb: u32::try_from(pool_args.memory_mb() + OVERHEAD_MB)?,
        pci: specs.iter().any(|spec| spec.driver() == Driver::Pci),
        log_sink: |line| tracing::debug!(target: "dpdk", "{line}"),
        ..EalArgs::default()
    })?;
    tracing::info!("{}; {}", Eal::version(), eal.memory_note());
    let pool = MbufPool::new(&eal, &pool_args)?;
    let mut ports = Vec::with_capacity(specs.len());
    for (port, spec) in topology.ports.iter().zip(specs) {
        ports.push(open(&eal, port, spec, &pool).with_context(|| format!("port {}", port.name))?);
    }
    for &(a, b) in &topology.pairs {
        dpdk::check_equal_mtu(&ports[a], &ports[b])?;
    }
    let queues = start(&mut ports)?;
    let info = info(topology, &ports, &eal);
    let cycles = Cycles::new(&eal);
    Ok(Booted { cycles, queues, wires: wires(topology), ports, eal, info })
}

/// The device of every port.
fn specs(topology: &Topology, run: &Run) -> anyhow::Result<Vec<PortSpec>> {
    ensure!(!topology.ports.is_empty(), "the config names no ports; add [ports.outside] and [ports.inside]");
    ensure!(topology.ports.len() <= PORTS, "{} ports; one worker has at most {PORTS}", topology.ports.len());
    for given in &run.ports {
        if !topology.ports.iter().any(|port| port.name == given.name) {
            let names: Vec<_> = topology.ports.iter().map(|port| port.name.as_str()).collect();
            bail!("--port {}: the config has no such port, only {}", given.name, names.join(", "));
        }
    }
    topology.ports.iter().map(|port| spec(port, run)).collect()
}

fn spec(port: &TopologyPort, run: &Run) -> anyhow::Result<PortSpec> {
    let given = run.ports.iter().rev().find(|given| given.name == port.name);
    let device = given.map(|given| given.device.as_str()).or(port.device.as_deref());
    let name = &port.name;
    let device = device.with_context(|| {
        format!("port {name} has no device; say --port {name}=DEVARGS or device = \"…\" in [ports.{name}]")
    })?;
    PortSpec::parse(device).with_context(|| format!("port {name}"))
}

/// A whole frame with two VLAN tags in one buffer, so that nothing common is scattered.
fn data_room(topology: &Topology) -> u16 {
    let mtu = topology.ports.iter().map(|port| port.mtu).max().unwrap_or(1500);
    (mtu.saturating_add(14 + 8)).max(2048)
}

fn open(eal: &Eal, port: &TopologyPort, spec: PortSpec, pool: &MbufPool) -> anyhow::Result<Port> {
    ensure!(port.rx_queues == 1, "rx_queues = {}: one worker polls one queue; set it to 1", port.rx_queues);
    if spec.driver() == Driver::AfXdp {
        clear_left_over_program(&spec);
    }
    let device = Device::attach(eal, spec)?;
    // A driver whose MTU cannot be set keeps its own; the pair is compared afterwards.
    let config = PortConfig { mtu: (port.mtu != 1500).then_some(port.mtu), ..PortConfig::default() };
    Ok(Port::configure(device, &config, &[pool])?)
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

fn start(ports: &mut [Port]) -> anyhow::Result<Queues> {
    let (mut rx, mut tx) = (Vec::with_capacity(ports.len()), Vec::with_capacity(ports.len()));
    for port in ports {
        port.start()?;
        rx.push(port.take_rx(0)?);
        tx.push(port.take_tx(0)?);
    }
    Ok(Queues { rx, out: Ways(tx) })
}

fn wires(topology: &Topology) -> Vec<Wire> {
    let wire = |port: &TopologyPort| Wire { role: role(port.role), peer: u8::try_from(port.peer).ok() };
    topology.ports.iter().map(wire).collect()
}

fn role(role: repute_policy::Role) -> Role {
    match role {
        repute_policy::Role::Inside => Role::Inside,
        repute_policy::Role::Outside => Role::Outside,
        repute_policy::Role::Both => Role::Both,
    }
}

fn info(topology: &Topology, ports: &[Port], eal: &Eal) -> BoxInfo {
    let one = |(port, booted): (&TopologyPort, &Port)| PortInfo {
        name: port.name.clone(),
        device: booted.name().to_owned(),
        role: format!("{:?}", port.role).to_lowercase(),
        peer: topology.ports[port.peer].name.clone(),
    };
    BoxInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        memory: eal.memory_note(),
        ports: topology.ports.iter().zip(ports).map(one).collect(),
    }
}
