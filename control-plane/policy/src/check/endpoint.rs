//! Checks of `[profiles.dns.endpoint]`: it has addresses that are nobody else's, a way to every upstream, and one pair of ports; and
//! no servers stand behind it.

use std::collections::BTreeSet;

use repute_model::Address;

use super::at;
use crate::config::{Config, Endpoint, PortRole};
use crate::pairing::peers;
use crate::read::Reader;

const PATH: &str = "profiles.dns.endpoint";

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let queries = config.profiles.dns.as_ref().map(|dns| &dns.queries);
    let Some(endpoint) = queries.and_then(|queries| queries.endpoint.as_ref()) else { return };
    if !reader.sound(PATH) {
        return;
    }
    counts(endpoint, reader);
    apart(endpoint, reader);
    families(endpoint, reader);
    ways(endpoint, reader);
    times(endpoint, reader);
    if queries.is_some_and(|queries| !queries.servers.is_empty()) {
        let found = at(reader, "profiles.dns.servers", "there are no servers behind an endpoint")
            .label("queries come to the addresses of `endpoint`")
            .also(reader.places.of(PATH), "here")
            .help("leave `servers` out, or remove `[profiles.dns.endpoint]` to stand in front of them");
        reader.findings.push(found);
    }
    if reader.sound("ports") {
        ports(config, reader);
    }
}

/// None, or more than there is room for.
fn counts(endpoint: &Endpoint, reader: &mut Reader) {
    let most = repute_model::Endpoint::UPSTREAMS_MAX;
    for (key, count, most) in [
        ("addresses", endpoint.addresses.len(), most),
        ("origins", endpoint.origins.len(), 2),
        ("upstreams", endpoint.upstreams.len(), most),
    ] {
        if !(1..=most).contains(&count) {
            let path = format!("{PATH}.{key}");
            let found = at(reader, &path, format!("{count} of `{key}`, 1 to {most} are possible"));
            reader.findings.push(found.label(if count == 0 {
                "at least one is needed"
            } else {
                "leave some out"
            }));
        }
    }
}

/// Every address is there once.
fn apart(endpoint: &Endpoint, reader: &mut Reader) {
    let mut seen: BTreeSet<(Address, u16)> = BTreeSet::new();
    let addresses = endpoint.addresses.iter().map(|ip| (Address::from(ip.get()), 0));
    let origins = endpoint.origins.iter().map(|origin| (origin.address.address(), 0));
    let upstreams = endpoint.upstreams.iter().map(|server| (server.0.address, server.0.port));
    let numbered = |key, all: Vec<_>| {
        all.into_iter().enumerate().map(move |(i, one)| (format!("{PATH}.{key}[{i}]"), one))
    };
    let all = numbered("addresses", addresses.collect())
        .chain(numbered("origins", origins.collect()))
        .chain(numbered("upstreams", upstreams.collect()));
    for (path, (address, port)) in all {
        let is_own = port != 0 && seen.contains(&(address, 0));
        if is_own || !seen.insert((address, port)) {
            let why = if is_own { "an address of the box's own" } else { "it stands there already" };
            let found = at(reader, &path, format!("{address} twice in `{PATH}`")).label(why);
            reader.findings.push(found);
        }
    }
}

/// Queries of every family that is served have somebody to go on to, from an address of that family; there is one such address.
fn families(endpoint: &Endpoint, reader: &mut Reader) {
    for (family, v4) in [("IPv4", true), ("IPv6", false)] {
        let from = endpoint.origins.iter().filter(|origin| origin.address.address().is_v4() == v4).count();
        let to = endpoint.upstreams.iter().filter(|server| server.0.address.is_v4() == v4).count();
        let is_served = endpoint.addresses.iter().any(|ip| ip.get().is_ipv4() == v4);
        let missing = match (is_served, from, to) {
            (_, 2.., _) => Some(("origins", format!("two addresses of {family} to ask from"))),
            (true, _, 0) => Some(("upstreams", format!("nobody to ask over {family}"))),
            (true, 0, _) | (false, 0, 1..) => {
                Some(("origins", format!("no address to ask from over {family}")))
            }
            _ => None,
        };
        if let Some((key, message)) = missing {
            let found = at(reader, &format!("{PATH}.{key}"), message)
                .label("a query goes on in the family that it came in")
                .help(format!(
                    "give one address of {family} in `origins`, and upstreams of {family} where it is served"
                ));
            reader.findings.push(found);
            // One slip is one message.
            return;
        }
    }
}

/// What is not on the link has a gateway, which is.
fn ways(endpoint: &Endpoint, reader: &mut Reader) {
    for (i, origin) in endpoint.origins.iter().enumerate() {
        let Some(gateway) = origin.gateway.map(|ip| Address::from(ip.get())) else { continue };
        if !origin.address.link().contains(gateway) || gateway == origin.address.address() {
            let path = format!("{PATH}.origins[{i}].gateway");
            let found = at(reader, &path, format!("{gateway} is no gateway of {}", origin.address))
                .label(format!("a gateway is another address in {}", origin.address.link()));
            reader.findings.push(found);
        }
    }
    for (i, server) in endpoint.upstreams.iter().enumerate() {
        let address = server.0.address;
        let origin =
            endpoint.origins.iter().find(|origin| origin.address.address().is_v4() == address.is_v4());
        let Some(origin) = origin.filter(|origin| origin.gateway.is_none()) else { continue };
        if !origin.address.link().contains(address) {
            let path = format!("{PATH}.upstreams[{i}]");
            let found = at(reader, &path, format!("there is no way to {address}"))
                .label(format!("it is not in {}, and there is no gateway", origin.address.link()))
                .help("add a `gateway` to the origin");
            reader.findings.push(found);
        }
    }
}

fn times(endpoint: &Endpoint, reader: &mut Reader) {
    let check = &endpoint.check;
    if check.timeout.get() > check.interval.get() {
        let message = format!("`timeout` = {} is above `interval` = {}", check.timeout, check.interval);
        let path = format!("{PATH}.check.timeout");
        let found = at(reader, &path, message).label("the next check would begin before this one is over");
        reader.findings.push(found.help("lower `timeout` or raise `interval`"));
    }
}

/// One port towards clients, one towards upstreams.
fn ports(config: &Config, reader: &mut Reader) {
    let carriers: Vec<_> = config.ports.iter().filter(|(_, port)| port.role != PortRole::Mirror).collect();
    let of = |role: PortRole| carriers.iter().filter(|(_, port)| port.role == role).count();
    let is_paired = peers(&config.ports).iter().all(|(_, peer)| peer.is_ok());
    if !is_paired
        || carriers.is_empty()
        || (carriers.len(), of(PortRole::Outside), of(PortRole::Inside)) == (2, 1, 1)
    {
        return;
    }
    let found = at(reader, PATH, "an endpoint has two ports")
        .label("one `outside`, where clients are, and one `inside`, where upstreams are")
        .also(reader.places.of("ports"), "the ports")
        .help("both may lead to the same network");
    reader.findings.push(found);
}
