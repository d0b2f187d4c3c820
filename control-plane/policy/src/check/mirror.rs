//! Checks of `[mirror]`: it has a port, which carries nothing else; copies fit; the tunnel has two ends.

use super::at;
use crate::config::{Config, Mirror, Port, PortRole, Vxlan};
use crate::read::Reader;

/// Bytes of an Ethernet header.
const ETHERNET: u64 = 14;
/// Bytes of the UDP and VXLAN headers of a tunnel.
const TUNNEL: u64 = 8 + 8;

pub(super) fn check(config: &Config, reader: &mut Reader) {
    let sound = reader.sound("mirror");
    if sound && reader.sound("ports") {
        ports(config, reader);
        port(config, reader);
    }
    let vxlan = config.mirror.as_ref().and_then(|mirror| mirror.vxlan.as_ref());
    if let Some(vxlan) = vxlan.filter(|_| sound) {
        ends(vxlan, reader);
    }
}

/// Every port of this role is the mirror's, and has no key of a port that carries packets.
fn ports(config: &Config, reader: &mut Reader) {
    let named = config.mirror.as_ref().map(|mirror| mirror.port.as_str());
    for (name, _) in config.ports.iter().filter(|(_, port)| port.role == PortRole::Mirror) {
        if named != Some(name.as_str()) {
            let message = format!("nothing is copied to port `{name}`");
            let found = at(reader, &format!("ports.{name}.role"), message)
                .label("a mirror that `[mirror]` does not name")
                .help(format!(
                    "set `port = \"{name}\"` in `[mirror]` (there is one mirror), or remove the port"
                ));
            reader.findings.push(found);
        }
        for key in ["peer", "rx_queues", "link"] {
            let path = format!("ports.{name}.{key}");
            if reader.places.has(&path) {
                let found = at(reader, &path, format!("port `{name}` is a mirror and has no `{key}`"))
                    .label("a mirror only sends copies")
                    .help("remove it");
                reader.findings.push(found);
            }
        }
    }
}

/// The port exists, is there for copies, and takes the largest one.
fn port(config: &Config, reader: &mut Reader) {
    let Some(mirror) = &config.mirror else { return };
    let name = mirror.port.as_str().escape_debug();
    let Some(port) = config.ports.get(mirror.port.as_str()) else {
        let found = at(reader, "mirror.port", "the mirror has no port")
            .label(format!("there is no port `{name}`"))
            .help(format!("add `[ports.{name}]` with `role = \"mirror\"`"));
        return reader.findings.push(found);
    };
    if port.role != PortRole::Mirror {
        let found = at(reader, "mirror.port", format!("port `{name}` is `{}`, not a mirror", port.role))
            .label("copies would go where packets go")
            .also(reader.places.of(&format!("ports.{name}.role")), "its role")
            .help("name a port of its own with `role = \"mirror\"`");
        return reader.findings.push(found);
    }
    fits(mirror, port, reader);
}

fn fits(mirror: &Mirror, port: &Port, reader: &mut Reader) {
    let (bytes, mtu) = (mirror.bytes.get(), port.mtu.get());
    let room = match &mirror.vxlan {
        None => mtu + ETHERNET,
        Some(vxlan) => mtu - TUNNEL - if vxlan.local.get().is_ipv4() { 20 } else { 40 },
    };
    if bytes > room {
        let with = if mirror.vxlan.is_some() { " with the headers of its tunnel" } else { "" };
        let message = format!("a copy of {bytes} bytes{with} does not fit the mirror's port");
        let found = at(reader, "mirror.bytes", message)
            .label(format!("at most {room} with `ports.{}.mtu` = {mtu}", mirror.port))
            .help("lower it, or raise the `mtu` of the port");
        reader.findings.push(found);
    }
}

fn ends(vxlan: &Vxlan, reader: &mut Reader) {
    let (local, remote) = (vxlan.local.get(), vxlan.remote.get());
    let why = if local.is_ipv4() != remote.is_ipv4() {
        "one of them is IPv4, the other one IPv6"
    } else if local == remote {
        "both are the same host"
    } else {
        return;
    };
    let message = format!("a tunnel from {local} to {remote} leads nowhere");
    let found = at(reader, "mirror.vxlan.remote", message)
        .label(why)
        .also(reader.places.of("mirror.vxlan.local"), "`local`");
    reader.findings.push(found);
}
