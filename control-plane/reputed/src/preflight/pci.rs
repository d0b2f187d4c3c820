//! A card on the PCI bus: is it there, is it a network card, who drives it.
//!
//! Called for every port that is a PCI address. Where it sits is the matter of `slot`.

use dpdk::{Driver, PortSpec};

use super::finding::{About, Finding, Level, Topic};
use super::interface;
use super::machine::Machine;
use super::needs::PortNeed;
use super::netdev::Netdev;

/// Where the kernel lists cards.
const DEVICES: &str = "sys/bus/pci/devices";
/// Class of network controllers, the upper of the three bytes.
const NETWORK: u64 = 0x02;
/// Kernel drivers that go on beside DPDK (bifurcated).
const BESIDE: [&str; 3] = ["mlx5_core", "mlx4_core", "mana"];
/// Drivers that hand physical addresses to DPDK.
const PHYSICAL: [&str; 2] = ["igb_uio", "uio_pci_generic"];

/// The folder of a card.
pub fn folder(address: &str) -> String {
    format!("{DEVICES}/{address}")
}

/// The kernel driver that has the card.
pub fn driver(machine: &Machine, address: &str) -> Option<String> {
    machine.link(&format!("{}/driver", folder(address)))
}

/// The NUMA node of a port that is a card, where it has one.
pub fn node(machine: &Machine, spec: &PortSpec) -> Option<u16> {
    // Machines with one node say -1, which is no u16.
    (spec.driver() == Driver::Pci).then(|| machine.number(&format!("{}/numa_node", folder(spec.name()))))?
}

/// Whether a port is a card that DPDK reaches by vfio.
pub fn needs_vfio(machine: &Machine, spec: &PortSpec) -> bool {
    let beside = || driver(machine, spec.name()).is_some_and(|name| BESIDE.contains(&name.as_str()));
    spec.driver() == Driver::Pci && !beside()
}

/// Everything about a card but its place.
pub fn check(machine: &Machine, port: &PortNeed) -> Vec<Finding> {
    let (about, folder) = (port.about(Topic::Port), folder(port.spec.name()));
    if !machine.has(&folder) {
        return vec![missing(machine, &about)];
    }
    let kind = kind(machine, &about, &folder);
    if kind.level == Level::Problem {
        // Nobody should be told how to take a disk away from its driver.
        return vec![kind];
    }
    let netdevs = netdevs(machine, &folder);
    let driver = driver(machine, port.spec.name());
    let mut findings = vec![kind, bound(&about, port.spec.name(), driver, &netdevs)];
    findings.extend(netdevs.iter().filter_map(|netdev| interface::in_use(&about, netdev)));
    findings.extend(virtual_function(machine, &about, &folder));
    findings
}

fn class(machine: &Machine, folder: &str) -> Option<u64> {
    machine.hex(&format!("{folder}/class"))
}

fn missing(machine: &Machine, about: &About) -> Finding {
    let is_network =
        |address: &String| class(machine, &folder(address)).is_some_and(|class| class >> 16 == NETWORK);
    let there: Vec<String> = machine.names(DEVICES).into_iter().filter(is_network).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    about.problem("there is no such device", format!("the network controllers of this machine: {there}"))
}

fn kind(machine: &Machine, about: &About, folder: &str) -> Finding {
    let id = |file| machine.hex(&format!("{folder}/{file}")).unwrap_or(0);
    let (vendor, device) = (id("vendor"), id("device"));
    match class(machine, folder) {
        Some(class) if class >> 16 == NETWORK => {
            about.ok(format!("network controller {vendor:04x}:{device:04x}"))
        }
        class => about.problem(
            format!("{vendor:04x}:{device:04x} is no network controller (class {:06x})", class.unwrap_or(0)),
            "give the address of one: lspci -Dnn | grep -i -e ethernet -e network",
        ),
    }
}

/// The interfaces that the kernel has on a card; those of virtio lie one folder deeper.
fn netdevs(machine: &Machine, folder: &str) -> Vec<Netdev> {
    let deeper = machine.names(folder).into_iter().filter(|name| name.starts_with("virtio"));
    let folders =
        std::iter::once(format!("{folder}/net")).chain(deeper.map(|name| format!("{folder}/{name}/net")));
    let names = folders.flat_map(|folder| machine.names(&folder));
    names.filter_map(|name| Netdev::read(machine, &name)).collect()
}

fn bound(about: &About, address: &str, driver: Option<String>, netdevs: &[Netdev]) -> Finding {
    match driver.as_deref() {
        Some("vfio-pci") => about.ok("bound to vfio-pci"),
        Some(name) if BESIDE.contains(&name) => about.ok(format!(
            "{name} stays bound: DPDK drives the card beside it (package librte-net-{})",
            name.trim_end_matches("_core")
        )),
        Some(name) if PHYSICAL.contains(&name) => about.problem(
            format!("bound to {name}, which works by physical addresses only; reputed uses virtual ones"),
            bind(address, &[]),
        ),
        Some(name) => about
            .problem(format!("bound to the kernel's {name}: DPDK cannot have it"), bind(address, netdevs)),
        None => about.problem("bound to no driver", bind(address, &[])),
    }
}

/// How a card comes to vfio-pci, by DPDK's tool or by hand.
fn bind(address: &str, netdevs: &[Netdev]) -> String {
    let down = |netdev: &Netdev| format!("ip link set {} down\n", netdev.name);
    let down: String = netdevs.iter().map(down).collect();
    format!(
        "{down}modprobe vfio-pci\ndpdk-devbind.py --bind=vfio-pci {address}\nor without that tool:\n\
         echo vfio-pci > /{DEVICES}/{address}/driver_override\n\
         echo {address} > /{DEVICES}/{address}/driver/unbind  # where one is bound\n\
         echo {address} > /sys/bus/pci/drivers_probe"
    )
}

/// The host filters what a virtual function sends and receives unless it is told not to.
fn virtual_function(machine: &Machine, about: &About, folder: &str) -> Option<Finding> {
    let host = machine.link(&format!("{folder}/physfn"))?;
    let note =
        about.note(format!("a virtual function of {host}: it passes its own address only, unless trusted"));
    Some(note.way_out("on the host: ip link set PF vf N trust on spoofchk off"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};

    const CARD: &str = "sys/bus/pci/devices/0000:01:00.0";

    fn card(driver: &str) -> Fake {
        let fake = Fake::new();
        fake.file(&format!("{CARD}/class"), "0x020000").file(&format!("{CARD}/vendor"), "0x8086");
        fake.file(&format!("{CARD}/device"), "0x1593");
        if !driver.is_empty() {
            fake.link(&format!("{CARD}/driver"), &format!("../../../bus/pci/drivers/{driver}"));
        }
        fake
    }

    fn found(fake: &Fake) -> Vec<Finding> {
        check(&fake.machine(), &needs(&[("outside", "01:00.0")]).ports[0])
    }

    #[test]
    fn a_card_on_vfio_and_a_bifurcated_one_are_fine() {
        for driver in ["vfio-pci", "mlx5_core"] {
            let found = found(&card(driver));
            assert!(found.iter().all(|found| found.level == Level::Ok), "{found:?}");
            assert_eq!(found[0].finding, "network controller 8086:1593");
        }
    }

    #[test]
    fn a_card_that_the_kernel_has_comes_with_the_commands() {
        let fake = card("ice");
        fake.file(&format!("{CARD}/net/eth4/ifindex"), "4");
        fake.file("sys/class/net/eth4/flags", "0x1002");
        let found = &found(&fake)[1];
        assert_eq!(found.level, Level::Problem);
        let remedy = found.remedy.as_ref().unwrap();
        for part in [
            "ip link set eth4 down",
            "dpdk-devbind.py --bind=vfio-pci 0000:01:00.0",
            "/sys/bus/pci/devices/0000:01:00.0/driver_override",
        ] {
            assert!(remedy.contains(part), "{remedy}");
        }
    }

    #[test]
    fn a_card_that_carries_the_own_connection_is_warned_of() {
        let fake = card("virtio-pci");
        fake.file(&format!("{CARD}/virtio2/net/eth0/ifindex"), "4");
        fake.file("sys/class/net/eth0/flags", "0x1003");
        fake.file("proc/net/route", "Iface\tDestination\tGateway\neth0\t00000000\t010200C0");
        let found = found(&fake);
        assert_eq!((found[1].level, found[2].level), (Level::Problem, Level::Warning), "{found:?}");
        assert!(found[2].finding.contains("default route"), "{found:?}");
    }

    #[test]
    fn physical_addresses_and_no_driver_are_problems() {
        for driver in ["igb_uio", "uio_pci_generic", ""] {
            assert_eq!(found(&card(driver))[1].level, Level::Problem, "{driver}");
        }
    }

    #[test]
    fn what_is_not_there_or_no_card_is_said() {
        let fake = card("vfio-pci");
        let port = &needs(&[("outside", "02:00.0")]).ports[0];
        let missing = check(&fake.machine(), port);
        assert_eq!(
            missing[0].remedy.as_deref(),
            Some("the network controllers of this machine: 0000:01:00.0")
        );
        fake.file(&format!("{CARD}/class"), "0x010802");
        let found = found(&fake);
        assert_eq!((found.len(), found[0].level), (1, Level::Problem), "{found:?}");
    }
}
