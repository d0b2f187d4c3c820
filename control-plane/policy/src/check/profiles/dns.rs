//! Checks of `[profiles.dns]`: ports, addresses that blocked and challenged queries get, sizes and times of the cache, a
//! model that counts queries.

use std::net::IpAddr;

use super::{at, factor_of};
use crate::config::{BlockName, Cache, Dns, ModelName, Redirect};
use crate::read::Reader;

const PATH: &str = "profiles.dns";
/// A cache that is there at all has so many bytes at least.
const CACHE_BYTES_MIN: u64 = 65_536;
/// Ports that packets are compared with on their way.
const PORTS_MAX: usize = 4;

pub(super) fn check(dns: &Dns, reader: &mut Reader) {
    let Dns { scoring, queries } = dns;
    if !(1..=PORTS_MAX).contains(&queries.ports.len()) && reader.sound("profiles.dns.ports") {
        let message = format!("{} ports, 1 to {PORTS_MAX} are possible", queries.ports.len());
        let found = at(reader, "profiles.dns.ports", message).label("where are the servers asked?");
        reader.findings.push(found.help("leave `ports` out for 53"));
    }
    redirect("sinkhole", &queries.sinkhole, reader);
    redirect("challenge.garden", &queries.challenge.garden, reader);
    let nowhere = queries.sinkhole == Redirect::default() && reader.sound("profiles.dns.sinkhole");
    if queries.block == BlockName::Sinkhole && nowhere {
        let found = at(reader, "profiles.dns.block", "blocked queries are to get the address of a sinkhole")
            .label("there is none")
            .help("add `sinkhole = { v4 = \"192.0.2.1\" }`, or answer with \"refused\" or \"nxdomain\"");
        reader.findings.push(found);
    }
    cache(&queries.cache, reader);
    if !reader.sound("profiles.dns.model") {
        return;
    }
    if scoring.model == ModelName::EgressInterval {
        let found = at(reader, "profiles.dns.model", "model `egress-interval` does not count queries")
            .label("its formula has no term for them")
            .help("choose model `weighted-sum` or `suspicion`");
        reader.findings.push(found);
        return;
    }
    for (factor, weight) in queries.query_factors.iter() {
        factor_of("profiles.dns.query_factors", factor, weight, scoring.model, reader);
    }
}

/// Memory that is none and is not meant to be; times that contradict each other.
fn cache(cache: &Cache, reader: &mut Reader) {
    let size = cache.size.get();
    if (1..CACHE_BYTES_MIN).contains(&size) && reader.sound("profiles.dns.cache.size") {
        let message = format!("{} hold next to nothing", cache.size);
        let found = at(reader, "profiles.dns.cache.size", message).label("at least 64KiB, or 0B");
        reader.findings.push(found.help("leave it out for 16MiB; `size = \"0B\"` keeps no answers"));
    }
    let sound = ["profiles.dns.cache.ttl_min", "profiles.dns.cache.ttl_max"].map(|path| reader.sound(path));
    if cache.ttl_min.get() > cache.ttl_max.get() && sound == [true; 2] {
        let message = format!("`ttl_min` = {} is above `ttl_max` = {}", cache.ttl_min, cache.ttl_max);
        let found = at(reader, "profiles.dns.cache.ttl_min", message).label("no answer can be kept so long");
        reader.findings.push(found.help("lower `ttl_min` or raise `ttl_max`"));
    }
}

/// An address that stands under the wrong family.
fn redirect(key: &str, redirect: &Redirect, reader: &mut Reader) {
    let wrong = [
        ("v4", redirect.v4.filter(|ip| matches!(ip.get(), IpAddr::V6(_)))),
        ("v6", redirect.v6.filter(|ip| matches!(ip.get(), IpAddr::V4(_)))),
    ];
    for (family, address) in wrong {
        if let Some(address) = address {
            let key = format!("{PATH}.{key}.{family}");
            let found = at(reader, &key, format!("`{key}` = {address} is of the other family"))
                .label("v4 answers queries of type A, v6 those of type AAAA");
            reader.findings.push(found);
        }
    }
}
