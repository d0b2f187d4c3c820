//! Which port forwards to which: for the checks, which say why one has no peer, and for the topology.

use crate::config::Port;
use crate::topology::Role;
use crate::value::Named;

/// Why a port has no peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unpaired {
    /// It names a port that is none.
    Unknown(String),
    /// It names none and there is not exactly one to choose.
    Undecided,
    /// Its peer forwards to somebody else.
    OneWay(String),
    /// Both roles together make no pair.
    Roles(String),
}

/// A port that carries packets: every one but the mirror.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carrier<'a> {
    pub(crate) name: &'a str,
    pub(crate) port: &'a Port,
    pub(crate) role: Role,
}

/// The ports that carry packets, in the order of their names.
pub(crate) fn carriers(ports: &Named<Port>) -> impl Iterator<Item = Carrier<'_>> {
    ports.iter().filter_map(|(name, port)| Some(Carrier { name, port, role: Role::of(port.role)? }))
}

/// The peer of each of them by name, in the same order, or why it has none.
pub(crate) fn peers(ports: &Named<Port>) -> Vec<(&str, Result<&str, Unpaired>)> {
    carriers(ports).map(|carrier| (carrier.name, peer(ports, carrier))).collect()
}

fn peer<'a>(ports: &'a Named<Port>, here: Carrier<'a>) -> Result<&'a str, Unpaired> {
    let name = chosen(ports, here.name)?;
    let Some(there) = carriers(ports).find(|carrier| carrier.name == name) else {
        return Err(Unpaired::Roles(name.to_owned()));
    };
    match chosen(ports, name) {
        Ok(back) if back == here.name => {}
        _ => return Err(Unpaired::OneWay(name.to_owned())),
    }
    match (here.role, there.role) {
        (Role::Both, Role::Both) | (Role::Inside, Role::Outside) | (Role::Outside, Role::Inside) => Ok(name),
        _ => Err(Unpaired::Roles(name.to_owned())),
    }
}

/// The port that `name` forwards to: the one it names, the one that names it, the only other one, itself.
fn chosen<'a>(ports: &'a Named<Port>, name: &str) -> Result<&'a str, Unpaired> {
    let named = ports.get(name).and_then(|port| port.peer.as_ref());
    if let Some(peer) = named {
        let found = ports.names().find(|other| *other == peer.as_str());
        return found.ok_or_else(|| Unpaired::Unknown(peer.to_string()));
    }
    let names_it = |port: &Port| port.peer.as_ref().is_some_and(|peer| peer.as_str() == name);
    if let Some(other) = carriers(ports).find(|carrier| names_it(carrier.port)) {
        return Ok(other.name);
    }
    let mut others = carriers(ports).map(|carrier| carrier.name).filter(|other| *other != name);
    match (others.next(), others.next()) {
        (Some(other), None) => Ok(other),
        (None, _) => carriers(ports).next().map(|only| only.name).ok_or(Unpaired::Undecided),
        _ => Err(Unpaired::Undecided),
    }
}
