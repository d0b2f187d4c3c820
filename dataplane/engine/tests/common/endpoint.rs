//! A box with addresses of its own, and what is behind it: hosts that answer ARP, neighbour discovery and checks while they are
//! alive.

use std::sync::Arc;

use repute_engine::{EndpointSetup, PORTS, PoolBoard, Published, Setup, mailbox};
use repute_model::{Address, BATCH, Judgement, Limits, Upstream};
use repute_wire::arp::{self, Resolution};
use repute_wire::{L3, Neighbour, Parsed, Readdressed, make_datagram, parse_ethernet};

use super::dns::{answer, message};
use super::frame::{Frame, Ip, address};
use super::rig::{PAIR, Rig};
use super::{CACHED_DNS, INSIDE, OUTSIDE, policy};

/// Where clients ask.
pub const SERVICE: Ip = [192, 0, 2, 53];
pub const SERVICE_6: Address = Address(0x2001_0db8_0001 << 80 | 0x53);
/// From where the box asks.
pub const ORIGIN: Ip = [10, 0, 0, 9];
pub const ORIGIN_6: Address = Address(0xfd00 << 112 | 9);

/// The box's Ethernet addresses; frames made by hand are for the first one.
pub const CLIENT_PORT: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub const UPSTREAM_PORT: [u8; 6] = [2, 0, 0, 0, 0, 9];
/// Who sends the frames made by hand.
pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Whom it asks: at two places of its link, behind its gateway, and over IPv6.
pub fn upstreams() -> [Upstream; 4] {
    let v4 = |ip, port| Upstream { address: address(ip), port };
    let v6 = Upstream { address: Address(0xfd00 << 112 | 0x53), port: 53 };
    [v4([10, 0, 0, 53], 53), v4([10, 0, 0, 54], 5353), v4([198, 18, 0, 1], 53), v6]
}

/// A config of it; `keys` go on in the profile.
pub fn text(keys: &str) -> String {
    format!(
        "[profiles.dns]\n{keys}\n[profiles.dns.endpoint]\naddresses = [\"192.0.2.53\", \"2001:db8:1::53\"]\n\
         origins = [{{ address = \"10.0.0.9/24\", gateway = \"10.0.0.1\" }}, {{ address = \"fd00::9/64\" }}]\n\
         upstreams = [\"10.0.0.53\", \"10.0.0.54:5353\", \"198.18.0.1\", \"fd00::53\"]\n\
         check = {{ timeout = \"400ms\" }}\n"
    )
}

/// Tables as small as they get.
pub const LIMITS: Limits = Limits { flows: 1024, connections: 64, ..CACHED_DNS };

/// What a worker has to know, among so many.
pub fn setup(worker: u16, workers: u16, board: &Arc<PoolBoard>) -> EndpointSetup {
    let mut macs = [[0; 6]; PORTS];
    macs[usize::from(OUTSIDE)] = CLIENT_PORT;
    macs[usize::from(INSIDE)] = UPSTREAM_PORT;
    EndpointSetup { macs, worker, workers, board: Arc::clone(board) }
}

/// The box and what is behind it.
pub struct Net {
    pub rig: Rig,
    /// Which upstreams are alive.
    pub alive: [bool; 4],
    /// How many checks they saw.
    pub checks: [u32; 4],
    /// What they said, and in which tick, where somebody wants to know.
    pub heard: Option<Vec<(u64, Frame)>>,
}

impl Net {
    /// A box that has just begun.
    pub fn begun(text: &str, limits: Limits) -> Self {
        let (mailbox, handle) = mailbox(64, 8192);
        let alone = Setup::alone(Box::new(policy(text)), limits, 7, &PAIR, mailbox, Published::shared());
        let endpoint = Some(setup(0, 1, &PoolBoard::shared()));
        let mut rig = Rig::begin(Setup { endpoint, ..alone }, handle);
        rig.ports.kept = Some(Vec::new());
        Self { rig, alive: [true; 4], checks: [0; 4], heard: None }
    }

    /// A box that has found all of its upstreams.
    pub fn up(keys: &str) -> Self {
        let mut net = Self::begun(&text(keys), LIMITS);
        net.pass(5);
        net
    }

    /// So many ticks.
    pub fn pass(&mut self, ms: u64) {
        (0..ms).for_each(|_| drop(self.step(1, [])));
    }

    /// A breath `ms` later; what leaves, but for what is behind the box has answered already.
    pub fn step(&mut self, ms: u64, arrivals: impl IntoIterator<Item = (u8, Frame)>) -> Vec<(u8, Frame)> {
        self.judge(ms, arrivals).1
    }

    /// The same, with the judgements.
    pub fn judge(
        &mut self,
        ms: u64,
        arrivals: impl IntoIterator<Item = (u8, Frame)>,
    ) -> (Vec<Judgement>, Vec<(u8, Frame)>) {
        let judgements = self.rig.breathe(ms, arrivals);
        let mut rest = Vec::new();
        loop {
            let sent = self.rig.ports.kept.replace(Vec::new()).unwrap();
            let mut replies = Vec::new();
            for (port, frame) in sent {
                match if port == INSIDE { self.reply(&frame) } else { None } {
                    Some(answers) => replies.extend(answers.into_iter().map(|frame| (INSIDE, frame))),
                    None => rest.push((port, frame)),
                }
            }
            if replies.is_empty() {
                return (judgements, rest);
            }
            if let Some(heard) = &mut self.heard {
                heard.extend(replies.iter().map(|(_, frame)| (self.rig.now.0, frame.clone())));
            }
            for some in replies.chunks(BATCH) {
                self.rig.breathe(0, some.iter().cloned());
            }
        }
    }

    /// What hosts behind the box say to a frame by themselves; `None` = it is a client's.
    fn reply(&mut self, frame: &Frame) -> Option<Vec<Frame>> {
        let parsed = parsed(frame);
        let hops = upstreams().map(|upstream| hop(upstream.address));
        if parsed.l3 == L3::Arp {
            let asked = Resolution::read(&frame.bytes, &parsed).unwrap();
            if asked.operation() != arp::REQUEST {
                return None;
            }
            let has = |(place, hop): (usize, Address)| self.alive[place] && hop == asked.target();
            let is_there = hops.into_iter().enumerate().any(has);
            return Some(is_there.then(|| raw(&asked.reply(mac(asked.target())))).into_iter().collect());
        }
        if let Some(asked @ Neighbour::Solicitation { target, .. }) = Neighbour::read(&frame.bytes, &parsed) {
            let is_there = self.alive[3] && target == hops[3];
            return Some(is_there.then(|| raw(&asked.advertise(mac(target)).unwrap())).into_iter().collect());
        }
        let is_check = parsed.payload_len == 17;
        let place =
            upstreams().iter().position(|upstream| upstream.address == parsed.dst).filter(|_| is_check)?;
        self.checks[place] += 1;
        let answered = self.alive[place].then(|| says(frame, &answer(message(frame), 0, 0)));
        Some(answered.into_iter().collect())
    }

    /// What an upstream answers to a frame of the box.
    pub fn answer(&mut self, ms: u64, asked: &Frame, message: &[u8]) -> Vec<(u8, Frame)> {
        self.step(ms, [(INSIDE, says(asked, message))])
    }
}

/// The headers of a frame, which have to be right.
pub fn parsed(frame: &Frame) -> Parsed {
    let parsed = parse_ethernet(&frame.bytes, frame.wire_len);
    assert_eq!(parsed.error, None);
    parsed
}

/// The Ethernet addresses of a frame: to, from.
pub fn macs(frame: &Frame) -> ([u8; 6], [u8; 6]) {
    repute_wire::ethernet::addresses(&frame.bytes)
}

/// Who gets frames for an address behind the box.
pub fn hop(to: Address) -> Address {
    if to == upstreams()[2].address { address([10, 0, 0, 1]) } else { to }
}

/// The Ethernet address of a host behind the box.
pub fn mac(of: Address) -> [u8; 6] {
    [2, 1, 0, 0, 0, of.0 as u8]
}

pub fn raw(bytes: &[u8]) -> Frame {
    Frame::raw(repute_model::Link::Ethernet, bytes.to_vec())
}

/// A datagram in answer to a frame of the box, from whom it went to.
pub fn says(asked: &Frame, message: &[u8]) -> Frame {
    let asked = parsed(asked);
    between((asked.dst, asked.dport), (asked.src, asked.sport), (mac(hop(asked.dst)), UPSTREAM_PORT), message)
}

/// A datagram between any ends.
pub fn between(src: (Address, u16), dst: (Address, u16), macs: ([u8; 6], [u8; 6]), message: &[u8]) -> Frame {
    let ends = Readdressed { from: macs.0, to: macs.1, src, dst, id: None };
    let mut bytes = [0; 2048];
    let len = make_datagram(&mut bytes, &ends, message).unwrap();
    raw(&bytes[..len])
}
