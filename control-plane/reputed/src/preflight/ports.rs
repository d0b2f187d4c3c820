//! The ports, each looked at by what it is, and together.

use std::collections::BTreeMap;

use dpdk::Driver;

use super::finding::{About, Finding, Topic};
use super::machine::Machine;
use super::needs::{Needs, PortNeed};
use super::{interface, pcap, pci, slot};

/// The arguments by which virtual devices name an interface.
const INTERFACES: [&str; 5] = ["iface", "rx_iface", "rx_iface_in", "tx_iface", "remote"];

/// Everything about every port.
pub fn check(machine: &Machine, needs: &Needs) -> Vec<Finding> {
    let each = needs.ports.iter().flat_map(|port| one(machine, needs, port));
    each.chain(shared(needs)).collect()
}

fn one(machine: &Machine, needs: &Needs, port: &PortNeed) -> Vec<Finding> {
    let about = port.about(Topic::Port);
    match port.spec.driver() {
        Driver::Pci => {
            let mut findings = pci::check(machine, port);
            if machine.has(&pci::folder(port.spec.name())) {
                findings.extend(slot::check(machine, needs, port));
            }
            findings
        }
        Driver::AfPacket | Driver::AfXdp => match names(port).next() {
            None => vec![about.problem("names no interface", "add iface=NAME to the device")],
            Some(_) => interfaces(machine, port),
        },
        Driver::Pcap => {
            let mut findings = pcap::check(&about, port);
            findings.extend(interfaces(machine, port));
            findings
        }
        Driver::Tap => vec![tap(machine, &about, port)],
        Driver::Memif => vec![
            about
                .note("shared memory with another process; there is nothing to look at before both run")
                .way_out("start the peer with the other role and the same id and socket"),
        ],
        Driver::Ring | Driver::Null => vec![about.note("carries no traffic of a network: good for tests")],
        Driver::Other => vec![
            about
                .note("of a driver that is passed on to DPDK as it is; it was not looked at")
                .way_out("--attach asks DPDK"),
        ],
    }
}

/// The interfaces that a port uses.
pub fn names(port: &PortNeed) -> impl Iterator<Item = &str> {
    INTERFACES.iter().flat_map(|key| port.spec.args(key))
}

fn interfaces(machine: &Machine, port: &PortNeed) -> Vec<Finding> {
    names(port).flat_map(|name| interface::check(machine, port, name)).collect()
}

/// A tap port makes its interface.
fn tap(machine: &Machine, about: &About, port: &PortNeed) -> Finding {
    if !machine.has("dev/net/tun") {
        return about
            .problem("/dev/net/tun is not there", "modprobe tun; in a container hand /dev/net/tun through");
    }
    match port.spec.args("iface").next() {
        Some(name) if machine.has(&format!("sys/class/net/{name}")) => about.problem(
            format!("an interface {name} exists already"),
            "give another iface=, or remove that one",
        ),
        Some(name) => about.ok(format!("will make the interface {name}")),
        None => about.ok("will make an interface (dtap0 and so on)"),
    }
}

/// Two ports on one device would see each other's packets.
fn shared(needs: &Needs) -> Vec<Finding> {
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for port in &needs.ports {
        let mut used: Vec<&str> = names(port).chain([port.spec.name()]).collect();
        used.sort_unstable();
        used.dedup();
        for device in used {
            users.entry(device).or_default().push(&port.name);
        }
    }
    let twice = users.into_iter().filter(|(_, ports)| ports.len() > 1);
    let problem = |(device, ports): (&str, Vec<&str>)| {
        About::new(Topic::Port, device).problem(
            format!("is used by {}", ports.join(" and ")),
            "give each port a device, a device name and an interface of its own",
        )
    };
    twice.map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::Level;

    fn levels(fake: &Fake, ports: &[(&str, &str)]) -> Vec<Level> {
        check(&fake.machine(), &needs(ports)).iter().map(|found| found.level).collect()
    }

    #[test]
    fn every_kind_of_device_says_something() {
        let fake = Fake::new();
        fake.file("dev/net/tun", "").file("sys/class/net/t1/mtu", "1500");
        assert_eq!(
            levels(&fake, &[("a", "net_memif0"), ("b", "net_null0"), ("c", "net_vhost0")]),
            [Level::Note; 3]
        );
        assert_eq!(levels(&fake, &[("a", "net_tap0,iface=t0"), ("b", "net_tap1")]), [Level::Ok; 2]);
        assert_eq!(levels(&fake, &[("a", "net_tap0,iface=t1")]), [Level::Problem]);
        assert_eq!(levels(&Fake::new(), &[("a", "net_tap0")]), [Level::Problem]);
        assert_eq!(levels(&fake, &[("a", "net_af_packet0")]), [Level::Problem]);
        assert_eq!(levels(&fake, &[("a", "01:00.0")]), [Level::Problem]);
    }

    #[test]
    fn one_device_cannot_be_two_ports() {
        let fake = Fake::new();
        let ports = [("in", "net_af_packet0,iface=e0"), ("out", "net_af_packet1,iface=e0")];
        let found = check(&fake.machine(), &needs(&ports));
        let last = found.last().unwrap();
        assert_eq!((last.subject.as_str(), last.finding.as_str()), ("e0", "is used by in and out"));
        assert_eq!(levels(&fake, &[("a", "net_null0"), ("b", "net_null0")])[2], Level::Problem);
    }
}
