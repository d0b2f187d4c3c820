//! QUIC-like UDP: streams of bursts with acknowledgements the other way, uploads, downloads, both directions.

use crate::{
    address::{Pool, inside, protected_host},
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    net::{Host, datagram::send_udp},
    payload,
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Streams over UDP 443.
#[derive(Clone, Debug, PartialEq)]
pub struct Quic {
    /// How many; every second one is a download by a protected host, the others are outside clients.
    pub streams: u32,
    /// Data packets per second of the fastest streams while they run; the slowest have a fifth.
    pub rate: f64,
    /// Mean life of a stream, microseconds; another one takes its place.
    pub life_us: u64,
}

impl Default for Quic {
    fn default() -> Self {
        Self { streams: 6, rate: 200.0, life_us: 12_000_000 }
    }
}

impl Parameters for Quic {
    const FLAG: &'static str = "quic";
    const KEYS: &'static str = "streams, rate, life";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "streams" => self.streams = value.count(1..=100_000)?,
            "rate" => self.rate = value.rate()?,
            "life" => self.life_us = value.time()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

/// Outside machines per stream slot; later streams of a slot reuse them.
const REMOTES: u32 = 4;

impl Quic {
    pub(crate) fn addresses(&self) -> u32 {
        self.streams * REMOTES
    }

    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.addresses());
        let mut agenda = Agenda::default();
        let mut slots = Vec::new();
        for who in 0..self.streams {
            let start = rng.between(0, 4_000_000);
            agenda.add(start, who);
            slots.push(Stream::open(self, &pool, who, start, &mut rng));
        }
        Box::new(Streaming { parameters: self.clone(), pool, slots, agenda, rng })
    }
}

struct Stream {
    client: Host,
    server: Host,
    port: u16,
    delay_us: u64,
    connection: u64,
    /// The server sends the bulk of it; otherwise the client does.
    download: bool,
    rate: f64,
    fresh: bool,
    end_us: u64,
}

impl Stream {
    fn open(parameters: &Quic, pool: &Pool, who: u32, start_us: u64, rng: &mut Rng) -> Self {
        let remote = pool.host(who * REMOTES + rng.between(0, u64::from(REMOTES) - 1) as u32, rng);
        let v6 = remote.address.is_ipv6();
        let into_the_inside = who.is_multiple_of(2);
        let (client, server) = if into_the_inside {
            (protected_host(inside::DESKS[0] + (who % 40) as u8, v6, rng.half()), remote)
        } else {
            (remote, protected_host(inside::QUIC, v6, rng.half()))
        };
        Self {
            client,
            server,
            port: rng.ephemeral_port(),
            delay_us: rng.between(6_000, 90_000),
            connection: rng.bits(),
            download: into_the_inside || rng.chance(0.7),
            rate: parameters.rate * (0.2 + 0.8 * rng.unit()),
            fresh: true,
            end_us: start_us + rng.interval(parameters.life_us as f64),
        }
    }

    /// One packet of the client or of the server.
    fn send(&mut self, by_server: bool, time: u64, size: usize, rng: &mut Rng, out: &mut Sink) {
        let data = payload::quic(self.fresh, self.connection, size, rng);
        let (from, to, ports) = if by_server {
            (&mut self.server, self.client.address, [443, self.port])
        } else {
            (&mut self.client, self.server.address, [self.port, 443])
        };
        out.push(time, send_udp(from, to, ports, &data), &Tag::benign());
    }

    /// Handshake: an Initial each way, then both are known.
    fn greet(&mut self, time: u64, rng: &mut Rng, out: &mut Sink) {
        self.send(false, time, 1200, rng, out);
        self.send(true, time + self.delay_us, 1200, rng, out);
        self.fresh = false;
        self.send(false, time + 2 * self.delay_us, 80, rng, out);
    }

    /// Bulk packets one way, an acknowledgement for every fourth the other way.
    fn burst(&mut self, time: u64, count: u64, rng: &mut Rng, out: &mut Sink) {
        let mut at = time;
        for index in 0..count {
            at += rng.between(150, 1200);
            let size = rng.between(900, 1350) as usize;
            self.send(self.download, at, size, rng, out);
            if index % 4 == 3 {
                self.send(!self.download, at + self.delay_us, 40, rng, out);
            }
        }
    }
}

struct Streaming {
    parameters: Quic,
    pool: Pool,
    slots: Vec<Stream>,
    agenda: Agenda,
    rng: Rng,
}

impl Activity for Streaming {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, who)) = self.agenda.take() else { return };
        let rng = &mut self.rng;
        let stream = &mut self.slots[who as usize];
        if time >= stream.end_us {
            *stream = Stream::open(&self.parameters, &self.pool, who, time, rng);
        }
        if stream.fresh {
            stream.greet(time, rng, out);
            self.agenda.add(time + 3 * stream.delay_us, who);
            return;
        }
        let count = rng.between(4, 60);
        stream.burst(time, count, rng, out);
        self.agenda.add(time + (count as f64 * 1e6 / stream.rate) as u64, who);
    }
}
