//! From attached devices to started ports and every worker's queues.
//!
//! Called by boot. Always holds: every worker has a transmit queue of its own on every port; a port with fewer
//! receive queues than workers is read by the first of them, which hand over what others own.

use anyhow::Context;
use dpdk::{Cycles, Device, Driver, MbufPool, Port, PortConfig, Ways};
use repute_engine::{MirrorSetup, PORTS, Role, Wire};
use repute_model::Owners;
use repute_model::toeplitz::End;
use repute_policy::{Topology, TopologyMirror, TopologyPort, TopologyVxlan};
use repute_wire::vxlan::{Ends, Tunnel, Vni};

use crate::io::{Entrance, Queues};
use crate::rss::{Candidate, Claim, Deal, SelfTest, hashes, owner_end};

/// What all ports are opened by.
pub struct Opening<'a> {
    /// The box.
    pub topology: &'a Topology,
    /// Whether the sources that are judged are outside.
    pub ingress: bool,
    /// What RSS is given.
    pub deal: &'a Deal,
    /// By worker.
    pub pools: &'a [MbufPool],
}

/// Configures a port that carries packets.
///
/// # Errors
/// Fewer transmit queues than workers, or whatever DPDK refuses.
pub fn open(opening: &Opening, rule: &TopologyPort, device: Device) -> anyhow::Result<Port> {
    let workers = opening.topology.workers.count;
    let offered = device.info().max_rx_queues;
    let rx_queues = rule.rx_queues.min(offered).max(1);
    if rx_queues < workers {
        let (name, last) = (&rule.name, rx_queues - 1);
        tracing::info!(
            "port {name} has {rx_queues} receive queues for {workers} workers: workers 0 to {last} read them, and \
             the others take what these hand over"
        );
    }
    let end = opening.end(rule).unwrap_or(End::Source);
    let config = PortConfig {
        rx_queues,
        tx_queues: workers,
        mtu: mtu(rule.mtu),
        rss: (rx_queues > 1).then(|| opening.deal.ask(end, device.info())),
        ..PortConfig::default()
    };
    configure(opening, &rule.name, device, &config)
}

/// Configures the port of the mirror, which only sends.
///
/// # Errors
/// As [`open`].
pub fn open_mirror(opening: &Opening, mirror: &TopologyMirror, device: Device) -> anyhow::Result<Port> {
    let workers = opening.topology.workers.count;
    // A tap has as many queues in as out.
    let rx_queues = if device.spec().driver() == Driver::Tap { workers } else { 0 };
    let config = PortConfig {
        rx_queues,
        tx_queues: workers,
        mtu: mtu(mirror.port.mtu),
        promiscuous: false,
        all_multicast: false,
        ..PortConfig::default()
    };
    configure(opening, &mirror.port.name, device, &config)
}

fn configure(opening: &Opening, name: &str, device: Device, config: &PortConfig) -> anyhow::Result<Port> {
    let pools: Vec<&MbufPool> = opening.pools.iter().collect();
    Port::configure(device, config, &pools).with_context(|| format!("port {name}"))
}

/// A driver whose MTU cannot be set keeps its own; the pair is compared afterwards.
fn mtu(bytes: u16) -> Option<u16> {
    (bytes != 1500).then_some(bytes)
}

impl Opening<'_> {
    /// Gives the started ports the table of RSS; who then owns whom, and what is to be tested of them.
    pub fn settle(&self, ports: &[Port]) -> (Owners, Vec<Candidate>) {
        let workers = self.topology.workers.count;
        if workers == 1 {
            return (Owners::Hash { workers }, Vec::new());
        }
        let carriers = || self.topology.ports.iter().zip(ports);
        let follows = |(rule, port)| self.end(rule).is_some_and(|end| self.deal.give(port, end));
        let following = carriers().filter(|&carrier| follows(carrier)).count();
        let owners = self.deal.owners(workers, following > 0);
        let test = |(rule, port): (&TopologyPort, &Port)| {
            let claim = self.end(rule).map(|owner| Claim {
                queues: port.rx_queues(),
                hashes: hashes(port),
                owner,
                width: self.deal.width(),
            });
            let test = claim.map(|claim| SelfTest::new(claim, self.deal.spread().clone(), owners.clone()));
            Candidate { name: rule.name.clone(), test }
        };
        (owners.clone(), carriers().map(test).collect())
    }

    fn end(&self, rule: &TopologyPort) -> Option<End> {
        owner_end(rule.role, self.ingress)
    }
}

/// Takes every queue of the started ports, by worker.
///
/// # Errors
/// Somebody has one already, which is a defect.
pub fn queues(
    topology: &Topology,
    ports: &[Port],
    copies: &MbufPool,
    cycles: Cycles,
) -> anyhow::Result<Vec<Queues>> {
    (0..topology.workers.count).map(|worker| queues_of(topology, ports, worker, copies, cycles)).collect()
}

fn queues_of(
    topology: &Topology,
    ports: &[Port],
    worker: u16,
    copies: &MbufPool,
    cycles: Cycles,
) -> anyhow::Result<Queues> {
    let mut rx = Vec::with_capacity(ports.len());
    // The mirror's port, behind the others, is never read.
    for (number, port) in (0..).zip(ports).take(topology.ports.len()) {
        if worker < port.rx_queues() {
            rx.push(Entrance { port: number, queue: port.take_rx(worker)? });
        }
    }
    let tx = ports.iter().map(|port| port.take_tx(worker)).collect::<Result<_, _>>()?;
    Ok(Queues { rx, out: Ways::new(tx, cycles).with_copies(copies.clone()) })
}

/// The ports that carry packets, as workers know them.
pub fn wires(topology: &Topology) -> Vec<Wire> {
    let wire = |port: &TopologyPort| Wire { role: role(port.role), peer: u8::try_from(port.peer).ok() };
    topology.ports.iter().map(wire).collect()
}

/// The Ethernet addresses of the ports, by number.
///
/// # Errors
/// A port that has none.
pub fn macs(ports: &[Port]) -> anyhow::Result<[[u8; 6]; PORTS]> {
    let mut macs = [[0; 6]; PORTS];
    for (mac, port) in macs.iter_mut().zip(ports) {
        *mac = port.mac().with_context(|| format!("{}: which Ethernet address has it?", port.name()))?;
    }
    Ok(macs)
}

fn role(role: repute_policy::Role) -> Role {
    match role {
        repute_policy::Role::Inside => Role::Inside,
        repute_policy::Role::Outside => Role::Outside,
        repute_policy::Role::Both => Role::Both,
    }
}

/// The mirror as workers know it: its port is the one behind those that carry packets.
pub fn mirror(topology: &Topology) -> Option<MirrorSetup> {
    let mirror = topology.mirror.as_ref()?;
    Some(MirrorSetup {
        port: u8::try_from(topology.ports.len()).ok()?,
        bytes: mirror.bytes.into(),
        bytes_per_s: mirror.bytes_per_s,
        tunnel: mirror.vxlan.as_ref().and_then(tunnel),
    })
}

fn tunnel(vxlan: &TopologyVxlan) -> Option<Tunnel> {
    let ends = match (vxlan.local, vxlan.remote) {
        (std::net::IpAddr::V4(src), std::net::IpAddr::V4(dst)) => Ends::V4 { src, dst },
        (std::net::IpAddr::V6(src), std::net::IpAddr::V6(dst)) => Ends::V6 { src, dst },
        // The config has refused two families.
        _ => return None,
    };
    Some(Tunnel {
        src_mac: vxlan.local_mac,
        dst_mac: vxlan.remote_mac,
        ends,
        port: vxlan.port,
        vni: Vni::new(vxlan.vni)?,
    })
}
