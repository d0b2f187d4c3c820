//! Slow drift: a client that begins as any other and whose request rate doubles again and again, until it asks
//! without waiting for answers.

use crate::{
    address::protected_host,
    conversation::{Conversation, End, Manner, Party},
    event::{Sink, Tag},
    merge::{Activity, Agenda},
    net::Host,
    payload::{self, Turn},
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Clients that drift into a request flood.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// How many.
    pub clients: u32,
    /// Requests per second at the beginning, each client.
    pub first: f64,
    /// Time in which the rate doubles, microseconds.
    pub doubling_us: u64,
    /// Requests per second where it stops growing.
    pub limit: f64,
    /// Requests per second from which the client no longer waits for answers and counts as attack.
    pub flood_from: f64,
    /// First request, microseconds.
    pub start_us: u64,
    /// How long, microseconds.
    pub duration_us: u64,
    /// Last number of the web server asked.
    pub target: u8,
    /// Name in labels.
    pub name: String,
}

impl Default for Drift {
    fn default() -> Self {
        Self {
            clients: 2,
            first: 0.5,
            doubling_us: 4_000_000,
            limit: 200.0,
            flood_from: 10.0,
            start_us: 5_000_000,
            duration_us: 55_000_000,
            target: 12,
            name: "drift".into(),
        }
    }
}

impl Parameters for Drift {
    const FLAG: &'static str = "drift";
    const KEYS: &'static str = "clients, first, doubling, limit, flood-from, start, duration, target, name";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "clients" => self.clients = value.count(1..=1_000_000)?,
            "first" => self.first = value.rate()?,
            "doubling" => self.doubling_us = value.time()?.max(1),
            "limit" => self.limit = value.rate()?,
            "flood-from" => self.flood_from = value.rate()?,
            "start" => self.start_us = value.time()?,
            "duration" => self.duration_us = value.time()?,
            "target" => self.target = value.number()?,
            "name" => self.name = value.name()?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Drift {
    /// Requests per second this long after the first one.
    pub fn rate_after(&self, us: u64) -> f64 {
        (self.first * (us as f64 / self.doubling_us as f64).exp2()).min(self.limit)
    }

    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let mut rng = setup.rng.clone();
        let pool = setup.world.pool(self.clients);
        let mut agenda = Agenda::default();
        let clients = (0..self.clients)
            .map(|who| {
                agenda.add(self.start_us + rng.between(0, 500_000), who);
                let host = pool.host(who, &mut rng);
                Client { host, port: rng.ephemeral_port(), delay_us: rng.between(5_000, 60_000) }
            })
            .collect();
        Box::new(Drifting { tag: Tag::attack(&self.name), parameters: self.clone(), clients, agenda, rng })
    }
}

struct Client {
    host: Host,
    port: u16,
    delay_us: u64,
}

struct Drifting {
    parameters: Drift,
    clients: Vec<Client>,
    agenda: Agenda,
    tag: Tag,
    rng: Rng,
}

impl Activity for Drifting {
    fn next_us(&self) -> Option<u64> {
        self.agenda.next_us()
    }

    fn step(&mut self, out: &mut Sink) {
        let Some((time, who)) = self.agenda.take() else { return };
        let since = time - self.parameters.start_us;
        if since >= self.parameters.duration_us {
            return;
        }
        let rate = self.parameters.rate_after(since);
        let flooding = rate >= self.parameters.flood_from;
        let tag = if flooding { self.tag.clone() } else { Tag::benign() };
        let talk = self.call(who, time, tag);
        if flooding {
            shout(talk, &mut self.rng, out)
        } else {
            ask(talk, &mut self.rng, out)
        }
        let gap = (1e6 / rate) as u64;
        self.agenda.add(time + self.rng.between(gap * 8 / 10, gap * 12 / 10).max(1), who);
    }
}

impl Drifting {
    fn call(&mut self, who: u32, time: u64, tag: Tag) -> Conversation {
        let (client, rng) = (&mut self.clients[who as usize], &mut self.rng);
        client.port = if client.port >= 60_999 { 32_768 } else { client.port + 1 };
        client.host.id = rng.half();
        let host = protected_host(self.parameters.target, client.host.address.is_ipv6(), rng.half());
        let server = End { host, port: 80, delay_us: rng.between(150, 900) };
        let own = End { host: client.host.clone(), port: client.port, delay_us: client.delay_us };
        Conversation::new(own, server, Manner { loss: 0.0, gap_us: 200, tag }, time, rng)
    }
}

/// A request as it should be.
fn ask(mut talk: Conversation, rng: &mut Rng, out: &mut Sink) {
    talk.connect(out);
    talk.transfer(Party::Client, &payload::http(Turn::Request, 300, rng), rng, out);
    talk.idle(rng.between(500, 20_000));
    let size = rng.between(500, 6000) as usize;
    talk.transfer(Party::Server, &payload::http(Turn::Response, size, rng), rng, out);
    talk.close(Party::Client, out);
}

/// A request whose answer nobody acknowledges and whose connection nobody closes.
fn shout(mut talk: Conversation, rng: &mut Rng, out: &mut Sink) {
    talk.connect(out);
    talk.shout(Party::Client, &payload::http(Turn::Request, 300, rng), out);
    talk.idle(rng.between(500, 20_000));
    talk.shout(Party::Server, &payload::http(Turn::Response, 2000, rng), out);
}
