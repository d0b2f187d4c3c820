//! `[profiles.dns]` as workers judge by it.

use std::sync::Arc;

use repute_model::{
    Block, CacheRules, Decision, DomainTable, Path, Prefix, PrefixTable, Proof, Redirect, Rpz, SameRate,
    Subdomains,
};

use super::{endpoint, factors, profile};
use crate::config::{self, BlockName, Cache, DecisionName, Dns, GarbledName, PathName, Queries};
use crate::tables::set;
use crate::value::Ip;

pub(super) fn compile(dns: &Dns, (honeypots, zones): (&DomainTable<()>, &Rpz)) -> repute_model::Dns {
    let Dns { scoring, queries } = dns;
    repute_model::Dns {
        profile: repute_model::Profile {
            factors: factors(scoring.factors.0, &queries.query_factors.0),
            ..profile(scoring)
        },
        servers: servers(queries),
        endpoint: queries.endpoint.as_ref().map(endpoint::compile),
        ports: queries.ports.iter().map(|port| port.get() as u16).collect(),
        decision: match queries.decision {
            DecisionName::Bands => Decision::Bands,
            DecisionName::Order => Decision::Order,
        },
        paths: queries.paths.all().map(path),
        dry_run: queries.dry_run.iter().fold(0, |bits, name| bits | 1 << name.band().index()),
        block: match queries.block {
            BlockName::Drop => Block::Drop,
            BlockName::Refused => Block::Refused,
            BlockName::Nxdomain => Block::Nxdomain,
            BlockName::Sinkhole => Block::Sinkhole,
        },
        sinkhole: redirect(&queries.sinkhole),
        proof: Proof {
            lasts_ms: queries.challenge.lasts.get() as u32,
            tries: queries.challenge.tries.get() as u8,
            slip: queries.challenge.slip.get() as u8,
            garden: redirect(&queries.challenge.garden),
        },
        subdomains: Subdomains {
            misses_per_s: queries.subdomains.misses.get() as u16,
            rate: queries.subdomains.rate.get() as u16,
        },
        same: SameRate { per_s: queries.same.rate.get() as u16, slip: queries.same.slip.get() as u8 },
        cache: cache(&queries.cache),
        honeypots: honeypots.clone(),
        live_honeypots: Arc::default(),
        zones: zones.clone(),
        drops_malformed: queries.malformed == GarbledName::Drop,
    }
}

/// The servers; of an endpoint its own addresses.
fn servers(queries: &Queries) -> PrefixTable<()> {
    let Some(endpoint) = &queries.endpoint else { return set(&queries.servers) };
    let host = |ip: &Ip| (Prefix::containing(ip.get().into(), 128), ());
    PrefixTable::new(endpoint.addresses.iter().map(host))
}

fn cache(cache: &Cache) -> CacheRules {
    let seconds = |ms: u64| (ms / 1000) as u32;
    CacheRules {
        ttl_min_s: seconds(cache.ttl_min.get()),
        ttl_max_s: seconds(cache.ttl_max.get()),
        negative_max_s: seconds(cache.negative_max.get()),
        stale_max_s: seconds(cache.stale_max.get()),
    }
}

const fn path(name: PathName) -> Path {
    match name {
        PathName::Default => Path::Default,
        PathName::Cached => Path::Cached,
        PathName::Challenge => Path::Challenge,
        PathName::Block => Path::Block,
    }
}

fn redirect(redirect: &config::Redirect) -> Redirect {
    let address = |ip: Option<Ip>| ip.map(|ip| ip.get().into());
    Redirect { v4: address(redirect.v4), v6: address(redirect.v6) }
}
