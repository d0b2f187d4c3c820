//! Where the captures are, and the packets in them.

use std::fs::File;
use std::path::{Path, PathBuf};

use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};
use repute_wire::{Parsed, parse_ethernet, parse_ip};

/// Where the corpus is, or a message that it is missing.
pub fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("REPUTE_CORPUS").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = named.unwrap_or_else(|| root.join("../shared/corpus"));
    let there = path.join("pcap").exists();
    if !there {
        eprintln!("skipped: no corpus at {}; set REPUTE_CORPUS", path.display());
    }
    there.then_some(path)
}

/// Calls `each` for every packet of every capture whose headers can be read here, with its length on the wire.
pub fn every_packet(mut each: impl FnMut(&[u8], u32, &Parsed)) {
    let Some(corpus) = corpus() else { return };
    for folder in std::fs::read_dir(corpus.join("pcap")).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(files) = std::fs::read_dir(folder) else { continue };
        for file in files.map(|entry| entry.unwrap().path()) {
            packets(&file, |link, packet, wire_len| {
                let parsed = match link {
                    DataLink::ETHERNET => parse_ethernet(packet, wire_len),
                    DataLink::RAW | DataLink::IPV4 | DataLink::IPV6 => parse_ip(packet, wire_len),
                    _ => return,
                };
                each(packet, wire_len, &parsed);
            });
        }
    }
}

/// Calls `each` for the packets of a capture, up to the first that cannot be read; a file of another kind has none.
fn packets(path: &Path, mut each: impl FnMut(DataLink, &[u8], u32)) {
    let open = || File::open(path).unwrap();
    if let Ok(mut reader) = PcapReader::new(open()) {
        let link = reader.header().datalink;
        while let Some(Ok(packet)) = reader.next_packet() {
            each(link, &packet.data, packet.orig_len);
        }
    } else if let Ok(mut reader) = PcapNgReader::new(open()) {
        let mut links = Vec::new();
        while let Some(Ok(block)) = reader.next_block() {
            match block {
                Block::SectionHeader(_) => links.clear(),
                Block::InterfaceDescription(interface) => links.push(interface.linktype),
                Block::EnhancedPacket(packet) => {
                    let Some(&link) = links.get(packet.interface_id as usize) else { continue };
                    each(link, &packet.data, packet.original_len);
                }
                _ => {}
            }
        }
    }
}
