//! The mirror by itself: what it picks, how fast copies leave, and what is in them.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use repute_engine::{Mirror, MirrorSetup};
use repute_model::{BATCH, Band, Link, Packet, Sampling, Tick};
use repute_wire::checksum::Sum;
use repute_wire::vxlan::{self, Ends, Tunnel, Vni};
use repute_wire::{L4, Parsed, parse_ethernet};

use crate::common::cases;
use crate::common::frame::{ACK, Frame, PSH, Talk};
use crate::common::ports::Ports;

/// Whole packets, as they are, without a limit that could be met.
const PLAIN: MirrorSetup = MirrorSetup { port: 2, bytes: 9_000, bytes_per_s: 1 << 40, tunnel: None };

const V4: Ends = Ends::V4 { src: Ipv4Addr::new(10, 0, 0, 1), dst: Ipv4Addr::new(10, 0, 0, 2) };
const V6: Ends = Ends::V6 {
    src: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
    dst: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2),
};

fn tunnel(ends: Ends) -> Tunnel {
    let vni = Vni::new(1_000).unwrap();
    Tunnel { src_mac: [2, 0, 0, 0, 0, 1], dst_mac: [2, 0, 0, 0, 0, 2], ends, port: vxlan::PORT, vni }
}

fn through(ends: Ends, bytes: u32) -> MirrorSetup {
    MirrorSetup { bytes, tunnel: Some(tunnel(ends)), ..PLAIN }
}

/// A frame of `len` bytes with `data` bytes of TCP payload.
fn frame(data: usize) -> Frame {
    Talk::new([192, 0, 2, 7], 40_000, [10, 1, 1, 1], 443).asks(ACK | PSH, data)
}

/// The same frame with VLAN tags behind its MAC addresses.
fn tagged(mut frame: Frame, tags: &[[u8; 4]]) -> Frame {
    frame.bytes.splice(12..12, tags.concat());
    frame.wire_len += 4 * tags.len() as u32;
    frame
}

/// What comes out for one packet at a fresh mirror.
fn copied(setup: MirrorSetup, packet: &Frame) -> Option<Frame> {
    let mut mirror = Mirror::new(Some(setup));
    mirror.copy(packet, Tick(1), &mut Ports::default());
    let copy = mirror.outbox().unwrap().1.pop();
    assert_eq!(mirror.withheld(), u64::from(copy.is_none()));
    copy
}

#[test]
fn a_mirror_that_is_off_does_nothing() {
    let mut mirror = Mirror::<Frame>::new(None);
    assert!(!mirror.picks(Band::Poor, &Sampling { one_in: 1, first: 9 }, 1));
    mirror.copy(&frame(9), Tick(1), &mut Ports::default());
    assert_eq!((mirror.is_on(), mirror.withheld(), mirror.outbox()), (false, 0, None));
}

#[test]
fn every_nth_packet_is_picked_and_the_first_ones() {
    let mut mirror = Mirror::<Frame>::new(Some(PLAIN));
    let sampling = Sampling { one_in: 10, first: 3 };
    let picked: Vec<u32> = (1..=35).filter(|&nth| mirror.picks(Band::Poor, &sampling, nth)).collect();
    assert_eq!(picked, [1, 2, 3, 10, 20, 30]);
}

proptest! {
    #![proptest_config(cases(256))]

    /// Bands do not disturb each other, and a new policy's sampling counts on.
    #[test]
    fn counts_are_exact_for_each_band(
        one_in in proptest::array::uniform5(1u32..50),
        packets in proptest::collection::vec((0u8..5, 1u32..30), 1..2_000),
        first in 0u32..4,
    ) {
        let mut mirror = Mirror::<Frame>::new(Some(PLAIN));
        let mut seen = [0u32; 5];
        for (band, nth) in packets {
            let i = usize::from(band);
            seen[i] += 1;
            let sampling = Sampling { one_in: one_in[i], first };
            let picked = mirror.picks(Band::from_index(band), &sampling, nth);
            prop_assert_eq!(picked, seen[i] % one_in[i] == 0 || nth <= first);
        }
    }

    /// The bytes between the headers and the end are the frame's own, whatever its length and tags, and whatever
    /// reads the outer headers finds a right datagram.
    #[test]
    fn the_frame_inside_is_intact(
        data in 0usize..300,
        bytes in 14u32..400,
        tags in 0usize..3,
        is_v6 in any::<bool>(),
    ) {
        let packet = tagged(frame(data), &[[0x88, 0xa8, 0, 5], [0x81, 0, 0, 7]][2 - tags..]);
        let copy = copied(through(if is_v6 { V6 } else { V4 }, bytes), &packet).unwrap();
        let (overhead, len) = (if is_v6 { 70 } else { 50 }, packet.bytes.len().min(bytes as usize));
        prop_assert_eq!(&copy.bytes[overhead..], &packet.bytes[..len]);
        prop_assert_eq!(copy.wire_len() as usize, overhead + len);

        let outer = outer(&copy);
        prop_assert_eq!((outer.error, outer.l4, outer.dport), (None, L4::Udp, 4_789));
        prop_assert_eq!(outer.payload_len as usize, 8 + len);
        prop_assert!(outer.sport >= 49_152);
        prop_assert!(is_summed_right(&copy, &outer));
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// Over any stretch of time that begins with nothing owed: what the rate allows, but for one tick and one copy.
    #[test]
    fn copies_leave_at_the_rate(
        bytes_per_s in 50_000u64..20_000_000,
        bytes in 64u32..1_600,
        data in 0usize..1_460,
        is_far in any::<bool>(),
    ) {
        let ends = if is_far { Some(tunnel(V6)) } else { None };
        let mut mirror = Mirror::new(Some(MirrorSetup { bytes, bytes_per_s, tunnel: ends, ..PLAIN }));
        let (packet, mut ports) = (frame(data), Ports::default());
        let (mut sent, mut offered, mut left) = (0, 0, 0);
        let each = u64::from(packet.wire_len().min(bytes)) + u64::from(is_far) * 70;
        let slack = each + bytes_per_s / 1_000 + 1;
        for ms in 1..=1_000 {
            for _ in 0..400 {
                mirror.copy(&packet, Tick(ms), &mut ports);
                offered += 1;
                let copies = mirror.outbox().unwrap().1.drain(..);
                let lengths = copies.map(|copy| u64::from(copy.wire_len()));
                left += lengths.len() as u64;
                sent += lengths.sum::<u64>();
            }
            let allowed = bytes_per_s * ms / 1_000;
            prop_assert!(sent <= allowed + slack, "{sent} of {allowed} after {ms} ms");
            prop_assert!(sent + each >= allowed, "{sent} of {allowed} after {ms} ms");
        }
        prop_assert_eq!(sent, left * each);
        prop_assert_eq!(left + mirror.withheld(), offered);
    }
}

fn outer(copy: &Frame) -> Parsed {
    parse_ethernet(&copy.bytes, copy.wire_len())
}

/// IPv4: the header's checksum, and none of UDP. IPv6: that of UDP with its pseudo header (RFC 8200, 8.1).
fn is_summed_right(copy: &Frame, outer: &Parsed) -> bool {
    let datagram = &copy.bytes[usize::from(outer.l4_off)..];
    let network = &copy.bytes[14..usize::from(outer.l4_off)];
    if network.len() == 20 {
        let dont_fragment = network[6..8] == [0x40, 0];
        return Sum::default().with(network).checksum() == 0 && datagram[6..8] == [0, 0] && dont_fragment;
    }
    let sum = Sum::default().with(&network[8..40]).with(&network[4..6]).with(&[0, 17]).with(datagram);
    sum.checksum() == 0 && datagram[6..8] != [0, 0]
}

#[test]
fn a_plain_copy_is_cut_and_the_packet_is_not() {
    for (bytes, len) in [(64, 64), (65, 65), (153, 153), (154, 154), (155, 154), (9_000, 154)] {
        let packet = Frame { id: 7, ..frame(100) };
        let copy = copied(MirrorSetup { bytes, ..PLAIN }, &packet).unwrap();
        assert_eq!((&copy.bytes[..], copy.wire_len()), (&packet.bytes[..len], len as u32));
        assert_eq!((packet.wire_len(), packet.bytes.len()), (154, 154));
    }
}

#[test]
fn both_directions_leave_by_one_port_even_where_the_copy_ends_before_the_ports() {
    let sport = |frame: &Frame| outer(&copied(through(V4, 20), frame).unwrap()).sport;
    let mut seen = Vec::new();
    for client in 40_000..41_000 {
        let talk = Talk::new([192, 0, 2, 7], client, [10, 1, 1, 1], 443);
        assert_eq!(sport(&talk.asks(ACK, 10)), sport(&talk.answers(ACK, 99)));
        seen.push(sport(&talk.asks(ACK, 0)));
    }
    seen.sort_unstable();
    seen.dedup();
    // A thousand draws of 2^14 places hit about 970 different ones.
    assert!(seen.len() > 940, "{}", seen.len());
}

#[test]
fn fragments_of_a_packet_leave_by_one_port() {
    let fragment = |flags_offset: [u8; 2], ports: [u8; 4]| {
        let mut frame = Frame::ipv4([192, 0, 2, 7], [10, 1, 1, 1], 17, &[ports, [0, 12, 0, 0]].concat());
        frame.bytes[20..22].copy_from_slice(&flags_offset);
        outer(&copied(through(V4, 64), &frame).unwrap()).sport
    };
    let (first, last) = (fragment([0x20, 0], [0, 53, 1, 1]), fragment([0, 5], [9, 9, 9, 9]));
    assert_eq!(first, last);
    assert_ne!(first, fragment([0, 0], [0, 53, 1, 1]));
}

#[test]
fn what_a_tunnel_cannot_carry_is_withheld() {
    let bare = Frame { link: Link::Ip, ..frame(10) };
    let scattered = Frame { segments: 2, ..frame(10) };
    for packet in [bare, scattered] {
        assert_eq!(copied(through(V4, 64), &packet), None);
        assert!(copied(PLAIN, &packet).is_some());
    }
}

#[test]
fn a_full_outbox_withholds() {
    let (mut mirror, mut ports) = (Mirror::new(Some(PLAIN)), Ports::default());
    for _ in 0..BATCH + 3 {
        mirror.copy(&frame(10), Tick(1), &mut ports);
    }
    let waiting = mirror.outbox().map(|(port, outbox)| (port, outbox.len()));
    assert_eq!((waiting, mirror.withheld()), (Some((2, BATCH)), 3));
}

#[test]
fn what_is_withheld_costs_nothing_of_the_rate() {
    // One copy of 100 bytes a second.
    let mut mirror = Mirror::new(Some(MirrorSetup { bytes: 100, bytes_per_s: 100, ..PLAIN }));
    let mut ports = Ports { copies: 0, ..Ports::default() };
    mirror.copy(&frame(100), Tick(1), &mut ports);
    assert_eq!((mirror.withheld(), mirror.outbox().unwrap().1.len()), (1, 0));
    ports.copies = 9;
    mirror.copy(&frame(100), Tick(1), &mut ports);
    assert_eq!((mirror.withheld(), mirror.outbox().unwrap().1.len()), (1, 1));
    mirror.copy(&frame(100), Tick(900), &mut ports);
    assert_eq!((mirror.withheld(), mirror.outbox().unwrap().1.len(), ports.copies), (2, 1, 8));
    mirror.copy(&frame(100), Tick(1_001), &mut ports);
    assert_eq!((mirror.withheld(), mirror.outbox().unwrap().1.len()), (2, 2));
}
