//! The box as a DNS server with an address of its own: a translation at the edges of the engine.
//!
//! ```text
//!   client ──► receive: is it for the box? ──► judged like a query to a server ──► lead: to an upstream whose turn it is
//!   client ◄── judged like a server's answer ◄── receive: whose query was it? ◄── upstream
//! ```
//!
//! Owned by a worker, called by `worker/endpoint.rs`: `Endpoint::take_query` and `Endpoint::take_answer` before a batch is
//! looked at, `Endpoint::lead` before it leaves, `Endpoint::tick` once a tick. Between the edges nothing is known of it: the
//! box's addresses are the servers of the profile.
//!
//! Always holds: what goes on comes from an address and a port of the box's own, and what comes back is for a client only where the
//! very upstream answers that was asked, at that port, by that id. One worker, the leader, asks for neighbours and checks upstreams;
//! the others read what it posts. An answer is for the worker that owns its port, which is the one that owns the client.

mod account;
mod connections;
mod flows;
mod health;
mod lead;
mod leader;
mod neighbours;
mod pool;
mod random;
mod receive;
mod span;

use std::sync::Arc;

use arrayvec::ArrayVec;
use connections::Connections;
use flows::Flows;
use leader::Leader;
use pool::Pool;
use random::Random;
use repute_model::{Dns, Limits, Tick, Upstream, UpstreamChange};
use span::Span;

pub use account::{EndpointAccount, UpstreamAccount};
pub use pool::PoolBoard;
pub(crate) use receive::Way;

use crate::{PORTS, Role, Wire};

/// What a worker has to know to be an endpoint.
#[derive(Clone, Debug)]
pub struct EndpointSetup {
    /// The Ethernet addresses of its ports, by number.
    pub macs: [[u8; 6]; PORTS],
    /// Its own number; 0 leads.
    pub worker: u16,
    /// How many there are.
    pub workers: u16,
    /// Where the leader posts whom queries may go to.
    pub board: Arc<PoolBoard>,
}

/// One worker's part of the endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The port towards clients, and its Ethernet address.
    client: (u8, [u8; 6]),
    /// The port towards upstreams, and its Ethernet address.
    upstream: (u8, [u8; 6]),
    worker: u16,
    span: Span,
    random: Random,
    flows: Flows,
    connections: Connections,
    pool: Pool,
    board: Arc<PoolBoard>,
    /// The post that the pool is of.
    post: u64,
    leader: Option<Leader>,
    /// The policy's list of upstreams: what counters are about.
    listed: ArrayVec<Upstream, { repute_model::Endpoint::UPSTREAMS_MAX }>,
    counted: EndpointAccount,
}

impl Endpoint {
    /// With these sizes, between the first port towards clients and its peer; `None` where there is no room for queries, or no
    /// such pair.
    pub fn new(setup: EndpointSetup, limits: &Limits, wires: &[Wire], seed: u64) -> Option<Box<Self>> {
        let EndpointSetup { macs, worker, workers, board } = setup;
        let client = wires.iter().position(|wire| wire.role == Role::Outside)?;
        let upstream = usize::from(wires[client].peer?);
        let is_pair = wires.get(upstream)?.role == Role::Inside && limits.flows > 0;
        let port = |number: usize| (number as u8, macs[number]);
        let span = Span::new(worker, workers);
        is_pair.then(|| {
            Box::new(Self {
                client: port(client),
                upstream: port(upstream),
                worker,
                span,
                random: Random::new(seed, worker),
                flows: Flows::new(limits.flows, seed),
                connections: Connections::new(limits.connections, span, seed),
                pool: Pool::default(),
                board,
                post: 0,
                leader: (worker == 0).then(Leader::default),
                listed: ArrayVec::new(),
                counted: EndpointAccount::default(),
            })
        })
    }

    /// Takes over the upstreams of a policy. What is known of those that stay is kept; what is under way goes on.
    pub fn adopt(&mut self, dns: Option<&Dns>) {
        let rules = dns.and_then(|dns| dns.endpoint.as_ref());
        let listed: ArrayVec<_, _> = rules
            .into_iter()
            .flat_map(|rules| &rules.upstreams)
            .copied()
            .take(self.listed.capacity())
            .collect();
        for (place, counted) in self.counted.upstreams.iter_mut().enumerate() {
            if listed.get(place) != self.listed.get(place) {
                *counted = UpstreamAccount::default();
            }
        }
        self.listed = listed;
        if let (Some(leader), Some(rules)) = (&mut self.leader, rules) {
            leader.adopt(rules);
        }
    }

    /// The port towards clients.
    pub const fn client_port(&self) -> u8 {
        self.client.0
    }

    /// The port towards upstreams.
    pub const fn upstream_port(&self) -> u8 {
        self.upstream.0
    }

    /// Whether queries of a family can go on.
    pub fn reaches(&self, v4: bool) -> bool {
        self.pool.reaches(v4)
    }

    /// A tick: the leader asks for neighbours and checks upstreams by frames that `send` sends, if it can, and tells what has
    /// changed; the others learn of it.
    pub fn tick(
        &mut self,
        dns: Option<&Dns>,
        now: Tick,
        send: impl FnMut(&[u8]) -> bool,
        tell: impl FnMut(UpstreamChange),
    ) {
        let Some(rules) = dns.and_then(|dns| dns.endpoint.as_ref()) else { return };
        let Some(leader) = &mut self.leader else {
            let post = self.board.edition();
            if post != self.post && self.board.read(&mut self.pool) {
                self.post = post;
            }
            return;
        };
        let way = leader::Way { mac: self.upstream.1, span: self.span, random: &mut self.random };
        leader.tick(rules, way, &mut self.counted, now, send);
        if leader.settle(&mut self.pool, &mut self.counted, now, tell) {
            self.board.post(&self.pool);
        }
    }

    /// What it has counted.
    pub fn account(&self) -> EndpointAccount {
        EndpointAccount {
            flows_displaced: self.flows.displaced(),
            connections_displaced: self.connections.displaced(),
            ..self.counted
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.flows.bytes() + self.connections.bytes() + size_of::<Self>()
    }
}
