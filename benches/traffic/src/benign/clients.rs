//! Outside people with browsers: pages over one or several parallel connections, pauses, now and then a mistake.

use crate::{
    address::{Pool, inside},
    conversation::{Conversation, End, Manner},
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    net::Host,
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Web clients of the protected servers.
#[derive(Clone, Debug, PartialEq)]
pub struct Clients {
    /// How many there are; half from the beginning, the others arrive over the capture.
    pub clients: u32,
    /// Mean pause between two pages, microseconds.
    pub pause_us: u64,
    /// Probability that a data segment is lost once.
    pub loss: f64,
    /// Connections a browser opens at once, at most.
    pub parallel: u32,
    /// Share of pages where the client calls a closed port or a dead host instead.
    pub mistakes: f64,
}

impl Default for Clients {
    fn default() -> Self {
        Self { clients: 200, pause_us: 9_000_000, loss: 0.015, parallel: 8, mistakes: 0.02 }
    }
}

impl Parameters for Clients {
    const FLAG: &'static str = "benign";
    const KEYS: &'static str = "clients, pause, loss, parallel, mistakes";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "clients" => self.clients = value.count(1..=1_000_000)?,
            "pause" => self.pause_us = value.time()?,
            "loss" => self.loss = value.share()?,
            "parallel" => self.parallel = value.count(1..=8)?,
            "mistakes" => self.mistakes = value.share()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Clients {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.clients);
        let people = (0..self.clients).map(|index| Person::new(&pool, index, &mut rng)).collect();
        let mut agenda = Agenda::default();
        for who in 0..self.clients {
            let latest = if who.is_multiple_of(2) { 3_000_000 } else { setup.duration_us };
            agenda.add(rng.between(0, latest), who);
        }
        Box::new(Browsing { parameters: self.clone(), people, agenda, rng })
    }
}

struct Person {
    host: Host,
    delay_us: u64,
    gap_us: u64,
    port: u16,
}

impl Person {
    fn new(pool: &Pool, index: u32, rng: &mut Rng) -> Self {
        Self {
            host: pool.host(index, rng),
            delay_us: rng.between(5_000, 150_000),
            gap_us: rng.between(60, 600),
            port: rng.ephemeral_port(),
        }
    }

    /// Its end of a fresh connection.
    fn end(&mut self, rng: &mut Rng) -> End {
        self.port = if self.port >= 60_999 { 32_768 } else { self.port + 1 };
        self.host.id = rng.half();
        End { host: self.host.clone(), port: self.port, delay_us: self.delay_us }
    }
}

struct Browsing {
    parameters: Clients,
    people: Vec<Person>,
    agenda: Agenda,
    rng: Rng,
}

impl Activity for Browsing {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, who)) = self.agenda.take() else { return };
        let end = if self.rng.chance(self.parameters.mistakes) {
            self.mistake(who as usize, time, out)
        } else {
            self.page(who as usize, time, out)
        };
        self.agenda.add(end + self.rng.interval(self.parameters.pause_us as f64), who);
    }
}

impl Browsing {
    fn page(&mut self, who: usize, time: u64, out: &mut Sink) -> u64 {
        let number = self.rng.pick(&inside::WEB);
        let encrypted = self.rng.chance(0.85);
        let most = u64::from(self.parameters.parallel);
        let connections = if self.rng.chance(0.3) { self.rng.between(1, most) } else { 1 };
        let mut last = time;
        for index in 0..connections {
            let start = time + index * self.rng.between(500, 30_000);
            let talk = self.call(who, number, if encrypted { 443 } else { 80 }, start);
            last = last.max(super::browse(talk, encrypted, &mut self.rng, out));
        }
        last
    }

    /// A closed port that refuses, or a dead host that the client calls until it gives up.
    fn mistake(&mut self, who: usize, time: u64, out: &mut Sink) -> u64 {
        if self.rng.chance(0.5) {
            let mut talk = self.call(who, inside::WEB[0], 8080, time);
            talk.call(out);
            talk.refuse(out);
            return talk.now_us;
        }
        let mut talk = self.call(who, 13, 80, time);
        talk.call_lost(4, out);
        talk.now_us
    }

    fn call(&mut self, who: usize, number: u8, port: u16, time: u64) -> Conversation {
        let person = &mut self.people[who];
        let v6 = person.host.address.is_ipv6();
        let manner = Manner { loss: self.parameters.loss, gap_us: person.gap_us, tag: Tag::benign() };
        let server = End::protected(number, port, v6, &mut self.rng);
        Conversation::new(person.end(&mut self.rng), server, manner, time, &mut self.rng)
    }
}
