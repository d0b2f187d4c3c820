//! The DNS messages of the captures, and where they lie.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};
use repute_wire::dns::segment;
use repute_wire::{L4, Parsed, parse_ethernet, parse_ip};

/// Ports that carry plain DNS: DNS, multicast DNS, LLMNR, and what captures of tests use.
const PORTS: [u16; 4] = [53, 5353, 5355, 8053];

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

/// Every message of every capture in the corpus, each once.
pub fn messages() -> Vec<Vec<u8>> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let mut found = BTreeSet::new();
    for folder in std::fs::read_dir(corpus.join("pcap")).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(files) = std::fs::read_dir(folder) else { continue };
        for file in files.map(|entry| entry.unwrap().path()) {
            packets(&file, |link, packet, wire_len| collect(&mut found, link, packet, wire_len));
        }
    }
    found.into_iter().collect()
}

fn collect(found: &mut BTreeSet<Vec<u8>>, link: DataLink, packet: &[u8], wire_len: u32) {
    let parsed = match link {
        DataLink::ETHERNET => parse_ethernet(packet, wire_len),
        DataLink::RAW | DataLink::IPV4 | DataLink::IPV6 => parse_ip(packet, wire_len),
        _ => return,
    };
    let Some(payload) = payload(packet, &parsed) else { return };
    match parsed.l4 {
        L4::Udp => drop(found.insert(payload.to_vec())),
        _ => found.extend(segment(payload).flatten().map(<[u8]>::to_vec)),
    }
}

/// The payload of a packet to or from a DNS port, if all of it was captured.
fn payload<'a>(packet: &'a [u8], parsed: &Parsed) -> Option<&'a [u8]> {
    let dns = matches!(parsed.l4, L4::Udp | L4::Tcp)
        && (PORTS.contains(&parsed.sport) || PORTS.contains(&parsed.dport))
        && parsed.error.is_none()
        && !parsed.frag_more();
    let from = usize::from(parsed.payload_off);
    packet.get(from..from + parsed.payload_len as usize).filter(|payload| dns && !payload.is_empty())
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
