//! What the integration tests share: a small EAL without huge pages, and capture files written and read by hand.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use dpdk::{Device, Eal, EalArgs, HugePages, MbufPool, PoolArgs, Port, PortConfig, PortSpec};

/// A packet of a capture file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Microseconds since 1970.
    pub at_us: u64,
    pub bytes: Vec<u8>,
}

/// EAL with ordinary pages, quiet.
pub fn boot(memory_mb: u32) -> Eal {
    let args = EalArgs { huge_pages: HugePages::None, memory_mb, log_sink: |_| {}, ..EalArgs::default() };
    Eal::init(args).unwrap()
}

pub fn pool(eal: &Eal, name: &str, mbufs: u32) -> MbufPool {
    MbufPool::new(eal, &PoolArgs::new(name, mbufs)).unwrap()
}

pub fn attach(eal: &Eal, spec: &str) -> Device {
    Device::attach(eal, PortSpec::parse(spec).unwrap()).unwrap()
}

/// A started port with one queue each way.
pub fn started(eal: &Eal, spec: &str, pool: &MbufPool) -> Port {
    let mut port = Port::configure(attach(eal, spec), &PortConfig::default(), &[pool]).unwrap();
    port.start().unwrap();
    port
}

/// Ethernet frames of the given lengths with bytes that depend on place and frame, 1 ms and a bit apart.
pub fn frames(lengths: impl IntoIterator<Item = usize>) -> Vec<Captured> {
    let frame = |(n, len): (usize, usize)| Captured {
        at_us: 1_700_000_000_999_000 + n as u64 * 1_003,
        bytes: (0..len).map(|at| (at * 7 + n * 31) as u8).collect(),
    };
    lengths.into_iter().enumerate().map(frame).collect()
}

/// Writes a classic little-endian pcap file with microseconds, link type Ethernet.
pub fn write_pcap(path: &Path, packets: &[Captured]) {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for packet in packets {
        let (seconds, micros) = (packet.at_us / 1_000_000, packet.at_us % 1_000_000);
        let len = packet.bytes.len() as u32;
        for word in [seconds as u32, micros as u32, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&packet.bytes);
    }
    fs::write(path, file).unwrap();
}

/// The packets' bytes of a little-endian pcap file.
pub fn read_pcap(path: &Path) -> Vec<Vec<u8>> {
    let file = fs::read(path).unwrap();
    let mut rest = &file[24..];
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        packets.push(rest[16..16 + len].to_vec());
        rest = &rest[16 + len..];
    }
    packets
}
