//! The outlines of a whole batch: who talks with whom, read for all packets by the same arithmetic.
//!
//! The most common shape alone (Ethernet II, IPv4 without options or fragments, UDP, or TCP without options, between
//! two hosts) is told by sums and shifts without a branch, which the compiler does for four packets at once. Called by
//! the engine before [`Outline`](crate::Outline) is asked about the others. Always holds: what is common here has an
//! outline that says the same.

use repute_model::BATCH;

use crate::{tcp, udp};

/// What a frame has to be long enough for: the headers up to the flags of TCP, as one outline wants them.
const LEAST: usize = 54;
/// EtherType of IPv4, version 4, five words of header.
const PLAIN_IPV4: u64 = 0x0008_0045;
/// IPv4 addresses above this one are groups and reserved ones; 0 is nobody.
const HOSTS_MAX: u64 = 0xdfff_ffff;
const BGP: u64 = 179;
const BFD: std::ops::RangeInclusive<u64> = 3784..=7784;
const BOOTPS: u64 = 67;
const FIN_SYN_RST_ACK: u64 = (tcp::FIN | tcp::SYN | tcp::RST | tcp::ACK) as u64;

/// What is known of a packet; one number, as wide as what it is worked out from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape(u64);

impl Shape {
    const COMMON: u64 = 1;
    const GOES_ON: u64 = 1 << 1;
    const DATAGRAM: u64 = 1 << 2;

    /// Whether it has the most common shape; nothing else counts otherwise.
    #[inline(always)]
    pub const fn is_common(self) -> bool {
        self.0 & Self::COMMON != 0
    }

    /// As [`Outline::goes_on`](crate::Outline::goes_on).
    #[inline(always)]
    pub const fn goes_on(self) -> bool {
        self.0 & Self::GOES_ON != 0
    }

    /// UDP; else TCP.
    #[inline(always)]
    pub const fn is_datagram(self) -> bool {
        self.0 & Self::DATAGRAM != 0
    }
}

/// A lane a packet: the words of its headers, and what they say.
#[derive(Debug)]
pub struct Outlines {
    /// Bytes 12, 20, 34 and 42 of each frame, eight at a time.
    first: [u64; BATCH],
    second: [u64; BATCH],
    fourth: [u64; BATCH],
    fifth: [u64; BATCH],
    /// Source address in the upper half, destination in the lower one.
    ends: [u64; BATCH],
    /// Bytes of each frame, in memory or on the wire.
    end: [u64; BATCH],
    shape: [Shape; BATCH],
}

impl Default for Outlines {
    fn default() -> Self {
        Self::new()
    }
}

impl Outlines {
    /// Nothing was read yet.
    pub const fn new() -> Self {
        let none = [0; BATCH];
        Self {
            first: none,
            second: none,
            fourth: none,
            fifth: none,
            ends: none,
            end: none,
            shape: [Shape(0); BATCH],
        }
    }

    /// Reads frame `i`, which was `wire_len` bytes long on the wire.
    #[inline(always)]
    pub fn read(&mut self, i: usize, frame: &[u8], wire_len: u32) {
        let head: &[u8; LEAST] = frame.first_chunk().unwrap_or(&[0; LEAST]);
        self.first[i] = be64(head, 12);
        self.second[i] = be64(head, 20);
        self.ends[i] = be64(head, 26);
        self.fourth[i] = be64(head, 34);
        self.fifth[i] = be64(head, 42);
        self.end[i] = frame.len().max(wire_len as usize) as u64;
    }

    /// Works out the shapes of all lanes; those that were not read for this batch mean nothing.
    #[inline(always)]
    pub fn work_out(&mut self) {
        for i in 0..BATCH {
            self.shape[i] = self.shape_of(i);
        }
    }

    /// The shape of frame `i`.
    #[inline(always)]
    pub const fn shape(&self, i: usize) -> Shape {
        self.shape[i]
    }

    /// Source address of a common frame in the upper half, destination in the lower one.
    #[inline(always)]
    pub const fn ends(&self, i: usize) -> u64 {
        self.ends[i]
    }

    /// Source port of a common frame in the upper half, destination port in the lower one.
    #[inline(always)]
    pub const fn ports(&self, i: usize) -> u32 {
        (self.fourth[i] >> 32) as u32
    }

    #[inline(always)]
    const fn shape_of(&self, i: usize) -> Shape {
        let (first, second, fourth) = (self.first[i], self.second[i], self.fourth[i]);
        let total = first >> 16 & 0xffff;
        let protocol = second >> 32 & 0xff;
        let (sport, dport) = (fourth >> 48, fourth >> 32 & 0xffff);
        let room = total.wrapping_sub(20);
        let hosts = is_host(self.ends[i] >> 32) & is_host(self.ends[i] & 0xffff_ffff);
        let network = is_zero(first >> 40 ^ PLAIN_IPV4)
            & is_zero(second >> 48 & 0x3fff)
            & is_at_most(total + 14, self.end[i])
            & is_at_most(20, total)
            & hosts;
        let datagram =
            is_zero(protocol ^ udp::PROTOCOL as u64) & is_datagram(fourth >> 16 & 0xffff, room, sport, dport);
        let segment =
            is_zero(protocol ^ tcp::PROTOCOL as u64) & is_segment(self.fifth[i], room, sport, dport);
        let goes_on = datagram | is_zero(self.fifth[i] >> 16 & FIN_SYN_RST_ACK ^ tcp::ACK as u64);
        let common = network & (datagram | segment);
        Shape(common * Shape::COMMON + goes_on * Shape::GOES_ON + datagram * Shape::DATAGRAM)
    }
}

/// A datagram of `len` bytes by its own header in `room` bytes; nothing that may be BFD or DHCP.
#[inline(always)]
const fn is_datagram(len: u64, room: u64, sport: u64, dport: u64) -> u64 {
    let bfd = is_at_most(*BFD.start(), dport) & is_at_most(dport, *BFD.end());
    let dhcp = is_zero(sport.wrapping_sub(BOOTPS) >> 1) & is_zero(dport.wrapping_sub(BOOTPS) >> 1);
    is_at_most(8, len) & is_at_most(len, room) & ((bfd | dhcp) ^ 1)
}

/// A segment without options; nothing that may be BGP.
#[inline(always)]
const fn is_segment(fifth: u64, room: u64, sport: u64, dport: u64) -> u64 {
    let bgp = is_zero(sport ^ BGP) | is_zero(dport ^ BGP);
    is_zero(fifth >> 28 & 0xf ^ 5) & is_at_most(20, room) & (bgp ^ 1)
}

#[inline(always)]
const fn is_host(address: u64) -> u64 {
    is_at_most(1, address) & is_at_most(address, HOSTS_MAX)
}

/// 1 where `a` is at most `b`, else 0. Neither is near 2^63, but a difference that went below zero may be the larger
/// one: then it is small by this measure.
#[inline(always)]
const fn is_at_most(a: u64, b: u64) -> u64 {
    (b.wrapping_sub(a) >> 63) ^ 1
}

#[inline(always)]
const fn is_zero(number: u64) -> u64 {
    ((number | number.wrapping_neg()) >> 63) ^ 1
}

#[inline(always)]
fn be64(bytes: &[u8; LEAST], at: usize) -> u64 {
    let mut wide = [0; 8];
    wide.copy_from_slice(&bytes[at..at + 8]);
    u64::from_be_bytes(wide)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::Outline;

    /// A common frame of 60 bytes.
    fn frame(protocol: u8, ends: [u8; 8], ports: [u16; 2], last: [u8; 2]) -> Vec<u8> {
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0, 0, 46, 0, 1, 0x40, 0, 64, protocol, 0, 0]);
        frame.extend(ends);
        frame.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        match protocol {
            udp::PROTOCOL => frame.extend([0, 26, 0, 0]),
            _ => frame.extend([0, 0, 0, 1, 0, 0, 0, 2, last[0], last[1], 1, 0, 0, 0, 0, 0]),
        }
        frame.resize(60, 0);
        frame
    }

    fn shape(frame: &[u8], wire_len: u32) -> (Outlines, Shape) {
        let mut outlines = Outlines::new();
        outlines.read(7, frame, wire_len);
        outlines.work_out();
        let shape = outlines.shape(7);
        (outlines, shape)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 16_384,
            rng_seed: RngSeed::Fixed(11),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn whatever_is_common_has_the_same_outline(
            is_udp: bool,
            ends: [u8; 8],
            (sport, dport) in (0u16..8000, prop_oneof![0u16..200, 3700u16..7900]),
            flags in prop_oneof![Just(0x10u8), any::<u8>()],
            damage in proptest::collection::vec((12..60usize, any::<u8>()), 0..3),
            kept in prop_oneof![Just(60), 0..60usize],
            wire in prop_oneof![Just(0u32), 0..70u32],
        ) {
            let mut bytes = frame(if is_udp { 17 } else { 6 }, ends, [sport, dport], [0x50, flags]);
            for (at, value) in damage {
                bytes[at] = value;
            }
            bytes.truncate(kept);
            let (outlines, shape) = shape(&bytes, wire);
            if shape.is_common() {
                let outline = Outline::of(&bytes, wire);
                prop_assert!(outline.is_some());
                let Some(outline) = outline else { return Ok(()) };
                let ends = u64::from(outline.src.0 as u32) << 32 | u64::from(outline.dst.0 as u32);
                prop_assert_eq!((outlines.ends(7), outlines.ports(7)), (ends, outline.ports));
                prop_assert_eq!(shape.goes_on(), outline.goes_on);
                prop_assert_eq!(shape.is_datagram(), outline.protocol == udp::PROTOCOL);
            }
        }
    }

    #[test]
    fn common_frames_are_common() {
        let ends = [192, 0, 2, 1, 198, 51, 100, 2];
        for (protocol, flags) in [(17, 0), (6, 0x10), (6, 0x18), (6, 0x02), (6, 0x11)] {
            let (_, shape) = shape(&frame(protocol, ends, [40_000, 443], [0x50, flags]), 0);
            let goes_on = protocol == 17 || matches!(flags, 0x10 | 0x18);
            assert!(shape.is_common() && shape.goes_on() == goes_on, "{protocol} {flags:x}");
        }
    }

    #[test]
    fn nobody_and_control_traffic_are_not() {
        let (host, other) = ([192, 0, 2, 1], [198, 51, 100, 2]);
        for (from, to) in [([0; 4], other), (host, [224, 0, 0, 5]), ([255; 4], other), (host, [0; 4])] {
            let ends = [from[0], from[1], from[2], from[3], to[0], to[1], to[2], to[3]];
            assert!(!shape(&frame(17, ends, [1000, 53], [0; 2]), 0).1.is_common(), "{ends:?}");
        }
        let ends = [192, 0, 2, 1, 198, 51, 100, 2];
        for (protocol, ports) in [(17, [68, 67]), (17, [5000, 3784]), (6, [5000, 179]), (6, [179, 5000])] {
            let frame = frame(protocol, ends, ports, [0x50, 0x10]);
            assert!(!shape(&frame, 0).1.is_common(), "{protocol} {ports:?}");
        }
    }
}
