//! DNS: what becomes of the queries to a protected server, and of the answers that come back.
//!
//! Rooms of the interceptor, owned by a worker and called by its stage `worker/dns.rs` where the policy has a DNS
//! profile; without one nothing here exists. Always holds: everything is made at boot, nothing here allocates afterwards;
//! time comes as a tick, randomness as a seed.

mod account;
pub mod cache;
mod names;
mod pending;
mod reply;
mod secrets;
pub mod upstream;

use names::Names;
use pending::Pending;
use secrets::Secrets;

pub use account::DnsAccount;
pub use cache::{Asks, Cache, CacheCounters, CacheLimits, Hit, Unkept};
pub(crate) use reply::{Replies, payload};
pub(crate) use secrets::seconds;
pub use upstream::{Sent, Transaction, Upstream, Waiting};

/// What a worker keeps for DNS beside the entries of its sources.
#[derive(Debug)]
pub(crate) struct Interceptor {
    /// What names say.
    pub names: Names,
    /// What cookies are made with.
    pub secrets: Secrets,
    /// Queries that went to a server and were not answered yet.
    pub pending: Pending,
}

impl Interceptor {
    /// Room for so many queries under way; `None` where that is none.
    pub fn new(queries: u32, seed: u64) -> Option<Self> {
        (queries > 0).then(|| Self {
            names: Names::new(seed),
            secrets: Secrets::new(seed),
            pending: Pending::new(queries, seed),
        })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.names.bytes() + self.pending.bytes()
    }
}
