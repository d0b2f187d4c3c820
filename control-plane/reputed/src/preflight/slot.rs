//! Where a card sits: IOMMU group, NUMA node, PCI Express link.
//!
//! Called for every port that is a PCI address.

use super::cores;
use super::cpu_set::CpuSet;
use super::finding::{About, Finding, Topic};
use super::machine::Machine;
use super::needs::{Needs, PortNeed};
use super::pci;
use super::rights::Identity;

/// Class of PCI bridges, the upper two of the three bytes: they may share a group with a card.
const BRIDGE: u64 = 0x0604;
const NODES: &str = "sys/devices/system/node";

/// Everything about the place of a card.
pub fn check(machine: &Machine, needs: &Needs, port: &PortNeed) -> Vec<Finding> {
    let about = port.about(Topic::Port);
    let mut findings = Vec::new();
    if pci::needs_vfio(machine, &port.spec) {
        findings.extend(group(machine, &about, port.spec.name()));
    }
    findings.extend(node(machine, needs, &about, port));
    findings.extend(link(machine, &about, &pci::folder(port.spec.name())));
    findings
}

/// vfio gives a group away as a whole: nothing else in it may have a kernel driver.
fn group(machine: &Machine, about: &About, address: &str) -> Vec<Finding> {
    let Some(group) = machine.link(&format!("{}/iommu_group", pci::folder(address))) else {
        return Vec::new();
    };
    let others: Vec<String> = machine
        .names(&format!("sys/kernel/iommu_groups/{group}/devices"))
        .into_iter()
        .filter(|other| other != address && !is_bridge(machine, other))
        .filter_map(|other| pci::driver(machine, &other).map(|driver| (other, driver)))
        .filter(|(_, driver)| driver != "vfio-pci")
        .map(|(other, driver)| format!("{other} ({driver})"))
        .collect();
    let alone = if others.is_empty() {
        about.ok(format!("alone in IOMMU group {group}"))
    } else {
        about.problem(
            format!("shares IOMMU group {group} with {}, so vfio refuses it", others.join(", ")),
            "bind those to vfio-pci as well, or move the card to a slot with a group of its own",
        )
    };
    std::iter::once(alone).chain(permission(machine, about, &group)).collect()
}

fn is_bridge(machine: &Machine, address: &str) -> bool {
    machine.hex(&format!("{}/class", pci::folder(address))).is_some_and(|class| class >> 8 == BRIDGE)
}

/// The file of a group appears when its card is bound.
fn permission(machine: &Machine, about: &About, group: &str) -> Option<Finding> {
    let path = format!("dev/vfio/{group}");
    let file = machine.path(&path).metadata().ok()?;
    (!Identity::read(machine).may_write(&file)).then(|| {
        about.problem(
            format!("/{path} may not be opened by this user"),
            format!("run as root, or: chmod a+rw /{path}"),
        )
    })
}

fn cpus(machine: &Machine, node: u16) -> CpuSet {
    machine.text(&format!("{NODES}/node{node}/cpulist")).map(|text| CpuSet::parse(&text)).unwrap_or_default()
}

fn node(machine: &Machine, needs: &Needs, about: &About, port: &PortNeed) -> Option<Finding> {
    let node = pci::node(machine, &port.spec)?;
    let (near, workers) = (cpus(machine, node), cores::of_workers(machine, needs));
    let far: CpuSet = workers.difference(&near).copied().collect();
    if far.is_empty() {
        return Some(about.ok(format!("on NUMA node {node}, as its workers")));
    }
    Some(about.warning(
        format!("on NUMA node {node}, but workers run on {far}: every packet crosses between the sockets"),
        format!("choose [workers] cores among {near}, or move the card"),
    ))
}

/// A card in a slot that is narrower or slower than itself cannot do its rate.
fn link(machine: &Machine, about: &About, folder: &str) -> Option<Finding> {
    let text = |file: &str| machine.text(&format!("{folder}/{file}"));
    let speed = |file: &str| text(file)?.split_whitespace().next()?.parse::<f64>().ok();
    let width = |file: &str| text(file)?.parse::<u32>().ok().filter(|width| (1..=64).contains(width));
    let (now, most) = (speed("current_link_speed")?, speed("max_link_speed")?);
    let (lanes, lanes_most) = (width("current_link_width")?, width("max_link_width")?);
    let seen = format!("PCI Express {now} GT/s x{lanes}");
    if now >= most && lanes >= lanes_most {
        return Some(about.ok(seen));
    }
    Some(about.warning(
        format!("{seen}, while the card can do {most} GT/s x{lanes_most}"),
        "put it into a slot of that width and generation, directly at the processor; some cards slow their link \
         down while they are idle: look again under load",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::Level;

    const CARD: &str = "sys/bus/pci/devices/0000:01:00.0";

    fn found(fake: &Fake) -> Vec<Finding> {
        let needs = needs(&[("outside", "01:00.0")]);
        check(&fake.machine(), &needs, &needs.ports[0])
    }

    #[test]
    fn a_card_near_its_workers_in_a_full_slot() {
        let fake = Fake::new();
        fake.cores(4).file(&format!("{CARD}/numa_node"), "0");
        for (file, text) in [("speed", "16.0 GT/s PCIe"), ("width", "8")] {
            fake.file(&format!("{CARD}/current_link_{file}"), text);
            fake.file(&format!("{CARD}/max_link_{file}"), text);
        }
        fake.link(&format!("{CARD}/iommu_group"), "../../../kernel/iommu_groups/7");
        fake.file("sys/kernel/iommu_groups/7/devices/0000:01:00.0", "");
        let found = found(&fake);
        assert_eq!(found.iter().map(|found| found.level).collect::<Vec<_>>(), [Level::Ok; 3], "{found:?}");
    }

    #[test]
    fn a_card_on_the_other_socket_names_the_near_cores() {
        let fake = Fake::new();
        fake.cores(4).file("sys/devices/system/node/node0/cpulist", "2-3");
        fake.file("sys/devices/system/node/node1/cpulist", "0-1").file(&format!("{CARD}/numa_node"), "1");
        let found = &found(&fake)[0];
        assert_eq!(found.level, Level::Warning);
        assert!(found.remedy.as_ref().unwrap().contains("among 0-1"), "{found:?}");
        fake.file(&format!("{CARD}/numa_node"), "-1");
        assert!(check(&fake.machine(), &needs(&[]), &needs(&[("a", "01:00.0")]).ports[0]).is_empty());
    }

    #[test]
    fn a_narrow_slot_is_a_warning_and_an_unknown_one_nothing() {
        let fake = Fake::new();
        for (file, text) in [
            ("current_link_speed", "8.0 GT/s PCIe"),
            ("max_link_speed", "16.0 GT/s PCIe"),
            ("current_link_width", "4"),
        ] {
            fake.file(&format!("{CARD}/{file}"), text);
        }
        assert!(found(&fake).is_empty());
        fake.file(&format!("{CARD}/max_link_width"), "16");
        let found = &found(&fake)[0];
        assert_eq!((found.level, found.finding.contains("16 GT/s x16")), (Level::Warning, true), "{found:?}");
    }

    #[test]
    fn a_shared_group_is_a_problem_unless_vfio_has_all_of_it() {
        let fake = Fake::new();
        fake.link(&format!("{CARD}/iommu_group"), "../../../kernel/iommu_groups/7");
        for (address, class, driver) in [
            ("0000:01:00.1", "0x020000", "ice"),
            ("0000:00:01.0", "0x060400", "pcieport"),
            ("0000:01:00.2", "0x020000", "vfio-pci"),
        ] {
            fake.file(&format!("sys/kernel/iommu_groups/7/devices/{address}"), "");
            fake.file(&format!("sys/bus/pci/devices/{address}/class"), class);
            fake.link(&format!("sys/bus/pci/devices/{address}/driver"), &format!("../drivers/{driver}"));
        }
        let found = &found(&fake)[0];
        assert_eq!(found.level, Level::Problem);
        assert!(found.finding.contains("with 0000:01:00.1 (ice), so"), "{found:?}");
    }
}
