//! DNS: what becomes of the queries to a protected server, and of the answers that come back.
//!
//! Rooms of the interceptor, owned by a worker and called by its stage `worker/dns.rs` where the policy has a DNS
//! profile; without one nothing here exists. Always holds: everything is made at boot, nothing here allocates afterwards;
//! time comes as a tick, randomness as a seed.

mod account;
pub mod cache;
mod domains;
mod names;
mod networks;
mod rates;
mod ready;
mod repeats;
mod reply;
mod secrets;
mod systems;
mod top;
pub mod upstream;
pub(crate) mod zones;

use repute_model::{BATCH, Dns, FlatName, Limits, Source, Tick};
use repute_wire::Datagram;
use repute_wire::dns::{Name, Rcode, Shape};

use domains::Domains;
use names::Names;
use networks::Networks;
use rates::Rates;
use repeats::Repeats;
use secrets::Secrets;
use systems::Systems;
use top::Top;

pub use account::DnsAccount;
pub use cache::{Asks, Cache, CacheCounters, CacheLimits, Found, Hit, UDP_MAX, Unkept};
pub(crate) use networks::Served;
pub(crate) use repeats::{Known, Place, Repeat, Whereabouts};
pub(crate) use reply::{Replies, payload};
pub(crate) use secrets::seconds;
pub use upstream::{Sent, Transaction, Upstream, Waiting};

use crate::worker::Asked;

/// After so many queries in a row that stayed without an answer the server is silent.
const SILENT_AFTER: u32 = 8;
/// One in so many queries is asked of a silent server though there is an old answer.
const ASKED_ONE_IN: u8 = 16;

/// What a worker keeps for DNS beside the entries of its sources.
#[derive(Debug)]
pub(crate) struct Interceptor {
    /// What names say.
    pub names: Names,
    /// What cookies are made with.
    pub secrets: Secrets,
    /// Queries that went to a server and were not answered yet.
    pub upstream: Upstream,
    /// Answers that may be given again, where there is room for any.
    pub cache: Option<Cache>,
    /// Queries that it has answered.
    pub repeats: Repeats,
    /// What was found out ahead about the queries of the batch under way, by their places there.
    pub ahead: Box<[Ahead; BATCH]>,
    /// Whether queries of the batch under way may be answered shortly: nobody is alarmed, and the server is there.
    pub is_calm: bool,
    /// What it gives for the queries of the batch under way that it answers, by their places there.
    pub given: Box<[Given; BATCH]>,
    /// Domains under attack, and names known to exist.
    pub domains: Domains,
    /// What whole networks ask for.
    pub networks: Networks,
    /// What the autonomous systems of requesters ask for.
    pub systems: Systems,
    /// How often the same is asked for.
    pub rates: Rates,
    /// Who asks most.
    pub requesters: Top<Option<Source>>,
    /// Below which domains most is asked for.
    pub most_asked: Top<FlatName>,
    /// Whether queries over IPv4, and those over IPv6, have nobody to go on to.
    pub cut_off: [bool; 2],
    /// Counts what one in so many of is let slip.
    turn: u32,
}

/// What is found out about a query while its batch is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ahead {
    /// Its headers, where an outline told of them.
    pub datagram: Option<Datagram>,
    /// Where it would be among those that the cache has answered.
    pub at: Option<Whereabouts>,
    /// Where it probably is.
    pub place: Option<Place>,
}

/// The packet of a batch whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Its place in the batch.
    pub place: usize,
    /// The policy's edition.
    pub edition: u64,
    /// The time.
    pub now: Tick,
    /// Whether it is asked over IPv4.
    pub v4: bool,
}

/// What the cache gives for a query, from its judgement until it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given {
    /// The answer.
    pub found: Found,
    /// What the query was found to be, if that is plain enough.
    pub shape: Option<Shape>,
    /// Whether its headers are those that were found ahead.
    pub is_ahead: bool,
}

impl Interceptor {
    /// With these sizes; `None` where there is no room for queries under way.
    pub fn new(limits: &Limits, seed: u64) -> Option<Self> {
        let (queries, bytes) = (limits.queries, limits.cache_bytes as usize);
        let sizes = CacheLimits { entries: limits.cache_answers, bytes, ..CacheLimits::default() };
        (queries > 0).then(|| Self {
            names: Names::new(seed),
            secrets: Secrets::new(seed),
            upstream: Upstream::new(queries, seed),
            cache: (sizes.entries > 0 && bytes > 0).then(|| Cache::new(sizes, seed)),
            repeats: Repeats::new(limits.cache_answers, seed),
            ahead: Box::new([Ahead::default(); BATCH]),
            is_calm: false,
            given: Box::new([Given::default(); BATCH]),
            domains: Domains::new(),
            networks: Networks::new(),
            systems: Systems::new(),
            rates: Rates::new(),
            requesters: Top::new(None),
            most_asked: Top::new(FlatName::ROOT),
            cut_off: [false; 2],
            turn: 0,
        })
    }

    /// Whether it is the turn of one in so many.
    pub const fn slips(&mut self, one_in: u8) -> bool {
        self.turn = self.turn.wrapping_add(1);
        self.turn.is_multiple_of(if one_in == 0 { 1 } else { one_in as u32 })
    }

    /// Whether queries of a family have nobody to go on to.
    pub const fn is_cut_off(&self, v4: bool) -> bool {
        self.cut_off[if v4 { 0 } else { 1 }]
    }

    /// What the cache has for a query: what it says, and in how many bytes. While the server is silent one query in so many
    /// gets no old answer and goes on, so that somebody notices when the server is back.
    pub fn cached(&mut self, asked: &Asked<'_>, rules: &Dns, turn: Turn) -> Option<(Rcode, usize)> {
        let silent = self.is_cut_off(turn.v4) || self.is_server_silent() && !self.slips(ASKED_ONE_IN);
        let Asked { query, shape, inquiry, found: known, .. } = *asked;
        let hit = self.cache.as_mut()?.lookup(&query, known, &rules.cache, silent, turn.now)?;
        let found = hit.found;
        let says = (hit.rcode(), hit.bytes(query.udp_size().min(UDP_MAX)));
        // Who asks for a honeypot is told of, which the way of what is known leaves out.
        if let Some(shape) = shape.filter(|_| known != Some(found) && !inquiry.is_honeypot) {
            self.repeats.note(query.message.bytes(), turn.edition, Repeat { shape, inquiry, found });
        }
        self.given[turn.place % BATCH] = Given { found, shape, ..Given::default() };
        Some(says)
    }

    /// Counts `times` queries of a requester for those who want to know who asks most; `source` tells who that is where it is
    /// new.
    pub fn count_requester(
        &mut self,
        key: u64,
        times: u16,
        now: Tick,
        source: impl FnOnce() -> Option<Source>,
    ) {
        self.requesters.count(key, times, now, source);
    }

    /// Counts `times` queries for a domain, which `name` lies in, for those who want to know what most is asked for.
    pub fn count_domain(&mut self, domain: u32, times: u16, now: Tick, name: Name<'_>) {
        let Self { names, most_asked, .. } = self;
        most_asked.count(domain.into(), times, now, || names.domain(&name));
    }

    /// Counts that a name of a domain does not exist.
    pub fn miss(&mut self, domain: u32, requester: u64, now: Tick) {
        self.requesters.miss(requester, now);
        self.most_asked.miss(domain.into(), now);
    }

    /// Whether the server has answered nothing for a while.
    pub fn is_server_silent(&self) -> bool {
        self.upstream.unanswered_in_a_row() >= SILENT_AFTER
    }

    /// Takes over what its rooms have counted.
    pub fn tell(&self, account: &mut DnsAccount) {
        account.forgotten = self.upstream.forgotten();
        account.systems_forgotten = self.systems.forgotten();
        if let Some(cache) = &self.cache {
            account.cache_stands(cache);
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let top = self.requesters.bytes() + self.most_asked.bytes();
        let networks = self.networks.bytes() + self.systems.bytes();
        let tables = [self.domains.bytes(), networks, self.rates.bytes(), top];
        let cache = self.cache.as_ref().map_or(0, Cache::memory);
        self.names.bytes()
            + self.upstream.bytes()
            + cache
            + self.repeats.bytes()
            + tables.iter().sum::<usize>()
    }
}
