//! Checks of `[ports]` and `[workers]`: every port has a peer, every worker a queue and a core of its own.

use super::at;
use crate::config::{Config, LinkRule, PortRole};
use crate::diagnostic::Diagnostic;
use crate::pairing::{Unpaired, peers};
use crate::read::{Reader, listed};

/// How many ports one instance drives.
const PORTS_MAX: usize = 16;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    if reader.sound("ports") {
        pairs(config, reader);
        inside(config, reader);
    }
    if reader.sound("workers") {
        cores(config, reader);
    }
    if reader.sound("ports") && reader.sound("workers") {
        queues(config, reader);
    }
}

fn pairs(config: &Config, reader: &mut Reader) {
    if config.ports.len() > PORTS_MAX {
        let message = format!("{} ports, at most {PORTS_MAX} are possible", config.ports.len());
        let found = at(reader, "ports", message).label("run a second instance for the rest");
        reader.findings.push(found);
    }
    for (name, peer) in peers(&config.ports) {
        match peer {
            Ok(peer) => follows(config, reader, name, peer),
            Err(why) => {
                let found = unpaired(config, reader, name, why);
                reader.findings.push(found);
            }
        }
    }
}

fn unpaired(config: &Config, reader: &Reader, name: &str, why: Unpaired) -> Diagnostic {
    let path = format!("ports.{name}");
    match why {
        Unpaired::Unknown(peer) => {
            at(reader, &format!("{path}.peer"), format!("port `{name}` forwards to an unknown port"))
                .label(format!("there is no port `{}`", peer.escape_debug()))
                .help(format!("the ports are {}", listed(config.ports.names())))
        }
        Unpaired::Undecided => at(reader, &path, format!("port `{name}` has no peer"))
            .label("which port are its packets sent out of?")
            .help("with more than two ports each pair needs a `peer`, at one of its two ports at least"),
        Unpaired::OneWay(peer) => {
            at(reader, &format!("{path}.peer"), format!("port `{name}` forwards to `{peer}`, but not back"))
                .label(format!("`{peer}` does not forward to `{name}`"))
                .help("two ports that are joined must name each other, or only one of them names the other")
        }
        Unpaired::Roles(peer) => roles(config, reader, name, &peer),
    }
}

/// A port that is its own peer has no link to follow.
fn follows(config: &Config, reader: &mut Reader, name: &str, peer: &str) {
    let rule = config.ports.get(name).map(|port| port.link);
    if name == peer && rule == Some(LinkRule::Follow) {
        let found = at(reader, &format!("ports.{name}.link"), format!("port `{name}` would follow itself"))
            .label("its packets leave by the port itself, there is no other link")
            .help("remove it, or join the port with another one by `peer`");
        reader.findings.push(found);
    }
}

fn roles(config: &Config, reader: &Reader, name: &str, peer: &str) -> Diagnostic {
    let role = |name: &str| config.ports.get(name).map_or(PortRole::Both, |port| port.role);
    let place = format!("ports.{name}.role");
    let help = "a pair is one `inside` and one `outside` port, or two `both`; a port alone must be `both`";
    if name == peer {
        return at(reader, &place, format!("port `{name}` is `{}` and alone", role(name)))
            .label("nothing is on its other side")
            .help(help);
    }
    at(reader, &place, format!("ports `{name}` ({}) and `{peer}` ({}) make no pair", role(name), role(peer)))
        .label(format!("`{name}` forwards to `{peer}`"))
        .help(help)
}

fn inside(config: &Config, reader: &mut Reader) {
    let both = config.ports.iter().find(|(_, port)| port.role == PortRole::Both);
    let Some((name, _)) = both else { return };
    if config.inside.is_empty() && reader.sound("inside") {
        let found = at(reader, &format!("ports.{name}.role"), format!("port `{name}` carries both sides"))
            .label("and nothing says who is inside")
            .help("list the protected prefixes at the top of the file, such as inside = [\"10.0.0.0/8\"]");
        reader.findings.push(found);
    }
}

fn cores(config: &Config, reader: &mut Reader) {
    let Some(cores) = &config.workers.cores else { return };
    let count = config.workers.count.get();
    if cores.len() as u64 != count {
        let message = format!("{} cores for {count} workers", cores.len());
        let found = at(reader, "workers.cores", message).label("list one core for each worker");
        reader.findings.push(found);
    }
    for (i, core) in cores.iter().enumerate() {
        if cores[..i].contains(core) {
            let found = at(reader, &format!("workers.cores[{i}]"), format!("core {core} is given twice"))
                .label("a worker needs a core of its own");
            reader.findings.push(found);
        }
    }
}

/// RSS spreads over all workers, or one of them receives and hands over: nothing in between polls evenly.
fn queues(config: &Config, reader: &mut Reader) {
    let count = config.workers.count.get();
    for (name, port) in config.ports.iter() {
        let queues = port.rx_queues.get();
        if port.role != PortRole::Mirror && ![0, 1, count].contains(&queues) {
            let message = format!("port `{name}` has {queues} receive queues for {count} workers");
            let found = at(reader, &format!("ports.{name}.rx_queues"), message)
                .label(format!("must be 1 or {count}, as `workers.count`"))
                .help("leave it out: then every worker gets a queue of its own");
            reader.findings.push(found);
        }
    }
}
