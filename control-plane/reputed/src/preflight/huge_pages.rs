//! The kernel's reserved huge pages, by NUMA node.
//!
//! Called by the check of memory.

use super::machine::Machine;

const NODES: &str = "sys/devices/system/node";
const WHOLE: &str = "sys/kernel/mm/hugepages";
/// Pages of this size are what a remedy asks for: they can be had without a restart.
const USUAL_KIB: u64 = 2048;

/// One size of pages on one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pool {
    page_kib: u64,
    pages: u64,
    free: u64,
}

/// The reserved pages of a node, or of a machine that knows no nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodePages {
    /// The node's number.
    pub node: Option<u16>,
    folder: String,
    pools: Vec<Pool>,
}

impl NodePages {
    /// Those of every node, in their order.
    pub fn all(machine: &Machine) -> Vec<Self> {
        let number = |name: String| name.strip_prefix("node")?.parse::<u16>().ok();
        let mut nodes: Vec<u16> = machine.names(NODES).into_iter().filter_map(number).collect();
        nodes.sort_unstable();
        if nodes.is_empty() {
            return vec![Self::read(machine, None, WHOLE.to_owned())];
        }
        let of = |node| Self::read(machine, Some(node), format!("{NODES}/node{node}/hugepages"));
        nodes.into_iter().map(of).collect()
    }

    fn read(machine: &Machine, node: Option<u16>, folder: String) -> Self {
        let pool = |name: &String| {
            let page_kib = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
            let number = |file| machine.number(&format!("{folder}/{name}/{file}"));
            Some(Pool { page_kib, pages: number("nr_hugepages")?, free: number("free_hugepages")? })
        };
        let pools = machine.names(&folder).iter().filter_map(pool).collect();
        Self { node, folder, pools }
    }

    /// MiB of free pages of every size.
    pub fn free_mb(&self) -> u64 {
        self.pools.iter().map(|pool| pool.free * pool.page_kib / 1024).sum()
    }

    /// MiB of free 2 MiB pages, which tables lie on.
    pub fn free_usual_mb(&self) -> u64 {
        self.pools.iter().filter(|pool| pool.page_kib == USUAL_KIB).map(|pool| pool.free * 2).sum()
    }

    /// The command that reserves so many MiB more here.
    pub fn reserve(&self, more_mb: u64) -> String {
        let pages = self.pools.iter().find(|pool| pool.page_kib == USUAL_KIB).map_or(0, |pool| pool.pages);
        let wanted = pages + more_mb.div_ceil(2);
        format!("echo {wanted} > /{}/hugepages-{USUAL_KIB}kB/nr_hugepages", self.folder)
    }

    /// "node 0: 2 MiB pages 64 free of 128".
    pub fn describe(&self) -> String {
        let size = |kib: u64| {
            if kib >= 1 << 20 { format!("{} GiB", kib >> 20) } else { format!("{} MiB", kib >> 10) }
        };
        let pool =
            |pool: &Pool| format!("{} pages {} free of {}", size(pool.page_kib), pool.free, pool.pages);
        let pools: Vec<String> = self.pools.iter().map(pool).collect();
        let place = self.node.map_or("machine".to_owned(), |node| format!("node {node}"));
        format!("{place}: {}", if pools.is_empty() { "no huge pages".to_owned() } else { pools.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::Fake;

    #[test]
    fn nodes_are_told_apart_and_the_command_adds_to_what_is_there() {
        let fake = Fake::new();
        for (path, pages, free) in [
            ("node0/hugepages/hugepages-2048kB", "64", "10"),
            ("node1/hugepages/hugepages-1048576kB", "2", "1"),
        ] {
            fake.file(&format!("{NODES}/{path}/nr_hugepages"), pages);
            fake.file(&format!("{NODES}/{path}/free_hugepages"), free);
        }
        let nodes = NodePages::all(&fake.machine());
        assert_eq!(nodes.iter().map(NodePages::free_mb).collect::<Vec<_>>(), [20, 1024]);
        assert_eq!(nodes[1].free_usual_mb(), 0);
        assert_eq!(nodes[0].describe(), "node 0: 2 MiB pages 10 free of 64");
        let command = "echo 115 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages";
        assert_eq!(nodes[0].reserve(101), command);
    }

    #[test]
    fn a_machine_without_nodes_has_one_pool() {
        let fake = Fake::new();
        let nodes = NodePages::all(&fake.machine());
        assert_eq!((nodes.len(), nodes[0].free_mb()), (1, 0));
        assert_eq!(nodes[0].describe(), "machine: no huge pages");
    }
}
