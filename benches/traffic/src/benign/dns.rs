//! DNS both ways: resolvers ask the protected server, protected hosts ask outside resolvers.

use std::net::IpAddr;

use crate::{
    address::{Pool, inside, protected_host},
    event::{Sink, Tag},
    merge::Activity,
    net::{Host, datagram::send_udp},
    payload,
    plan::Setup,
    rng::Rng,
    spec::{Parameters, SpecError, Value},
};

/// Queries and their answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dns {
    /// Queries per second to the protected server.
    pub queries: f64,
    /// Outside requesters; a few ask most of it.
    pub requesters: u32,
    /// Queries per second of protected hosts to outside resolvers.
    pub lookups: f64,
    /// Outside resolvers they ask.
    pub resolvers: u32,
}

impl Default for Dns {
    fn default() -> Self {
        Self { queries: 60.0, requesters: 120, lookups: 25.0, resolvers: 6 }
    }
}

impl Parameters for Dns {
    const FLAG: &'static str = "dns";
    const KEYS: &'static str = "queries, requesters, lookups, resolvers";

    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError> {
        match value.key {
            "queries" => self.queries = value.rate()?,
            "requesters" => self.requesters = value.count(1..=1_000_000)?,
            "lookups" => self.lookups = value.rate()?,
            "resolvers" => self.resolvers = value.count(1..=10_000)?,
            _ => return Err(value.unknown()),
        }
        Ok(())
    }
}

impl Dns {
    pub(crate) fn start(&self, setup: &mut Setup<'_>) -> Box<dyn Activity> {
        let requesters = setup.world.pool(self.requesters);
        let resolvers = setup.world.pool(self.resolvers);
        Box::new(Resolving {
            parameters: self.clone(),
            requesters,
            resolvers,
            next_us: 0,
            rng: setup.rng.clone(),
        })
    }
}

struct Resolving {
    parameters: Dns,
    requesters: Pool,
    resolvers: Pool,
    next_us: u64,
    rng: Rng,
}

impl Activity for Resolving {
    fn next_us(&self) -> Option<u64> {
        Some(self.next_us)
    }

    fn step(&mut self, out: &mut Sink) {
        let total = self.parameters.queries + self.parameters.lookups;
        if self.rng.chance(self.parameters.queries / total) {
            self.query(out);
        } else {
            self.lookup(out);
        }
        self.next_us += self.rng.interval(1e6 / total);
    }
}

impl Resolving {
    /// An outside requester asks the protected server.
    fn query(&mut self, out: &mut Sink) {
        let rng = &mut self.rng;
        // Squared: the first requesters are the big resolvers.
        let skewed = rng.unit() * rng.unit() * f64::from(self.requesters.len());
        let (index, delay) = (skewed as u32, rng.between(150, 800));
        let v6 = index % 5 == 4;
        let asker = self.requesters.host_of(index, v6, rng);
        let server = protected_host(inside::DNS, v6, rng.half());
        exchange([asker, server], self.next_us, delay, rng, out);
    }

    /// A protected host asks an outside resolver, whose answer comes in.
    fn lookup(&mut self, out: &mut Sink) {
        let rng = &mut self.rng;
        let index = rng.between(0, u64::from(self.resolvers.len()) - 1) as u32;
        let v6 = index % 5 == 4;
        let resolver = self.resolvers.host_of(index, v6, rng);
        let [first, last] = inside::DESKS;
        let number = rng.between(u64::from(first), u64::from(last)) as u8;
        let delay = rng.between(6_000, 60_000);
        exchange([protected_host(number, v6, rng.half()), resolver], self.next_us, delay, rng, out);
    }
}

/// A query and its answer; one in two hundred answers is lost and the query repeated after a second.
fn exchange(mut hosts: [Host; 2], time: u64, delay: u64, rng: &mut Rng, out: &mut Sink) {
    let (id, port, name) = (rng.half(), rng.between(1024, 65_535) as u16, payload::dns_name(rng));
    let qtype = rng.pick(&[1, 1, 1, 28, 28, 15, 65]);
    let (rcode, records) = (if rng.chance(0.06) { 3 } else { 0 }, rng.between(1, 6) as u16);
    let [asker, server] = &mut hosts;
    let to: [IpAddr; 2] = [server.address, asker.address];
    let question = payload::dns_query(id, &name, qtype);
    let answer = payload::dns_answer(id, &name, qtype, rcode, records, rng);
    let tag = Tag::benign();
    let mut ask = time;
    out.push(ask, send_udp(asker, to[0], [port, 53], &question), &tag);
    if rng.chance(0.005) {
        ask += 1_000_000;
        // A retry has its own port (RFC 5452 §9.2), or two IPv6 queries would be the same frame.
        let port = port ^ 1;
        out.push(ask, send_udp(asker, to[0], [port, 53], &question), &tag);
        out.push(ask + delay, send_udp(server, to[1], [53, port], &answer), &tag);
        return;
    }
    out.push(ask + delay, send_udp(server, to[1], [53, port], &answer), &tag);
}
