//! Ports, their pairs and the workers, as plain values for the daemon.

use crate::config::{Config, Idle, Port, Role};
use crate::value::Named;

/// What the daemon has to open, start and join.
#[derive(Clone, PartialEq, Debug)]
pub struct Topology {
    /// Ports in the order of their names; empty where the config names none.
    pub ports: Vec<TopologyPort>,
    /// Pairs of positions in `ports`, the smaller one first; a port that is its own peer twice.
    pub pairs: Vec<(usize, usize)>,
    /// The threads that move packets.
    pub workers: TopologyWorkers,
    /// Packet buffers, for each worker.
    pub mbufs: u32,
}

/// One port.
#[derive(Clone, PartialEq, Debug)]
pub struct TopologyPort {
    /// Its name in the config.
    pub name: String,
    /// DPDK device arguments, where the config gives them.
    pub device: Option<String>,
    /// Which side it is on.
    pub role: Role,
    /// Position of the port that its packets leave by.
    pub peer: usize,
    /// Largest IP packet in bytes.
    pub mtu: u16,
    /// Receive queues, 1..=64.
    pub rx_queues: u16,
}

/// The threads that move packets.
#[derive(Clone, PartialEq, Debug)]
pub struct TopologyWorkers {
    /// How many, 1..=64.
    pub count: u16,
    /// The core of each, where the config gives them; as many as `count`.
    pub cores: Option<Vec<u16>>,
    /// What they do when queues are empty.
    pub idle: Idle,
}

/// Why a port has no peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unpaired {
    /// It names a port that is none.
    Unknown(String),
    /// It names none and there is not exactly one to choose.
    Undecided,
    /// Its peer forwards to somebody else.
    OneWay(String),
    /// Both roles together make no pair.
    Roles(String),
}

/// The peer of every port by name, in the order of the ports, or why it has none.
pub(crate) fn peers(ports: &Named<Port>) -> Vec<(&str, Result<&str, Unpaired>)> {
    ports.names().map(|name| (name, peer(ports, name))).collect()
}

fn peer<'a>(ports: &'a Named<Port>, name: &str) -> Result<&'a str, Unpaired> {
    let there = chosen(ports, name)?;
    match chosen(ports, there) {
        Ok(back) if back == name => {}
        _ => return Err(Unpaired::OneWay(there.to_owned())),
    }
    let role = |name| ports.get(name).map(|port| port.role);
    let fits = match (role(name), role(there)) {
        (Some(Role::Both), Some(Role::Both)) => true,
        (Some(a), Some(b)) => a != b && a != Role::Both && b != Role::Both,
        _ => false,
    };
    if fits { Ok(there) } else { Err(Unpaired::Roles(there.to_owned())) }
}

/// The port that `name` forwards to: the one it names, the one that names it, the only other one, itself.
fn chosen<'a>(ports: &'a Named<Port>, name: &str) -> Result<&'a str, Unpaired> {
    let named = ports.get(name).and_then(|port| port.peer.as_ref());
    if let Some(peer) = named {
        let found = ports.names().find(|other| *other == peer.as_str());
        return found.ok_or_else(|| Unpaired::Unknown(peer.to_string()));
    }
    let naming = ports.iter().find(|(_, port)| port.peer.as_ref().is_some_and(|peer| peer.as_str() == name));
    if let Some((other, _)) = naming {
        return Ok(other);
    }
    let mut others = ports.names().filter(|other| *other != name);
    match (others.next(), others.next()) {
        (Some(other), None) => Ok(other),
        (None, _) => ports.names().next().ok_or(Unpaired::Undecided),
        _ => Err(Unpaired::Undecided),
    }
}

/// The topology of a config whose ports all have peers.
pub(crate) fn topology(config: &Config) -> Topology {
    let names: Vec<&str> = config.ports.names().collect();
    let position = |name: &str| names.iter().position(|other| *other == name);
    let peers: Vec<usize> = peers(&config.ports)
        .into_iter()
        .enumerate()
        .map(|(own, (_, peer))| peer.ok().and_then(position).unwrap_or(own))
        .collect();
    let ports = config.ports.iter().zip(&peers).map(|((name, port), &peer)| TopologyPort {
        name: name.clone(),
        device: port.device.as_ref().map(ToString::to_string),
        role: port.role,
        peer,
        mtu: port.mtu.get() as u16,
        rx_queues: port.rx_queues.get() as u16,
    });
    let workers = &config.workers;
    Topology {
        ports: ports.collect(),
        pairs: peers.iter().enumerate().filter(|(own, peer)| own <= *peer).map(|(a, &b)| (a, b)).collect(),
        workers: TopologyWorkers {
            count: workers.count.get() as u16,
            cores: workers.cores.as_ref().map(|cores| cores.iter().map(|core| core.get() as u16).collect()),
            idle: workers.idle,
        },
        mbufs: config.limits.mbufs.get() as u32,
    }
}
