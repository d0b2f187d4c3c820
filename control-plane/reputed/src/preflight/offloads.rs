//! What a driver does to frames before DPDK sees them: joins them, strips tags, leaves checksums to a card.
//!
//! Called for ports on interfaces; the words are those of `ethtool -k`, which has to be asked.

use dpdk::Driver;

use super::finding::{About, Finding};
use super::machine::Machine;
use super::netdev;

/// Features that join frames into longer ones, and ethtool's short names.
const JOINING: [(&str, &str); 5] = [
    ("generic-receive-offload", "gro"),
    ("large-receive-offload", "lro"),
    ("rx-gro-hw", "rx-gro-hw"),
    ("rx-gro-list", "rx-gro-list"),
    ("rx-udp-gro-forwarding", "rx-udp-gro-forwarding"),
];

/// Everything about offloads of an interface.
pub fn check(machine: &Machine, about: &About, name: &str, driver: Driver) -> Vec<Finding> {
    let mut findings = Vec::new();
    match machine.ask("ethtool", &["-k", name]) {
        None => findings.push(
            about
                .note("its offloads were not looked at: ethtool is missing or refused")
                .way_out("apt install ethtool"),
        ),
        Some(features) => {
            findings.push(joining(about, name, &features));
            findings.extend(tags(about, name, &features, driver));
        }
    }
    findings.extend(pair(machine, about, name));
    findings
}

fn is_on(features: &str, feature: &str) -> bool {
    let line = features.lines().find_map(|line| line.trim().strip_prefix(feature)?.strip_prefix(':'));
    line.is_some_and(|state| state.split_whitespace().next() == Some("on"))
}

/// Joined frames are longer than any wire takes: they would be dropped on their way out.
fn joining(about: &About, name: &str, features: &str) -> Finding {
    let on = JOINING.iter().filter(|(feature, _)| is_on(features, feature));
    let on: Vec<String> = on.map(|(_, short)| format!("{short} off")).collect();
    if on.is_empty() {
        return about.ok("joins no frames");
    }
    about.warning(
        "the kernel joins received frames into longer ones, which do not fit the wire again",
        format!("ethtool -K {name} {}", on.join(" ")),
    )
}

/// A tag that the driver takes out does not reach an AF_XDP socket; AF_PACKET brings it back.
fn tags(about: &About, name: &str, features: &str, driver: Driver) -> Option<Finding> {
    (driver == Driver::AfXdp && is_on(features, "rx-vlan-offload")).then(|| {
        about.warning(
            "the driver takes VLAN tags out, and AF_XDP does not give them back: tagged frames lose their tag",
            format!("ethtool -K {name} rxvlan off"),
        )
    })
}

/// Hosts at the far end of a veth pair leave checksums to a card that is not there.
fn pair(machine: &Machine, about: &About, name: &str) -> Option<Finding> {
    let link = netdev::details(machine, name)?;
    if link["linkinfo"]["info_kind"] != "veth" {
        return None;
    }
    let Some(peer) = link["link"].as_str() else {
        let note =
            about.note("one end of a veth pair: its peer may leave checksums to a card that is not there");
        return Some(note.way_out("at the other end: ethtool -K PEER tx off"));
    };
    let features = machine.ask("ethtool", &["-k", peer])?;
    is_on(&features, "tx-checksumming").then(|| {
        about.warning(
            format!("its peer {peer} leaves checksums to a card that is not there: TCP through it is dead"),
            format!("ethtool -K {peer} tx off"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::Fake;
    use crate::preflight::finding::{Level, Topic};

    fn found(program: fn(&str, &[&str]) -> Option<String>, driver: Driver) -> Vec<Finding> {
        check(&Fake::new().with(program), &About::new(Topic::Port, "wa"), "wa", driver)
    }

    fn gro(program: &str, _: &[&str]) -> Option<String> {
        let features = "generic-receive-offload: on\nlarge-receive-offload: off [fixed]\nrx-gro-list: on\n\
                        rx-vlan-offload: on [fixed]\n";
        (program == "ethtool").then(|| features.to_owned())
    }

    #[test]
    fn joining_features_are_switched_off_in_one_command() {
        let found = found(gro, Driver::AfPacket);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].remedy.as_deref(), Some("ethtool -K wa gro off rx-gro-list off"));
    }

    #[test]
    fn tags_matter_to_af_xdp_only() {
        assert_eq!(found(gro, Driver::AfXdp)[1].remedy.as_deref(), Some("ethtool -K wa rxvlan off"));
    }

    #[test]
    fn the_peer_of_a_pair_is_asked_where_it_can_be_seen() {
        fn here(program: &str, args: &[&str]) -> Option<String> {
            Some(match (program, args.last()) {
                ("ip", _) => r#"[{"ifname":"wa","link":"ea","linkinfo":{"info_kind":"veth"}}]"#.to_owned(),
                (_, Some(&"ea")) => "tx-checksumming: on\n".to_owned(),
                _ => String::new(),
            })
        }
        fn away(program: &str, _: &[&str]) -> Option<String> {
            (program == "ip").then(|| r#"[{"ifname":"wa","linkinfo":{"info_kind":"veth"}}]"#.to_owned())
        }
        let found_here = found(here, Driver::AfPacket);
        assert_eq!(found_here[0].level, Level::Ok);
        assert_eq!(found_here[1].remedy.as_deref(), Some("ethtool -K ea tx off"));
        let levels: Vec<Level> = found(away, Driver::AfPacket).iter().map(|found| found.level).collect();
        assert_eq!(levels, [Level::Note, Level::Note]);
    }
}
