//! How arbitrary bytes become breaths, and packets become bytes again: the seeds are written in the form that the
//! target reads.
#![forbid(unsafe_code)]

use repute_model::Limits;

/// Tables before a DNS server that an input fills, and that are made quickly.
pub const SMALL_DNS: Limits = Limits {
    sources: 64,
    contacts: 64,
    sweep_ms: 10,
    crowds: 64,
    queries: 64,
    queue_packets: 64,
    queue_source: 8,
    queue_connections: 16,
    softened: 64,
    cache_answers: 16,
    cache_bytes: 4096,
    ..Limits::DEFAULT
};

/// Packets of one breath at most.
const PACKETS_MAX: usize = 64;
/// Ticks before a breath, by the three highest bits of its first packet's head.
const GAPS_MS: [u64; 8] = [0, 1, 2, 5, 20, 100, 500, 70_000];

/// One packet of a breath.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The port it comes in by: 0 or 1.
    pub port: u8,
    /// Whether it begins with an IP header.
    pub bare: bool,
    /// Bytes that it had more on the wire.
    pub cut: u32,
    /// Segments it is scattered over.
    pub segments: u16,
    /// What there is of it.
    pub bytes: &'a [u8],
}

/// The breaths that `input` stands for: how many ms each comes after the one before it, and its packets.
///
/// A packet is a byte of flags (from the lowest: port, bare, cut, scattered, last of its breath; the gap), a byte
/// that is its length, and so many bytes.
pub fn breaths(mut input: &[u8]) -> Vec<(u64, Vec<Packet<'_>>)> {
    let mut breaths: Vec<(u64, Vec<Packet<'_>>)> = Vec::new();
    let mut ended = true;
    while let [flags, len, rest @ ..] = input {
        let (bytes, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        input = rest;
        let has = |bit: u8| flags >> bit & 1;
        let cut = 1_000 * u32::from(has(2));
        let packet = Packet { port: has(0), bare: has(1) == 1, cut, segments: u16::from(has(3)) + 1, bytes };
        match breaths.last_mut() {
            Some((_, packets)) if !ended && packets.len() < PACKETS_MAX => packets.push(packet),
            _ => breaths.push((GAPS_MS[usize::from(flags >> 5)], vec![packet])),
        }
        ended = has(4) == 1;
    }
    breaths
}

/// One packet as [`breaths`] reads it, the last of its breath, which comes 1 ms after the one before it; what is
/// longer than 255 bytes is cut.
pub fn breath(port: u8, bare: bool, bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len().min(255);
    let flags = port | u8::from(bare) << 1 | 1 << 4 | 1 << 5;
    [&[flags, len as u8], &bytes[..len]].concat()
}
