//! Softening on every TCP packet of the captures and on made-up ones: only the window and the largest segment become
//! smaller, and checksums stay as right as they were by a sum made another way.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "captures/mod.rs"]
mod captures;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_wire::{Handshake, L3, L4, Parsed, Softened, parse_ip};

/// How handshakes and what follows them are softened.
const WAYS: [Softened; 4] = [
    Softened { mss: Some(1220), window: Some(12_000) },
    Softened { mss: Some(536), window: None },
    Softened { mss: None, window: Some(1) },
    Softened { mss: Some(1), window: Some(0) },
];

/// The sum of RFC 1071 over bytes at even places, as its text says it: one by one, the carry added at once.
fn ones_complement(bytes: impl IntoIterator<Item = u8>) -> u16 {
    let (mut sum, mut high) = (0u16, None);
    let mut add = |word: u16| {
        let (next, carry) = sum.overflowing_add(word);
        sum = next + u16::from(carry);
    };
    for byte in bytes {
        high = match high {
            None => Some(byte),
            Some(first) => {
                add(u16::from(first) << 8 | u16::from(byte));
                None
            }
        };
    }
    high.into_iter().for_each(|last| add(u16::from(last) << 8));
    sum
}

/// Whether the checksum of a whole segment is right; `None` where not all of it is there.
fn verifies(packet: &[u8], parsed: &Parsed) -> Option<bool> {
    let (l3, l4) = (usize::from(parsed.l3_off), usize::from(parsed.l4_off));
    let end = usize::from(parsed.payload_off) + parsed.payload_len as usize;
    let segment = packet.get(l4..end).filter(|_| !parsed.frag_more() && parsed.payload_off > 0)?;
    let addresses = if parsed.l3 == L3::Ipv4 { &packet[l3 + 12..l3 + 20] } else { &packet[l3 + 8..l3 + 40] };
    let len = (segment.len() as u32).to_be_bytes();
    let pseudo = addresses.iter().chain(&len).chain(&[0, 0, 0, 6]);
    Some(ones_complement(pseudo.chain(segment).copied()) == 0xffff)
}

/// Where the largest segment is named in a header that was captured as a whole, by a walk of its own.
fn sizes(packet: &[u8], header: std::ops::Range<usize>) -> Vec<usize> {
    let (mut at, mut found) = (header.start + 20, Vec::new());
    if header.end > packet.len() {
        return found;
    }
    while at < header.end {
        match packet[at] {
            0 => break,
            1 => at += 1,
            kind => {
                let len = usize::from(packet[at + 1]);
                found.extend((kind == 2 && len == 4).then_some(at + 2));
                at += len;
            }
        }
    }
    found
}

/// Softens a packet in every way and compares; whether it is a segment whose checksum was right.
fn check(packet: &[u8], parsed: &Parsed) -> bool {
    let before = verifies(packet, parsed);
    for how in WAYS {
        let mut after = packet.to_vec();
        let changed = how.write(&mut after, parsed);
        assert_eq!(changed, after != packet);
        if changed {
            let l4 = usize::from(parsed.l4_off);
            let sizes = sizes(packet, l4..usize::from(parsed.payload_off));
            is_softened(packet, &after, l4, &sizes, how);
            assert!(before != Some(true) || verifies(&after, parsed) == Some(true));
        }
    }
    before == Some(true)
}

fn is_softened(before: &[u8], after: &[u8], l4: usize, sizes: &[usize], how: Softened) {
    let word = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let limits = [(l4 + 14, how.window)].into_iter().chain(sizes.iter().map(|&at| (at, how.mss)));
    let mut same = after.to_vec();
    for (at, most) in limits {
        let expected = most.map_or(word(before, at), |most| most.min(word(before, at)));
        assert_eq!(word(after, at), expected);
        same[at..at + 2].copy_from_slice(&before[at..at + 2]);
    }
    same[l4 + 16..l4 + 18].copy_from_slice(&before[l4 + 16..l4 + 18]);
    assert_eq!(same, before, "nothing but the window, the largest segment and the checksum");
}

#[test]
fn every_segment_of_the_captures() {
    let (mut segments, mut right, mut named) = (0u64, 0u64, 0u64);
    captures::every_packet(|packet, _, parsed| {
        if parsed.l4 == L4::Tcp && parsed.has_tcp_flags() {
            segments += 1;
            right += u64::from(check(packet, parsed));
            named += u64::from(Handshake::of(packet, parsed).mss.is_some());
        }
    });
    if captures::corpus().is_some() {
        println!("{segments} segments, {right} of them whole and right, {named} that name a largest segment");
        assert!(segments > 50_000 && right > 10_000 && named > 1_000, "{segments} {right} {named}");
    }
}

/// A TCP segment over IPv4 with any options and any payload, its checksum right.
fn segment() -> impl Strategy<Value = Vec<u8>> {
    let option = prop_oneof![
        Just(vec![1]),
        Just(vec![4, 2]),
        any::<[u8; 2]>().prop_map(|size| vec![2, 4, size[0], size[1]]),
        any::<u8>().prop_map(|shift| vec![3, 3, shift]),
        any::<[u8; 8]>().prop_map(|times| [&[8, 10], &times[..]].concat()),
    ];
    let options = prop::collection::vec(option, 0..5).prop_map(|options| {
        let mut options = options.concat();
        options.resize(options.len().next_multiple_of(4), 0);
        options.truncate(40);
        options
    });
    (options, any::<[u8; 14]>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(
        |(options, fields, payload)| {
            let len = 20 + options.len();
            let total = (20 + len + payload.len()) as u16;
            let mut packet = vec![0x45, 0];
            packet.extend(total.to_be_bytes());
            packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2]);
            packet.extend(&fields[..12]);
            packet.extend([(len as u8 / 4) << 4, 0x12]);
            packet.extend(&fields[12..]);
            packet.extend([0; 4]);
            packet.extend(options);
            packet.extend(payload);
            let pseudo = packet[12..20].iter().chain(&[0, 0, 0, 6]);
            let segment_len = (total - 20).to_be_bytes();
            let sum = ones_complement(pseudo.chain(&segment_len).chain(&packet[20..]).copied());
            packet[36..38].copy_from_slice(&(!sum).to_be_bytes());
            packet
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4096,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn made_up_segments(packet in segment(), cut in 0_usize..120) {
        let parsed = parse_ip(&packet, packet.len() as u32);
        let right = check(&packet, &parsed);
        prop_assert!(right || parsed.error.is_some());
        let cut = &packet[..cut.min(packet.len())];
        check(cut, &parse_ip(cut, packet.len() as u32));
    }
}
