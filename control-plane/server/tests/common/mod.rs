//! A box without ports: real workers that breathe every millisecond of tokio's time, on the test's thread.
//! With paused time everything here is deterministic.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;

use repute_engine::{Batch, Published, Role, Setup, Wire, Worker, mailbox};
use repute_model::{BATCH, Io, Link, Outbox, Owners, Packet, Source, Tick};
use repute_policy::Config;
use repute_server::{BoxInfo, Hub, Loaded, PortInfo, PortRss, VersionInfo, WorkerLink, version_at_start};
use tokio::sync::{mpsc, oneshot};
use tonic::transport::{Channel, Endpoint};

/// The config that boxes begin with.
pub const CONFIG: &str = "[profiles.ingress]\n";

/// A raw IP packet.
#[derive(Debug)]
pub struct Datagram(Vec<u8>);

impl Datagram {
    /// A UDP packet without payload from an IPv4 address.
    pub fn from(src: u32) -> Self {
        let mut bytes = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0];
        bytes.extend(src.to_be_bytes());
        bytes.extend([192, 0, 2, 1]);
        bytes.extend([0x9c, 0x40, 0x30, 0x39, 0, 8, 0, 0]);
        Self(bytes)
    }

    /// A TCP SYN from an IPv4 address to 192.0.2.1, port 80.
    pub fn syn(src: u32) -> Self {
        let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
        bytes.extend(src.to_be_bytes());
        bytes.extend([192, 0, 2, 1]);
        bytes.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
        Self(bytes)
    }
}

impl Datagram {
    /// A DNS query for www.NAME.example from an IPv4 address to 192.0.2.53.
    pub fn query(src: u32, name: &str) -> Self {
        let mut message = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x03www".to_vec();
        for label in [name, "example", ""] {
            message.push(label.len() as u8);
            message.extend(label.as_bytes());
        }
        message.extend([0, 1, 0, 1]);
        let len = message.len() as u16;
        let mut bytes = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
        bytes[2..4].copy_from_slice(&(28 + len).to_be_bytes());
        bytes.extend(src.to_be_bytes());
        bytes.extend([192, 0, 2, 53, 0x9c, 0x40, 0, 53]);
        bytes.extend((8 + len).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(message);
        Self(bytes)
    }
}

impl Packet for Datagram {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn wire_len(&self) -> u32 {
        self.0.len() as u32
    }

    fn segments(&self) -> u16 {
        1
    }

    fn link(&self) -> Link {
        Link::Ip
    }

    fn prepend(&mut self, _: &[u8]) -> bool {
        false
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        None
    }

    fn resize(&mut self, _len: u32) -> bool {
        false
    }
}

/// Takes everything and forgets it.
pub struct Sink;

impl Io for Sink {
    type Packet = Datagram;

    fn send(&mut self, _: u8, packets: &mut Outbox<Datagram>) {
        packets.clear();
    }

    fn free(&mut self, packets: &mut Outbox<Datagram>) {
        packets.clear();
    }

    fn copy(&mut self, _: &Datagram, _: u32) -> Option<Datagram> {
        None
    }
}

/// A hub with its workers.
pub struct Rig {
    pub hub: Hub,
    owners: Owners,
    wires: Vec<mpsc::UnboundedSender<Datagram>>,
    asleep: Vec<(Worker<Datagram>, mpsc::UnboundedReceiver<Datagram>)>,
}

/// How a box is built.
pub struct Plan {
    pub workers: u16,
    /// Workers from this number on do not breathe until they are woken.
    pub breathing: u16,
    /// Slots of the command rings.
    pub commands: usize,
    pub config: String,
    /// How they share sources; `None` = by hash.
    pub owners: Option<Owners>,
    /// Policy versions of earlier starts.
    pub past: Vec<VersionInfo>,
    /// Whether strangers flood 192.0.2.1 with SYNs all the time, each of them with one; worker 0 receives them.
    pub flood: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            workers: 2,
            breathing: 2,
            commands: 16,
            config: CONFIG.to_owned(),
            owners: None,
            past: Vec::new(),
            flood: false,
        }
    }
}

impl Plan {
    /// One worker, and a flood of SYNs to 192.0.2.1.
    pub fn flooded() -> Self {
        Self { workers: 1, breathing: 1, flood: true, ..Self::default() }
    }

    pub fn start(self) -> Rig {
        let checked = Config::parse("test.toml", &self.config).unwrap();
        let mut links = Vec::new();
        let (mut wires, mut asleep) = (Vec::new(), Vec::new());
        for number in 0..self.workers {
            let (mailbox, handle) = mailbox(self.commands, 1024);
            let published = Published::shared();
            let policy = Box::new(checked.compile(version_at_start(&self.past, &checked)));
            let ports = [(Role::Outside, 1), (Role::Inside, 0)];
            let ports = ports.map(|(role, peer)| Wire { role, peer: Some(peer) });
            let seed = u64::from(number);
            let worker =
                Worker::new(Setup::alone(policy, checked.limits(), seed, &ports, mailbox, published.clone()));
            links.push(WorkerLink { handle, published });
            let (wire, packets) = mpsc::unbounded_channel();
            wires.push(wire);
            if number < self.breathing {
                tokio::spawn(breathe(worker, packets));
            } else {
                asleep.push((worker, packets));
            }
        }
        if self.flood {
            tokio::spawn(flood(wires[0].clone()));
        }
        let port = |name: &str, peer: &str| PortInfo {
            name: name.to_owned(),
            device: "net_null0".to_owned(),
            role: name.to_owned(),
            peer: peer.to_owned(),
            rss: PortRss::default(),
        };
        let ports = vec![port("outside", "inside"), port("inside", "outside")];
        let info = BoxInfo { version: "0.0.0".to_owned(), memory: "none".to_owned(), ports };
        let loaded = Loaded { checked, name: "test.toml".to_owned(), text: self.config };
        let owners = self.owners.unwrap_or(Owners::Hash { workers: self.workers });
        Rig { hub: Hub::resumed(links, owners.clone(), loaded, self.past, info), owners, wires, asleep }
    }
}

impl Rig {
    pub fn start() -> Self {
        Plan::default().start()
    }

    /// Workers that did not breathe begin to.
    pub fn wake(&mut self) {
        for (worker, packets) in self.asleep.drain(..) {
            tokio::spawn(breathe(worker, packets));
        }
    }

    /// Packets from these IPv4 addresses arrive at the workers that own them.
    pub fn receive(&self, sources: impl IntoIterator<Item = u32>) {
        for src in sources {
            self.deliver(src, Datagram::from(src));
        }
    }

    /// A packet of this IPv4 address arrives at the worker that owns it.
    pub fn deliver(&self, src: u32, packet: Datagram) {
        let source = Source::from_parts(repute_model::Address::v4(src), 128);
        self.wires[usize::from(self.owners.owner(source))].send(packet).unwrap();
    }

    /// Waits until the workers have received so many packets.
    pub async fn received(&self, packets: u64) {
        while self.hub.status().await.unwrap().total().ports[0].received < packets {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

async fn breathe(mut worker: Worker<Datagram>, mut packets: mpsc::UnboundedReceiver<Datagram>) {
    let mut batch = Batch::new();
    for tick in 1.. {
        while let Some(packet) = (batch.len() < BATCH).then(|| packets.try_recv().ok()).flatten() {
            batch.push(0, packet);
        }
        worker.breathe(Tick(tick), &mut batch, &mut Sink);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// A SYN every ten milliseconds, each from an address of its own, as long as the box stands.
async fn flood(wire: mpsc::UnboundedSender<Datagram>) {
    for n in 0u32.. {
        if wire.send(Datagram::syn(0x0b00_0000 | n.wrapping_mul(7919) & 0x00ff_ffff)).is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// A source from its text.
pub fn source(text: &str) -> Source {
    text.parse().unwrap()
}

/// The API of a hub on a socket in this folder, until the sender is dropped.
pub async fn serve(hub: &Hub, dir: &Path) -> (Channel, oneshot::Sender<()>) {
    let path = dir.join("repute.sock");
    let (end, ended) = oneshot::channel::<()>();
    let (hub, at) = (hub.clone(), path.clone());
    tokio::spawn(async move {
        repute_server::serve(hub, &at, async {
            let _ = ended.await;
        })
        .await
    });
    let endpoint = Endpoint::try_from(format!("unix:{}", path.display())).unwrap();
    loop {
        // The server binds on a task of its own.
        if let Ok(channel) = endpoint.connect().await {
            return (channel, end);
        }
        tokio::task::yield_now().await;
    }
}
