//! What the packets of a box need: pools for the workers, one for copies and resets, and the memory for all of it.
//!
//! Asked at boot and by preflight, so that both speak of the same numbers.

use dpdk::PoolArgs;
use repute_policy::Topology;

/// MiB beside the packet pools: rings, queues and drivers.
const OVERHEAD_MB: u64 = 64;

/// Bytes of a frame beside its IP packet: the Ethernet header and two VLAN tags, so that nothing common is
/// scattered over buffers.
const FRAME_BYTES: u16 = 14 + 8;

/// The pool that the queues of so many workers receive into, on a NUMA node.
pub fn pool(topology: &Topology, workers: u16, node: Option<u32>) -> PoolArgs {
    let mtu = topology.ports.iter().map(|port| port.mtu).max().unwrap_or(1500);
    let name = node.map_or_else(|| "packets".to_owned(), |node| format!("packets-{node}"));
    let mbufs = topology.mbufs.saturating_mul(u32::from(workers));
    PoolArgs { data_room: room(mtu), socket: node, ..PoolArgs::new(&name, mbufs) }
}

/// Packets of its own, resets, that each worker may have under way.
const OWN: u32 = 256;

/// The pool of copies and of resets, for all workers together: policies that reset may come later. A tunnel's headers go
/// into its head room.
pub fn copies(topology: &Topology) -> PoolArgs {
    let (mbufs, bytes) = topology.mirror.as_ref().map_or((0, 0), |mirror| (mirror.mbufs, mirror.bytes));
    let mbufs = mbufs.saturating_add(OWN).saturating_mul(u32::from(topology.workers.count));
    PoolArgs { data_room: bytes.max(2048), ..PoolArgs::new("copies", mbufs) }
}

/// MiB for packets, queues and drivers.
pub fn needed_mb(topology: &Topology) -> u64 {
    pool(topology, topology.workers.count, None).memory_mb() + copies(topology).memory_mb() + OVERHEAD_MB
}

/// The NUMA node of a core; `None` where there is one node only, or none that the kernel tells of.
pub fn node_of(core: usize) -> Option<u32> {
    let has = |node: u32| std::path::Path::new(&format!("/sys/devices/system/node/node{node}")).exists();
    if !(1..NODES_MAX).any(has) {
        return None;
    }
    let is_home =
        |node: &u32| std::path::Path::new(&format!("/sys/devices/system/cpu/cpu{core}/node{node}")).exists();
    (0..NODES_MAX).find(is_home)
}

/// NUMA nodes that are looked for.
const NODES_MAX: u32 = 64;

fn room(mtu: u16) -> u16 {
    mtu.saturating_add(FRAME_BYTES).max(2048)
}

#[cfg(test)]
mod tests {
    use super::*;
    use repute_policy::Config;

    fn topology(text: &str) -> Topology {
        Config::parse("test", text).unwrap().topology()
    }

    const PAIR: &str = "[ports.outside]\nrole = \"outside\"\nmtu = 9000\n[ports.inside]\nrole = \"inside\"\n\
                        mtu = 9000\n[profiles.ingress]\n";

    #[test]
    fn memory_grows_with_workers_and_copies() {
        let one = topology(PAIR);
        assert_eq!(pool(&one, 1, Some(3)).name, "packets-3");
        assert!(pool(&one, 1, None).data_room >= 9022, "a whole frame of the largest port");
        let each = pool(&one, 1, None).memory_mb();
        let two = topology(&format!("[workers]\ncount = 2\n{PAIR}"));
        assert!(needed_mb(&two) + 1 >= needed_mb(&one) + each, "rounded up once");
        let mirror = "[ports.tap]\nrole = \"mirror\"\n[mirror]\nport = \"tap\"\nbytes = 512\n";
        let mirrored = topology(&format!("{PAIR}{mirror}"));
        assert!(needed_mb(&mirrored) > needed_mb(&one));
    }

    #[test]
    fn the_machine_says_where_its_cores_are_or_nothing() {
        assert!(node_of(0).is_none_or(|node| node < NODES_MAX));
        assert_eq!(node_of(1 << 20), None);
    }
}
