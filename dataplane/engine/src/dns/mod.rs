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
mod pending;
mod rates;
mod reply;
mod secrets;
pub mod upstream;

use repute_model::{Address, Dns, Tick};

use domains::Domains;
use names::Names;
use networks::Networks;
use pending::Pending;
use rates::Rates;
use secrets::Secrets;

pub use account::DnsAccount;
pub use cache::{Asks, Cache, CacheCounters, CacheLimits, Hit, Unkept};
pub(crate) use reply::{Replies, payload};
pub(crate) use secrets::seconds;
pub use upstream::{Sent, Transaction, Upstream, Waiting};

use crate::worker::Asked;

/// What a worker keeps for DNS beside the entries of its sources.
#[derive(Debug)]
pub(crate) struct Interceptor {
    /// What names say.
    pub names: Names,
    /// What cookies are made with.
    pub secrets: Secrets,
    /// Queries that went to a server and were not answered yet.
    pub pending: Pending,
    /// Domains under attack, and names known to exist.
    pub domains: Domains,
    /// What whole networks ask for.
    pub networks: Networks,
    /// How often the same is asked for.
    pub rates: Rates,
    /// Counts what one in so many of is let slip.
    turn: u32,
}

impl Interceptor {
    /// Room for so many queries under way; `None` where that is none.
    pub fn new(queries: u32, seed: u64) -> Option<Self> {
        (queries > 0).then(|| Self {
            names: Names::new(seed),
            secrets: Secrets::new(seed),
            pending: Pending::new(queries, seed),
            domains: Domains::new(),
            networks: Networks::new(),
            rates: Rates::new(),
            turn: 0,
        })
    }

    /// Whether a network asks for this name and type too often.
    pub fn exceeds(&mut self, asked: &Asked<'_>, rules: &Dns, from: Address, now: Tick) -> bool {
        let per_s = u32::from(rules.same.per_s);
        let key = self.names.same(from, &asked.inquiry, asked.query.question.kind);
        per_s > 0 && self.rates.exceeds(key, per_s, now)
    }

    /// Whether it is the turn of one in so many.
    pub const fn slips(&mut self, one_in: u8) -> bool {
        self.turn = self.turn.wrapping_add(1);
        self.turn.is_multiple_of(if one_in == 0 { 1 } else { one_in as u32 })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let tables = [self.domains.bytes(), self.networks.bytes(), self.rates.bytes()];
        self.names.bytes() + self.pending.bytes() + tables.iter().sum::<usize>()
    }
}
