//! The classic pcap format (draft-ietf-opsawg-pcap): one link type, one record header per packet.
//!
//! Called by `Capture`. Always holds: a record longer than [`PACKET_LEN_MAX`] ends the capture, because
//! nothing behind a wrong length can be found again.

use super::input::{Filled, Input};
use super::{Break, Found, Framing, PACKET_LEN_MAX};

/// A pcap file behind its file header.
pub(super) struct Pcap {
    big_endian: bool,
    /// Fractions of a second per microsecond: 1, or 1000 in nanosecond files.
    per_us: u32,
    /// Record header in bytes: 16, or 24 in the variant of old Linux distributions.
    header_len: usize,
    framing: Framing,
}

const FILE_HEADER_LEN: usize = 24;
const LINK_TYPE_AT: usize = 20;

impl Pcap {
    /// Reads the rest of the file header if `magic` starts a pcap file.
    pub(super) fn recognise(magic: [u8; 4], input: &mut Input) -> Result<Option<Self>, Break> {
        let (big_endian, per_us, header_len) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, 1, 16),
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, 1, 16),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, 1000, 16),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, 1000, 16),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, 1, 24),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, 1, 24),
            _ => return Ok(None),
        };
        let mut header = [0; FILE_HEADER_LEN];
        input.need(&mut header[magic.len()..], "the file header")?;
        // The upper half tells whether and how long a frame check sequence follows each frame.
        let number = word(&header, LINK_TYPE_AT, big_endian) as u16;
        let framing = Framing::from_number(number).ok_or(Break::Foreign(number))?;
        Ok(Some(Self { big_endian, per_us, header_len, framing }))
    }

    /// Reads the next record into `buffer`.
    pub(super) fn next(&self, input: &mut Input, buffer: &mut Vec<u8>) -> Result<Found, Break> {
        let mut header = [0; 24];
        match input.fill(&mut header[..self.header_len]) {
            Filled::Full => {}
            Filled::End => return Err(Break::End),
            Filled::Cut(why) => return Err(Break::Broken(format!("in a record header: {why}"))),
        }
        let field = |i: usize| word(&header, 4 * i, self.big_endian);
        let len = field(2) as usize;
        if len > PACKET_LEN_MAX {
            return Err(Break::Broken(format!("a record claims {len} bytes")));
        }
        buffer.resize(len, 0);
        input.need(buffer, "a packet")?;
        Ok(Found {
            ts_us: u64::from(field(0)) * 1_000_000 + u64::from(field(1) / self.per_us),
            wire_len: field(3),
            framing: self.framing,
            data: 0..len,
        })
    }
}

/// The 32-bit number at `at` of `header`, which is long enough.
fn word(header: &[u8; 24], at: usize, big_endian: bool) -> u32 {
    let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
