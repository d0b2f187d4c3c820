//! No bytes and no length make the parser panic, and what it says of them stays within the packet.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_wire::{Columns, L3, Parsed, parse_ethernet, parse_ip, quoted, tcp_options::Options};

/// Bytes that look like headers often enough to be followed: random ones with typical starts.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let start = prop::sample::select(vec![
        vec![],
        vec![0x45, 0],
        vec![0x46, 0, 0, 60],
        vec![0x45, 0, 0, 60, 0, 0, 0x20, 0, 64, 6],
        vec![0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17],
        vec![0x45, 0, 0, 80, 0, 0, 0, 0, 64, 1],
        vec![0x60, 0, 0, 0, 0, 40, 0],
        vec![0x60, 0, 0, 0, 0, 60, 44],
        vec![0x60, 0, 0, 0, 0, 0, 58],
    ]);
    (start, prop::collection::vec(any::<u8>(), 0..160)).prop_map(|(start, rest)| [start, rest].concat())
}

fn ether_type() -> impl Strategy<Value = u16> {
    prop_oneof![prop::sample::select(vec![0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 40]), any::<u16>(),]
}

fn check(bytes: &[u8], wire_len: u32, parsed: &Parsed) {
    let end = bytes.len().max(wire_len as usize);
    assert!(usize::from(parsed.l4_off) <= end);
    assert!(usize::from(parsed.payload_off) + parsed.payload_len as usize <= end);
    assert!(!(parsed.error.is_some() && parsed.class.always_forwards()));
    assert!(parsed.has_addresses() || (parsed.src.0, parsed.dst.0, parsed.ttl) == (0, 0, 0));
    assert!(parsed.has_ports() || (parsed.sport, parsed.dport) == (0, 0));
    assert!(parsed.is_ip() || parsed.l3 == L3::Arp || parsed.protocol == 0);
    assert_eq!(Columns(parsed).to_string().split('\t').count(), 15);
    assert!(quoted(bytes, parsed).is_none() || parsed.has_icmp());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4096,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_packet(packet in packet(), wire_len: u32) {
        for wire_len in [0, packet.len() as u32 + 40, wire_len] {
            check(&packet, wire_len, &parse_ip(&packet, wire_len));
        }
    }

    #[test]
    fn any_frame(addresses: [u8; 12], types in prop::collection::vec((ether_type(), any::<u16>()), 0..7), packet in packet()) {
        let mut frame = addresses.to_vec();
        for (ether_type, control) in types {
            frame.extend(ether_type.to_be_bytes());
            frame.extend(control.to_be_bytes());
        }
        frame.extend(packet);
        for wire_len in [0, u32::MAX] {
            check(&frame, wire_len, &parse_ethernet(&frame, wire_len));
        }
    }

    #[test]
    fn options_end(bytes in prop::collection::vec(0_u8..12, 0..41)) {
        let read: Vec<_> = Options::new(&bytes).collect();
        assert!(read.len() <= bytes.len());
        assert!(read.iter().rev().skip(1).all(Result::is_ok));
    }
}
