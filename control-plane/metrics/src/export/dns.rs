//! What workers do with queries to DNS servers.

use std::fmt;

use super::workers::{Breakdown, Counter, Gauge, Tables, about};
use crate::family::{About, Families, Labels};
use crate::{UpstreamSnapshot, WorkerSnapshot};

const COUNTERS: [Counter; 8] = [
    (
        about(
            "dns_dry_run",
            "queries",
            "Queries that went on only because nothing is done about the path of their band yet.",
        ),
        |w| w.dns.dry_run,
    ),
    (about("dns_garbled", "messages", "Messages to DNS servers that are no query."), |w| w.dns.garbled),
    (about("dns_unasked", "answers", "Answers that fit no query that went to a DNS server."), |w| {
        w.dns.unasked
    }),
    (about("dns_attacked", "domains", "Domains that came under attack by names that do not exist."), |w| {
        w.dns.attacked
    }),
    (
        about(
            "dns_forgotten",
            "queries",
            "Queries that were pushed out of memory before they were answered.",
        ),
        |w| w.dns.forgotten,
    ),
    (
        about(
            "dns_systems_forgotten",
            "",
            "Autonomous systems of requesters that are counted anew because others needed their place.",
        ),
        |w| w.dns.systems_forgotten,
    ),
    (
        about(
            "dns_flows_displaced",
            "queries",
            "Queries to upstreams that made room for newer ones before they were answered.",
        ),
        |w| w.flows_displaced,
    ),
    (
        about(
            "dns_connections_displaced",
            "connections",
            "TCP connections to upstreams that made room for newer ones before they were over.",
        ),
        |w| w.connections_displaced,
    ),
];

/// What is counted of every upstream.
const OF_UPSTREAMS: [OfUpstream; 5] = [
    (
        about(
            "dns_upstream_asked",
            "queries",
            "Queries by UDP and connections by TCP that an upstream was given.",
        ),
        |upstream| upstream.asked,
    ),
    (
        about("dns_upstream_answered", "queries", "Queries by UDP that an upstream has answered."),
        |upstream| upstream.answered,
    ),
    (about("dns_upstream_checked", "checks", "Checks that an upstream was sent."), |upstream| {
        upstream.checks
    }),
    (
        about(
            "dns_upstream_failed",
            "checks",
            "Checks of an upstream without a good answer, or that could not be sent.",
        ),
        |upstream| upstream.failed_checks,
    ),
    (about("dns_upstream_downs", "", "How often an upstream went down."), |upstream| upstream.downs),
];

fn labels(upstream: &UpstreamSnapshot) -> Labels<'_> {
    vec![("upstream", &upstream.name)]
}

type OfUpstream = (About, fn(&UpstreamSnapshot) -> u64);

/// Numbers of upstreams, where queries go on to any.
pub(super) fn upstreams(upstreams: &[UpstreamSnapshot], families: &mut Families) -> fmt::Result {
    if upstreams.is_empty() {
        return Ok(());
    }
    let up = upstreams.iter().map(|upstream| (labels(upstream), f64::from(u8::from(upstream.is_up))));
    families.gauge(about("dns_upstream_up", "", "Whether an upstream is up: 1, or 0."), up)?;
    for (about, value) in OF_UPSTREAMS {
        families.counter(about, upstreams.iter().map(|upstream| (labels(upstream), value(upstream))))?;
    }
    Ok(())
}

const GAUGES: [Gauge; 2] = [
    (about("dns_cache_kept", "answers", "Answers that the cache keeps now."), |w| w.dns.cache_answers as f64),
    (about("dns_cache_taken", "bytes", "Memory of the cache that is taken now."), |w| {
        w.dns.cache_bytes as f64
    }),
];

const BREAKDOWNS: [Breakdown; 8] = [
    (
        about("dns_tapped", "messages", "Messages picked for dnstap: copied, or lost for want of room."),
        "result",
        |w| &w.dns.tapped,
    ),
    (
        about(
            "dns_judged",
            "queries",
            "Queries to DNS servers by the path that their requester's standing leads to.",
        ),
        "path",
        |w| &w.dns.queries,
    ),
    (
        about("dns_resolved", "queries", "Queries that went to a DNS server by what it made of them."),
        "outcome",
        |w| &w.dns.outcomes,
    ),
    (
        about(
            "dns_zone_ruled",
            "messages",
            "Queries and answers that rules of policy zones decided about by what they did.",
        ),
        "effect",
        |w| &w.dns.zone_effects,
    ),
    (
        about(
            "dns_zone_matched",
            "messages",
            "Queries and answers that rules of policy zones decided about by what the rules looked at.",
        ),
        "trigger",
        |w| &w.dns.zone_triggers,
    ),
    (
        about("dns_cache_asked", "queries", "Queries that were looked up in the cache by what it had."),
        "result",
        |w| &w.dns.lookups,
    ),
    (
        about(
            "dns_cache_learned",
            "answers",
            "Answers of DNS servers: kept, or why the cache does not keep them.",
        ),
        "result",
        |w| &w.dns.learned,
    ),
    (
        about(
            "dns_cache_given_up",
            "answers",
            "Answers that the cache has given up, for newer ones or after their time.",
        ),
        "why",
        |w| &w.dns.given_up,
    ),
];

pub(super) fn export(workers: &[WorkerSnapshot], families: &mut Families) -> fmt::Result {
    Tables { counters: &COUNTERS, gauges: &GAUGES, breakdowns: &BREAKDOWNS }.export(workers, families)
}
