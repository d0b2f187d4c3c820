//! Unwanted queries to the protected name server: made-up names, tunnels, random subdomains, floods.

use super::Beat;
use crate::{
    address::{inside, protected_host},
    event::{Sink, Tag},
    merge::Activity,
    net::{Host, datagram::send_udp},
    payload,
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Names that an algorithm made up, none of which exists: malware that looks for its master.
    Algorithm,
    /// Long names that never come again, in TXT and NULL: a tunnel.
    Tunnel,
    /// Random names below one domain, none of which exists (water torture).
    Torture,
    /// What everybody asks for, but more of it.
    Flood,
}

/// Unwanted queries.
#[derive(Clone, Debug, PartialEq)]
pub struct Queries {
    /// What is asked for.
    pub asks: Asks,
    /// Queries per second, all requesters together.
    pub rate: f64,
    /// Requesters.
    pub requesters: u32,
    /// First packet, microseconds.
    pub start_us: u64,
    /// How long, microseconds.
    pub duration_us: u64,
    /// Name in labels.
    pub name: String,
}

impl Default for Queries {
    fn default() -> Self {
        Self {
            asks: Asks::Algorithm,
            rate: 10.0,
            requesters: 1,
            start_us: 20_000_000,
            duration_us: 30_000_000,
            name: "queries".into(),
        }
    }
}

impl Parameters for Queries {
    const FLAG: &'static str = "queries";
    const KEYS: &'static str =
        "kind (algorithm, tunnel, torture, flood), rate, requesters, start, duration, name";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "kind" => {
                self.asks = value.choice(&[
                    ("algorithm", Asks::Algorithm),
                    ("tunnel", Asks::Tunnel),
                    ("torture", Asks::Torture),
                    ("flood", Asks::Flood),
                ])?;
            }
            "rate" => self.rate = value.rate()?,
            "requesters" => self.requesters = value.count(1..=10_000_000)?,
            "start" => self.start_us = value.time()?,
            "duration" => self.duration_us = value.time()?,
            "name" => self.name = value.name()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Queries {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.requesters);
        let requesters = (0..self.requesters).map(|index| pool.host(index, &mut rng)).collect();
        Box::new(Asking {
            beat: Beat::new(self.start_us, self.duration_us, self.rate),
            asks: self.asks,
            requesters,
            tag: Tag::attack(&self.name),
            rng,
        })
    }
}

struct Asking {
    beat: Beat,
    asks: Asks,
    requesters: Vec<Host>,
    tag: Tag,
    rng: Rng,
}

impl Activity for Asking {
    fn next_us(&self) -> Option<u64> {
        self.beat.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, _)) = self.beat.take() else { return };
        let rng = &mut self.rng;
        let who = rng.between(0, self.requesters.len() as u64 - 1) as usize;
        let asker = &mut self.requesters[who];
        let (name, qtype, rcode, records) = self.asks.question(rng);
        let (id, port) = (rng.half(), rng.between(1024, 65_535) as u16);
        let question = payload::dns_query(id, &name, qtype);
        let answer = payload::dns_answer(id, &name, qtype, rcode, records, rng);
        let mut server = protected_host(inside::DNS, asker.address.is_ipv6(), rng.half());
        out.push(time, send_udp(asker, server.address, [port, 53], &question), &self.tag);
        let back = send_udp(&mut server, asker.address, [53, port], &answer);
        out.push(time + rng.between(150, 800), back, &self.tag.answer());
    }
}

const LETTERS: [u8; 26] = *b"abcdefghijklmnopqrstuvwxyz";
const BASE32: [u8; 32] = *b"abcdefghijklmnopqrstuvwxyz234567";

impl Asks {
    /// A name and a type, and what the server answers: its code, and so many records.
    fn question(self, rng: &mut Rng) -> (String, u16, u8, u16) {
        const NULL: u16 = 10;
        const TXT: u16 = 16;
        match self {
            Self::Algorithm => {
                let len = rng.between(9, 20);
                let top = rng.pick(&["com", "net", "org", "info"]);
                (format!("{}.{top}", random(&LETTERS, len, rng)), 1, 3, 0)
            }
            Self::Tunnel => {
                let [one, other] = [50, 40].map(|len| random(&BASE32, len, rng));
                (format!("{one}.{other}.t.example.net"), rng.pick(&[NULL, TXT]), 0, 20)
            }
            Self::Torture => (format!("{}.example.net", random(&LETTERS, 10, rng)), 1, 3, 0),
            Self::Flood => (format!("www{}.example.net", rng.between(0, 20)), 1, 0, 2),
        }
    }
}

fn random(of: &[u8], len: u64, rng: &mut Rng) -> String {
    (0..len).map(|_| char::from(rng.pick(of))).collect()
}
