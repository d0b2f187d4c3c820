//! Whether packets and tables find their memory: huge pages, transparent ones, and how much there is at all.

use std::collections::BTreeSet;

use super::finding::{About, Finding, Topic};
use super::huge_pages::NodePages;
use super::machine::Machine;
use super::needs::Needs;
use super::pci;

const TRANSPARENT: &str = "sys/kernel/mm/transparent_hugepage/enabled";

/// Everything about memory.
pub fn check(machine: &Machine, needs: &Needs) -> Vec<Finding> {
    let nodes = NodePages::all(machine);
    let mut findings = vec![packets(&nodes, needs)];
    let homes = needs.ports.iter().filter_map(|port| pci::node(machine, &port.spec)).collect();
    findings.extend(near_ports(&nodes, needs, &homes));
    findings.push(tables(machine, &nodes, needs));
    findings.push(ordinary(machine, &nodes, needs));
    findings
}

fn free_mb(nodes: &[NodePages]) -> u64 {
    nodes.iter().map(NodePages::free_mb).sum()
}

/// Cards fetch packets by themselves and need pages that never move; virtual ports do without.
fn packets(nodes: &[NodePages], needs: &Needs) -> Finding {
    let about = About::new(Topic::Memory, "huge pages for packets");
    let (free, needed) = (free_mb(nodes), needs.packets_mb);
    let described: Vec<String> = nodes.iter().map(NodePages::describe).collect();
    let seen = format!("{needed} MiB needed, {free} MiB free ({})", described.join("; "));
    if free >= needed {
        return about.ok(seen);
    }
    let cost = if needs.has_pci() { "ports on the PCI bus do not start without" } else { "slower without" };
    let Some(node) = nodes.first() else { return about.note(seen) };
    about.fault(
        needs.has_pci(),
        format!("{seen}: {cost}"),
        format!(
            "for packets and tables together:\n{}\nfor good, as vm.nr_hugepages in /etc/sysctl.d; where memory is \
             too fragmented already, 1 GiB pages by the kernel command line: hugepagesz=1G hugepages=N",
            node.reserve((needed + needs.tables_mb).saturating_sub(free))
        ),
    )
}

/// Memory of another node is reached over the link between the sockets, for every packet.
fn near_ports(nodes: &[NodePages], needs: &Needs, homes: &BTreeSet<u16>) -> Vec<Finding> {
    let about = About::new(Topic::Memory, "huge pages near the ports");
    let is_poor = |node: &&NodePages| {
        node.node.is_some_and(|number| homes.contains(&number)) && node.free_mb() < needs.packets_mb
    };
    if nodes.len() < 2 || free_mb(nodes) < needs.packets_mb {
        return Vec::new();
    }
    let poor = |node: &NodePages| {
        about.warning(
            format!("{}: a port is there, and packets would live on another node", node.describe()),
            node.reserve(needs.packets_mb - node.free_mb()),
        )
    };
    nodes.iter().filter(is_poor).map(poor).collect()
}

/// Tables take 2 MiB pages: reserved ones that packets leave, else transparent ones.
fn tables(machine: &Machine, nodes: &[NodePages], needs: &Needs) -> Finding {
    let about = About::new(Topic::Memory, "huge pages for tables");
    let usual: u64 = nodes.iter().map(NodePages::free_usual_mb).sum();
    let free =
        if free_mb(nodes) >= needs.packets_mb { usual.saturating_sub(needs.packets_mb) } else { usual };
    let seen = format!("about {} MiB needed, {free} MiB of 2 MiB pages left for them", needs.tables_mb);
    let setting = machine.text(TRANSPARENT).unwrap_or_default();
    let chosen = setting.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    match chosen {
        _ if free >= needs.tables_mb => about.ok(seen),
        Some(mode @ ("always" | "madvise")) => about.ok(format!("{seen}; transparent ones on request ({mode})")),
        mode => about.warning(
            format!(
                "{seen}, and transparent ones are switched off ({}): a page walk for every source that is not in \
                 the cache",
                mode.unwrap_or("not in this kernel")
            ),
            format!("reserve more pages (see above), or: echo madvise > /{TRANSPARENT}"),
        ),
    }
}

/// What is not on reserved pages has to be in ordinary memory, all of it from the start.
fn ordinary(machine: &Machine, nodes: &[NodePages], needs: &Needs) -> Finding {
    let about = About::new(Topic::Memory, "ordinary memory");
    let text = machine.text("proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let Some(kib) = kib else { return about.note("this kernel does not say how much is available") };
    let packets = if free_mb(nodes) >= needs.packets_mb { 0 } else { needs.packets_mb };
    let (needed, available) = (packets + needs.tables_mb, kib / 1024);
    let seen = format!("about {needed} MiB needed at most, {available} MiB available");
    if needed > available {
        return about.problem(seen, "lower [limits] sources, contacts or mbufs, or add memory");
    }
    about.ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{Fake, needs};
    use crate::preflight::finding::Level;

    fn machine(pages: &[u64], transparent: &str, available_mib: u64) -> Fake {
        let fake = Fake::new();
        for (node, free) in pages.iter().enumerate() {
            let folder = format!("sys/devices/system/node/node{node}/hugepages/hugepages-2048kB");
            fake.file(&format!("{folder}/nr_hugepages"), "200")
                .file(&format!("{folder}/free_hugepages"), &free.to_string());
        }
        fake.file(TRANSPARENT, transparent);
        fake.file("proc/meminfo", &format!("MemTotal: 1 kB\nMemAvailable: {} kB", available_mib * 1024));
        fake
    }

    fn levels(fake: &Fake, needs: &Needs) -> Vec<Level> {
        check(&fake.machine(), needs).iter().map(|found| found.level).collect()
    }

    #[test]
    fn enough_of_everything() {
        let fake = machine(&[60], "always madvise [never]", 1000);
        assert_eq!(levels(&fake, &needs(&[("a", "01:00.0")])), [Level::Ok; 3]);
    }

    #[test]
    fn no_huge_pages_stop_cards_and_slow_the_rest() {
        let fake = machine(&[0], "always [madvise] never", 1000);
        let virtual_port = needs(&[("a", "net_tap0")]);
        assert_eq!(levels(&fake, &virtual_port), [Level::Warning, Level::Ok, Level::Ok]);
        let found = &check(&fake.machine(), &needs(&[("a", "01:00.0")]))[0];
        assert_eq!(found.level, Level::Problem);
        assert!(
            found.remedy.as_ref().unwrap().contains("echo 260 > /sys/devices/system/node/node0/"),
            "{found:?}"
        );
    }

    #[test]
    fn pages_on_the_wrong_node_are_a_warning() {
        let fake = machine(&[60, 0], "[always]", 1000);
        fake.file("sys/bus/pci/devices/0000:01:00.0/numa_node", "1");
        let found = check(&fake.machine(), &needs(&[("a", "01:00.0")]));
        assert_eq!(
            (found[1].level, found[1].subject.as_str()),
            (Level::Warning, "huge pages near the ports")
        );
        assert!(
            found[1].remedy.as_ref().unwrap().contains("echo 250 > /sys/devices/system/node/node1/"),
            "{found:?}"
        );
    }

    #[test]
    fn tables_need_some_kind_of_huge_pages_and_room() {
        let never = machine(&[50], "always madvise [never]", 1000);
        assert_eq!(levels(&never, &needs(&[]))[1], Level::Warning);
        let small = machine(&[0], "[always]", 119);
        assert_eq!(levels(&small, &needs(&[]))[2], Level::Problem);
        let packets_elsewhere = machine(&[50], "[always]", 20);
        assert_eq!(levels(&packets_elsewhere, &needs(&[]))[2], Level::Ok);
    }
}
