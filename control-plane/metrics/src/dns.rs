//! One worker's counters of queries to DNS servers.

use crate::Named;

/// One upstream that queries go on to. All totals since boot, or since it came to its place in the config.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UpstreamSnapshot {
    /// Its address, with its port where that is not 53.
    pub name: String,
    /// Whether it is up now.
    pub is_up: bool,
    /// Queries by UDP and connections by TCP that it was given.
    pub asked: u64,
    /// Queries by UDP that it has answered.
    pub answered: u64,
    /// Checks that it was sent.
    pub checks: u64,
    /// Checks without a good answer, or that could not be sent.
    pub failed_checks: u64,
    /// How often it went down.
    pub downs: u64,
}

/// Queries and answers. All totals since boot unless said otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DnsSnapshot {
    /// Queries by the path that the standing of their requester leads to.
    pub queries: Vec<Named>,
    /// Of those: queries that went on only because nothing is done about the path of their band yet.
    pub dry_run: u64,
    /// Messages to a server that are no query.
    pub garbled: u64,
    /// What servers have made of queries.
    pub outcomes: Vec<Named>,
    /// Answers that fit no query that went to a server.
    pub unasked: u64,
    /// Domains that came under attack.
    pub attacked: u64,
    /// Queries that were pushed out of memory before they were answered.
    pub forgotten: u64,
    /// Autonomous systems whose place others needed.
    pub systems_forgotten: u64,
    /// Queries and answers that rules of policy zones decided about, by what they did.
    pub zone_effects: Vec<Named>,
    /// The same by what the rules looked at.
    pub zone_triggers: Vec<Named>,
    /// Queries that were looked up in the cache, by what it had: `hit`, `stale`, `miss`, `unfit`.
    pub lookups: Vec<Named>,
    /// Answers of servers, `kept` or by why the cache does not keep them.
    pub learned: Vec<Named>,
    /// Answers that the cache has given up: `evicted` for newer ones, `expired`.
    pub given_up: Vec<Named>,
    /// Answers in the cache now.
    pub cache_answers: u64,
    /// Bytes that these take now.
    pub cache_bytes: u64,
    /// Messages copied for dnstap: `copied`, or `lost` for want of room.
    pub tapped: Vec<Named>,
}
