//! Ports, their pairs, the mirror and the workers, as plain values for the daemon.
//!
//! **Always holds:** what stands in `ports` carries packets and has a peer; the mirror's port stands apart.

use std::net::IpAddr;

use crate::config::{Config, Idle, LinkRule, Mirror, Port, PortRole, Vxlan};
use crate::pairing::{Carrier, carriers, peers};
use crate::value::Named;

/// What the daemon has to open, start and join.
#[derive(Clone, PartialEq, Debug)]
pub struct Topology {
    /// Ports that carry packets, in the order of their names; empty where the config names none.
    pub ports: Vec<TopologyPort>,
    /// Pairs of positions in `ports`, the smaller one first; a port that is its own peer twice.
    pub pairs: Vec<(usize, usize)>,
    /// Where copies of packets go.
    pub mirror: Option<TopologyMirror>,
    /// The threads that move packets.
    pub workers: TopologyWorkers,
    /// Packet buffers, for each worker.
    pub mbufs: u32,
}

/// Which side of the wire a port that carries packets is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Towards what the box protects.
    Inside,
    /// Towards everybody else.
    Outside,
    /// Carries both; the `inside` prefixes tell them apart.
    Both,
}

impl Role {
    /// The side of a port of the config; `None` for a mirror, which carries nothing.
    pub(crate) const fn of(role: PortRole) -> Option<Self> {
        match role {
            PortRole::Inside => Some(Self::Inside),
            PortRole::Outside => Some(Self::Outside),
            PortRole::Both => Some(Self::Both),
            PortRole::Mirror => None,
        }
    }
}

/// One port that carries packets.
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
    /// Receive queues: 1, or as many as workers.
    pub rx_queues: u16,
    /// What it does when its peer loses its link.
    pub link: LinkRule,
}

/// Where copies of packets go.
#[derive(Clone, PartialEq, Debug)]
pub struct TopologyMirror {
    /// The port they are sent out of; none of [`Topology::ports`].
    pub port: MirrorPort,
    /// Bytes of a frame that are copied, 64..=9000. With its tunnel the copy fits the port's MTU.
    pub bytes: u16,
    /// Bytes per second that copies may take on the wire, for each worker.
    pub bytes_per_s: u64,
    /// Buffers for copies, for each worker.
    pub mbufs: u32,
    /// The tunnel; `None` = copies are sent as they are.
    pub vxlan: Option<TopologyVxlan>,
}

/// The port of the mirror.
#[derive(Clone, PartialEq, Debug)]
pub struct MirrorPort {
    /// Its name in the config.
    pub name: String,
    /// DPDK device arguments, where the config gives them.
    pub device: Option<String>,
    /// Largest IP packet in bytes.
    pub mtu: u16,
}

/// A VXLAN tunnel (RFC 7348) between two hosts of one address family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TopologyVxlan {
    /// VXLAN network identifier, 1..=2^24 − 1.
    pub vni: u32,
    /// This end.
    pub local: IpAddr,
    /// The other end.
    pub remote: IpAddr,
    /// Ethernet address of this end, in the order of the wire.
    pub local_mac: [u8; 6],
    /// Ethernet address of the next hop towards the other end.
    pub remote_mac: [u8; 6],
    /// UDP port of the other end.
    pub port: u16,
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

/// The topology of a config whose ports all have peers.
pub(crate) fn topology(config: &Config) -> Topology {
    let ports = ports(config);
    let pairs =
        ports.iter().enumerate().map(|(own, port)| (own, port.peer)).filter(|(own, peer)| own <= peer);
    let workers = &config.workers;
    Topology {
        pairs: pairs.collect(),
        ports,
        mirror: config.mirror.as_ref().and_then(|mirror| self::mirror(mirror, &config.ports)),
        workers: TopologyWorkers {
            count: workers.count.get() as u16,
            cores: workers.cores.as_ref().map(|cores| cores.iter().map(|core| core.get() as u16).collect()),
            idle: workers.idle,
        },
        mbufs: config.limits.mbufs.get() as u32,
    }
}

fn ports(config: &Config) -> Vec<TopologyPort> {
    let names: Vec<&str> = carriers(&config.ports).map(|carrier| carrier.name).collect();
    let position = |name: &str| names.iter().position(|other| *other == name);
    let peers = peers(&config.ports).into_iter().map(|(_, peer)| peer.ok().and_then(position));
    let one = |(own, (carrier, peer)): (usize, (Carrier<'_>, Option<usize>))| TopologyPort {
        name: carrier.name.to_owned(),
        device: device(carrier.port),
        role: carrier.role,
        peer: peer.unwrap_or(own),
        mtu: carrier.port.mtu.get() as u16,
        rx_queues: rx_queues(config, carrier.port),
        link: carrier.port.link,
    };
    carriers(&config.ports).zip(peers).enumerate().map(one).collect()
}

fn device(port: &Port) -> Option<String> {
    port.device.as_ref().map(ToString::to_string)
}

/// How many receive queues a port has: those it names, or one for each worker.
fn rx_queues(config: &Config, port: &Port) -> u16 {
    let named = port.rx_queues.get();
    (if named == 0 { config.workers.count.get() } else { named }) as u16
}

fn mirror(mirror: &Mirror, ports: &Named<Port>) -> Option<TopologyMirror> {
    let port = ports.get(mirror.port.as_str())?;
    Some(TopologyMirror {
        port: MirrorPort { name: mirror.port.to_string(), device: device(port), mtu: port.mtu.get() as u16 },
        bytes: mirror.bytes.get() as u16,
        bytes_per_s: mirror.rate.get() / 8,
        mbufs: mirror.mbufs.get() as u32,
        vxlan: mirror.vxlan.as_ref().map(vxlan),
    })
}

fn vxlan(vxlan: &Vxlan) -> TopologyVxlan {
    TopologyVxlan {
        vni: vxlan.vni.get() as u32,
        local: vxlan.local.get(),
        remote: vxlan.remote.get(),
        local_mac: vxlan.local_mac.get(),
        remote_mac: vxlan.remote_mac.get(),
        port: vxlan.port.get() as u16,
    }
}
