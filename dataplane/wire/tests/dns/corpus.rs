//! The DNS messages of the captures, and where they lie.

use std::collections::BTreeSet;

use repute_wire::dns::segment;
use repute_wire::{L4, Parsed};

use crate::captures::every_packet;

/// Ports that carry plain DNS: DNS, multicast DNS, LLMNR, and what captures of tests use.
const PORTS: [u16; 4] = [53, 5353, 5355, 8053];

/// Every message of every capture in the corpus, each once.
pub fn messages() -> Vec<Vec<u8>> {
    let mut found = BTreeSet::new();
    every_packet(|packet, _, parsed| collect(&mut found, packet, parsed));
    found.into_iter().collect()
}

fn collect(found: &mut BTreeSet<Vec<u8>>, packet: &[u8], parsed: &Parsed) {
    let Some(payload) = payload(packet, parsed) else { return };
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
