//! Checks of `[profiles.dns]`: ports, addresses that blocked and challenged queries get, a model that counts queries.

use std::net::IpAddr;

use super::{at, factor_of};
use crate::config::{BlockName, Dns, ModelName, Redirect};
use crate::read::Reader;

const PATH: &str = "profiles.dns";
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
