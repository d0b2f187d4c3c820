//! Protected people browsing outside servers: connections open from the inside, downloads come in.

use crate::{
    address::{Pool, inside, protected_host},
    conversation::{Conversation, End, Manner},
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Workstations with browsers.
#[derive(Clone, Debug, PartialEq)]
pub struct Outbound {
    /// How many workstations browse.
    pub hosts: u32,
    /// How many outside servers they choose from.
    pub servers: u32,
    /// Mean pause between two pages, microseconds.
    pub pause_us: u64,
    /// Probability that a data segment is lost once.
    pub loss: f64,
}

impl Default for Outbound {
    fn default() -> Self {
        Self { hosts: 30, servers: 60, pause_us: 8_000_000, loss: 0.01 }
    }
}

impl Parameters for Outbound {
    const FLAG: &'static str = "outbound";
    const KEYS: &'static str = "hosts, servers, pause, loss";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "hosts" => self.hosts = value.count(1..=40)?,
            "servers" => self.servers = value.count(1..=1_000_000)?,
            "pause" => self.pause_us = value.time()?,
            "loss" => self.loss = value.share()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Outbound {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let servers = setup.world.pool(self.servers);
        let mut agenda = Agenda::default();
        for who in 0..self.hosts {
            agenda.add(rng.between(0, 5_000_000), who);
        }
        let ports = (0..self.hosts).map(|_| rng.ephemeral_port()).collect();
        Box::new(Surfing { parameters: self.clone(), servers, ports, agenda, rng })
    }
}

struct Surfing {
    parameters: Outbound,
    servers: Pool,
    ports: Vec<u16>,
    agenda: Agenda,
    rng: Rng,
}

impl Activity for Surfing {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, who)) = self.agenda.take() else { return };
        let server = self.rng.between(0, u64::from(self.servers.len()) - 1) as u32;
        let encrypted = self.rng.chance(0.9);
        let mut last = time;
        for index in 0..self.rng.pick(&[1u64, 1, 2, 4]) {
            let start = time + index * self.rng.between(500, 20_000);
            let talk = self.call(who, server, if encrypted { 443 } else { 80 }, start);
            last = last.max(super::browse(talk, encrypted, &mut self.rng, out));
        }
        self.agenda.add(last + self.rng.interval(self.parameters.pause_us as f64), who);
    }
}

impl Surfing {
    fn call(&mut self, who: u32, server: u32, port: u16, time: u64) -> Conversation {
        let rng = &mut self.rng;
        let own = &mut self.ports[who as usize];
        *own = if *own >= 60_999 { 32_768 } else { *own + 1 };
        let host = self.servers.host(server, rng);
        let number = inside::DESKS[0] + who as u8;
        let desk = protected_host(number, host.address.is_ipv6(), rng.half());
        let client = End { host: desk, port: *own, delay_us: rng.between(150, 900) };
        let remote = End { host, port, delay_us: rng.between(5_000, 120_000) };
        let manner = Manner { loss: self.parameters.loss, gap_us: 120, tag: Tag::benign() };
        Conversation::new(client, remote, manner, time, rng)
    }
}
