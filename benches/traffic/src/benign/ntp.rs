//! NTP both ways: outside clients ask the protected server, protected hosts ask outside servers.

use crate::{
    address::{Pool, inside, protected_host},
    event::{Sink, Tag},
    merge::Activity,
    net::datagram::send_udp,
    payload,
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Clock queries and their answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Ntp {
    /// Queries per second, both directions together.
    pub rate: f64,
    /// Outside machines, half of them servers.
    pub peers: u32,
}

impl Default for Ntp {
    fn default() -> Self {
        Self { rate: 8.0, peers: 40 }
    }
}

impl Parameters for Ntp {
    const FLAG: &'static str = "ntp";
    const KEYS: &'static str = "rate, peers";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "rate" => self.rate = value.rate()?,
            "peers" => self.peers = value.count(2..=1_000_000)?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Ntp {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        Box::new(Clocks {
            rate: self.rate,
            peers: setup.world.pool(self.peers),
            next_us: 0,
            rng: setup.rng.clone(),
        })
    }
}

struct Clocks {
    rate: f64,
    peers: Pool,
    next_us: u64,
    rng: Rng,
}

impl Activity for Clocks {
    fn next_us(&self) -> Option<u64> {
        Some(self.next_us)
    }

    fn step(&mut self, out: &mut Sink) {
        let rng = &mut self.rng;
        let index = rng.between(0, u64::from(self.peers.len()) - 1) as u32;
        let mut peer = self.peers.host(index, rng);
        let v6 = peer.address.is_ipv6();
        let outside_serves = index.is_multiple_of(2);
        let number = if outside_serves { rng.pick(&[10, 53, 141, 145, 157, 179]) } else { inside::NTP };
        let mut own = protected_host(number, v6, rng.half());
        let (port, tag) = (rng.ephemeral_port(), Tag::benign());
        let delay = if outside_serves { rng.between(5_000, 80_000) } else { rng.between(100, 400) };
        let (asker, server) = if outside_serves { (&mut own, &mut peer) } else { (&mut peer, &mut own) };
        let ends = [server.address, asker.address];
        out.push(self.next_us, send_udp(asker, ends[0], [port, 123], &payload::ntp(3, rng)), &tag);
        out.push(self.next_us + delay, send_udp(server, ends[1], [123, port], &payload::ntp(4, rng)), &tag);
        self.next_us += rng.interval(1e6 / self.rate);
    }
}
