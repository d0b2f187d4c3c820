//! Interface description blocks: link type, snap length and clock of one pcapng interface.
//!
//! Called by `pcapng`. Always holds: options that cannot be read leave the defaults (microseconds since 1970).

use super::super::{Break, Framing};

const OPTION_END: u16 = 0;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;

/// What is known of one interface.
pub(super) struct Interface {
    link_type: u16,
    /// Bytes captured of a packet at most; 0 is no limit.
    snap_len: u32,
    /// Ticks of its clock per second; `None` when they are too fine for any microsecond to pass.
    ticks_per_s: Option<u128>,
    /// Seconds to add to its clock.
    offset_s: i64,
}

impl Interface {
    /// Reads the body of an interface description block; `None` when it is too short.
    pub(super) fn read(body: &[u8], big_endian: bool) -> Option<Self> {
        let (fixed, options) = body.split_first_chunk::<8>()?;
        let [a, b, _, _, snap_len @ ..] = *fixed;
        let mut interface = Self {
            link_type: half(big_endian, [a, b]),
            snap_len: if big_endian { u32::from_be_bytes(snap_len) } else { u32::from_le_bytes(snap_len) },
            ticks_per_s: Some(1_000_000),
            offset_s: 0,
        };
        interface.read_options(options, big_endian);
        Some(interface)
    }

    fn read_options(&mut self, mut options: &[u8], big_endian: bool) {
        while let Some((&[a, b, c, d], rest)) = options.split_first_chunk::<4>() {
            let (code, len) = (half(big_endian, [a, b]), usize::from(half(big_endian, [c, d])));
            let Some(value) = rest.get(..len) else { return };
            match (code, value) {
                (OPTION_END, _) => return,
                (OPTION_TSRESOL, &[resolution]) => self.ticks_per_s = ticks_per_s(resolution),
                (OPTION_TSOFFSET, value) => self.set_offset(value, big_endian),
                _ => {}
            }
            options = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn set_offset(&mut self, value: &[u8], big_endian: bool) {
        if let Ok(bytes) = value.try_into() {
            self.offset_s = if big_endian { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) };
        }
    }

    /// What the interface's packets stand behind, if packets of it can be read.
    pub(super) fn framing(&self) -> Result<Framing, Break> {
        Framing::from_number(self.link_type).ok_or(Break::Foreign(self.link_type))
    }

    /// How many bytes of a packet of `wire_len` were captured.
    pub(super) fn captured(&self, wire_len: u32) -> usize {
        let limit = if self.snap_len == 0 { u32::MAX } else { self.snap_len };
        wire_len.min(limit) as usize
    }

    /// A reading of the interface's clock in microseconds since 1970, held within `u64`.
    pub(super) fn micros(&self, ticks: u64) -> u64 {
        let since = self.ticks_per_s.map_or(0, |per_s| u128::from(ticks) * 1_000_000 / per_s);
        // At most 2^84 and 2^83: the sum is far from the ends of i128.
        let micros = since as i128 + i128::from(self.offset_s) * 1_000_000;
        u64::try_from(micros.max(0)).unwrap_or(u64::MAX)
    }
}

/// `if_tsresol`: a negative power of 10, or of 2 when the top bit is set.
fn ticks_per_s(resolution: u8) -> Option<u128> {
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(u32::from(resolution & 0x7f))
}

fn half(big_endian: bool, bytes: [u8; 2]) -> u16 {
    if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An Ethernet interface with these options, little-endian.
    fn interface(options: &[u8]) -> Interface {
        Interface::read(&[&[1, 0, 0, 0, 0, 0, 0, 0], options].concat(), false).unwrap()
    }

    #[test]
    fn clocks() {
        let micros = |resolution: u8, ticks| interface(&[9, 0, 1, 0, resolution, 0, 0, 0]).micros(ticks);
        assert_eq!(interface(&[]).micros(1_234_567), 1_234_567);
        assert_eq!(micros(9, 1_234_567_899), 1_234_567);
        assert_eq!(micros(0, 3), 3_000_000);
        assert_eq!(micros(0x80 | 10, 1536), 1_500_000);
        assert_eq!(micros(127, 5), 0);
        assert_eq!(micros(0, u64::MAX), u64::MAX);
    }

    #[test]
    fn the_offset_is_signed_and_cannot_lead_before_1970() {
        let offset = |seconds: i64| interface(&[&[14, 0, 8, 0][..], &seconds.to_le_bytes()].concat());
        assert_eq!(offset(10).micros(5), 10_000_005);
        assert_eq!(offset(-1).micros(1_500_000), 500_000);
        assert_eq!(offset(-9).micros(1_500_000), 0);
    }

    #[test]
    fn broken_options_leave_the_defaults() {
        assert_eq!(interface(&[9, 0, 200, 0, 3]).micros(7), 7);
        assert!(Interface::read(&[1, 0, 0], false).is_none());
    }
}
