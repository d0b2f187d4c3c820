//! What a status says of queries to DNS servers.

use repute_engine::dns::{CacheCounters, Unkept};
use repute_engine::{DnsAccount, EndpointAccount};
use repute_model::Path;
use repute_proto::v1;

use super::count;

pub(super) fn status(account: &DnsAccount) -> v1::DnsStatus {
    let paths = Path::ALL.iter().map(|path| count(path.name(), path.help(), account.paths[path.index()]));
    let outcomes = account.outcomes().map(|(name, n)| count(name, "", n));
    let effects = account.zone_effects().map(|(effect, n)| count(effect.name(), effect.help(), n));
    let triggers = account.zone_triggers().map(|(trigger, n)| count(trigger.name(), trigger.help(), n));
    v1::DnsStatus {
        paths: happened(paths),
        dry_run: account.dry_run,
        garbled: account.garbled,
        outcomes: happened(outcomes),
        unasked: account.unasked,
        attacked: account.attacked,
        forgotten: account.forgotten,
        cache: Some(cache(account)),
        zone_effects: happened(effects),
        zone_triggers: happened(triggers),
        upstreams: Vec::new(),
    }
}

/// Upstreams of these names, all workers together.
pub(super) fn upstreams(names: &[String], account: &EndpointAccount) -> Vec<v1::DnsUpstream> {
    let upstream = |(name, counted): (&String, &repute_engine::UpstreamAccount)| v1::DnsUpstream {
        name: name.clone(),
        up: counted.up > 0,
        asked: counted.asked,
        answered: counted.answered,
        checks: counted.checks,
        failed_checks: counted.failed_checks,
        downs: counted.downs,
    };
    names.iter().zip(&account.upstreams).map(upstream).collect()
}

fn cache(account: &DnsAccount) -> v1::DnsCacheStatus {
    let CacheCounters { hits, stale, misses, unfit, learned, unkept, evicted, expired } = account.cache;
    let unkept = Unkept::ALL.iter().map(|why| count(why.name(), why.help(), unkept[why.index()]));
    v1::DnsCacheStatus {
        hits,
        stale,
        misses,
        unfit,
        kept: learned,
        unkept: happened(unkept),
        evicted,
        expired,
        answers: account.cache_answers,
        bytes: account.cache_bytes,
    }
}

fn happened(counts: impl Iterator<Item = v1::Count>) -> Vec<v1::Count> {
    counts.filter(|count| count.count > 0).collect()
}
