//! Checks of `[services]`: no address and port in two services.

use std::collections::{BTreeMap, BTreeSet};

use repute_model::Prefix;

use super::at;
use crate::config::{Config, Service};
use crate::read::Reader;
use crate::tables::one_family;

/// How many services a policy can number.
const SERVICES_MAX: usize = 255;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    if !reader.sound("services") {
        return;
    }
    if config.services.len() > SERVICES_MAX {
        let message = format!("{} services, at most {SERVICES_MAX} are possible", config.services.len());
        let found = at(reader, "services", message).label("join services that are treated alike");
        reader.findings.push(found);
    }
    for (name, _) in config.services.iter().filter(|(_, service)| service.prefixes.is_empty()) {
        let place = format!("services.{name}.prefixes");
        let message = format!("service `{name}` has no address");
        let found = at(reader, &place, message).label("list at least one prefix");
        reader.findings.push(found);
    }
    overlaps(config, reader);
}

/// One prefix of one service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim<'a> {
    prefix: Prefix,
    service: &'a str,
}

/// Walks all prefixes in order: what contains the one at hand is still open on the stack.
fn overlaps(config: &Config, reader: &mut Reader) {
    let mut origins: BTreeMap<Claim<'_>, usize> = BTreeMap::new();
    for (service, one) in config.services.iter() {
        for (i, cidr) in one.prefixes.iter().enumerate() {
            for prefix in one_family(cidr.0) {
                origins.entry(Claim { prefix, service }).or_insert(i);
            }
        }
    }
    let mut open: Vec<Claim<'_>> = Vec::new();
    let mut told = BTreeSet::new();
    for (&claim, &i) in &origins {
        while open.last().is_some_and(|outer| !outer.prefix.contains(claim.prefix.first())) {
            open.pop();
        }
        for outer in &open {
            if share_a_port(config, outer.service, claim.service)
                && told.insert((outer.service, claim.service))
            {
                let other = origins.get(outer).copied().unwrap_or_default();
                report(reader, (claim.service, i), (outer.service, other));
            }
        }
        open.push(claim);
    }
}

fn share_a_port(config: &Config, a: &str, b: &str) -> bool {
    let (Some(one), Some(other)) = (config.services.get(a), config.services.get(b)) else { return false };
    let any = |service: &Service| service.ports.is_empty();
    a != b && (any(one) || any(other) || one.ports.iter().any(|port| other.ports.contains(port)))
}

fn report(reader: &mut Reader, (one, i): (&str, usize), (other, j): (&str, usize)) {
    let message = format!("services `{one}` and `{other}` overlap");
    let found = at(reader, &format!("services.{one}.prefixes[{i}]"), message)
        .label(format!("these addresses are in `{other}` as well"))
        .also(reader.places.of(&format!("services.{other}.prefixes[{j}]")), format!("in `{other}` here"))
        .help("an address and port belongs to one service: part them by prefixes or by `ports`");
    reader.findings.push(found);
}
