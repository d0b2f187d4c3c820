//! TCP softened in place: what a sender may put into one segment, and how much he may send before he hears of it.
//!
//! An on-path box can neither switch on SACK nor set a sender's initial window. It can make the largest segment (RFC 9293,
//! 3.7.1) and the receive window smaller that he is told of. Called by the engine. Always holds: both numbers only become
//! smaller; no other byte changes but the checksum, which is as right or wrong afterwards as before (RFC 1624), so that
//! SACK-permitted, sequence numbers and payload stay what they were.

use zerocopy::FromBytes;
use zerocopy::byteorder::network_endian::U16;

use crate::checksum::updated;
use crate::tcp_options::{Options, TcpOption};
use crate::{L4, Parsed, tcp};

/// What the options of a SYN or SYN-ACK say about segments to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Handshake {
    /// The largest segment that its sender takes, in bytes of payload and options.
    pub mss: Option<u16>,
    /// By how many bits its sender's windows will be shifted, 0..=14 (RFC 7323, 2.3), where it offers that.
    pub shift: Option<u8>,
    /// Whether it offers time stamps, which take [`Self::TIMESTAMPS`] bytes of every segment.
    pub timestamps: bool,
}

impl Handshake {
    /// Bytes of every segment that time stamps take (RFC 7323, appendix A).
    pub const TIMESTAMPS: u16 = 12;
    const SHIFT_MAX: u8 = 14;

    /// What the segment in `bytes` says, of which `parsed` tells; nothing where its options cannot be read.
    pub fn of(bytes: &[u8], parsed: &Parsed) -> Self {
        let mut said = Self::default();
        let segment = header(parsed).and_then(|at| bytes.get(at..));
        let options = Options::new(segment.and_then(options).unwrap_or_default());
        for option in options.map_while(Result::ok) {
            match option {
                TcpOption::Mss(size) => said.mss = Some(size),
                TcpOption::WindowScale(shift) => said.shift = Some(shift.min(Self::SHIFT_MAX)),
                TcpOption::Timestamps(..) => said.timestamps = true,
                TcpOption::SackPermitted | TcpOption::Other(..) => {}
            }
        }
        said
    }
}

/// How a segment is softened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Softened {
    /// The largest segment is at most this, where the segment names one.
    pub mss: Option<u16>,
    /// The window field is at most this, whatever it counts.
    pub window: Option<u16>,
}

impl Softened {
    /// Whether there is nothing to do.
    pub const fn is_nothing(&self) -> bool {
        self.mss.is_none() && self.window.is_none()
    }

    /// Softens the segment in `bytes`, of which `parsed` tells; whether anything had to be changed.
    pub fn write(&self, bytes: &mut [u8], parsed: &Parsed) -> bool {
        let Some(segment) = header(parsed).and_then(|at| bytes.get_mut(at..)) else { return false };
        let smaller = self.mss.is_some_and(|most| lower_sizes(segment, most));
        let narrower = self.window.is_some_and(|most| lower(segment, WINDOW, most));
        smaller || narrower
    }
}

/// Where the window and the checksum stand in a TCP header.
const WINDOW: usize = 14;
const CHECKSUM: usize = 16;
/// Bytes of options that a TCP header has room for.
const OPTIONS_MAX: usize = 40;

/// Where the TCP header begins, where there is one.
fn header(parsed: &Parsed) -> Option<usize> {
    let whole = parsed.l4 == L4::Tcp && parsed.has_tcp_flags() && parsed.error.is_none();
    whole.then_some(usize::from(parsed.l4_off))
}

/// The options of a segment whose header was captured as a whole.
fn options(segment: &[u8]) -> Option<&[u8]> {
    let (header, _) = tcp::Header::ref_from_prefix(segment).ok()?;
    segment.get(size_of::<tcp::Header>()..header.header_len())
}

/// Makes the largest segment at most `most`, as often as it is named; whether it was more.
fn lower_sizes(segment: &mut [u8], most: u16) -> bool {
    let Some(options) = options(segment) else { return false };
    let (mut room, len) = ([0; OPTIONS_MAX], options.len());
    room[..len].copy_from_slice(options);
    let end = size_of::<tcp::Header>() + len;
    let (mut read, mut changed) = (Options::new(&room[..len]), false);
    while let Some(Ok(option)) = read.next() {
        if let TcpOption::Mss(_) = option {
            changed |= lower(segment, end - read.left() - size_of::<U16>(), most);
        }
    }
    changed
}

/// Makes the number at `at` at most `most`; whether it was more. It may begin at an odd byte, and is summed with its
/// bytes exchanged then (RFC 1071, 2.B).
fn lower(segment: &mut [u8], at: usize, most: u16) -> bool {
    let Some(old) = word(segment, at).filter(|&old| old > most) else { return false };
    let Some(checksum) = word(segment, CHECKSUM) else { return false };
    let summed = |word: u16| if at.is_multiple_of(2) { word } else { word.swap_bytes() };
    let checksum = updated(checksum, summed(old), summed(most));
    segment[at..at + 2].copy_from_slice(&most.to_be_bytes());
    segment[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum.to_be_bytes());
    true
}

fn word(segment: &[u8], at: usize) -> Option<u16> {
    segment.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_ip;

    /// A SYN with these options behind a bare IPv4 header, its checksum not made.
    fn syn(options: &[u8]) -> Vec<u8> {
        let words = 5 + options.len() as u8 / 4;
        let mut bytes = vec![0x45, 0, 0, 40 + options.len() as u8, 0, 0, 0, 0, 64, 6, 0, 0];
        bytes.extend([192, 0, 2, 1, 198, 51, 100, 2, 0x9c, 0x40, 1, 187, 0, 0, 0, 1, 0, 0, 0, 0]);
        bytes.extend([words << 4, 2, 0xff, 0xff, 0x12, 0x34, 0, 0]);
        bytes.extend(options);
        bytes
    }

    fn softened(options: &[u8], how: Softened) -> (bool, Vec<u8>) {
        let mut bytes = syn(options);
        let parsed = parse_ip(&bytes, bytes.len() as u32);
        (how.write(&mut bytes, &parsed), bytes)
    }

    const LINUX: [u8; 20] = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7];

    #[test]
    fn a_handshake_says_what_is_to_come() {
        let bytes = syn(&LINUX);
        let parsed = parse_ip(&bytes, bytes.len() as u32);
        let said = Handshake { mss: Some(1460), shift: Some(7), timestamps: true };
        assert_eq!(Handshake::of(&bytes, &parsed), said);
        assert_eq!(Handshake::of(&bytes[..30], &parsed), Handshake::default());
        let beyond = syn(&[3, 3, 77, 0]);
        let parsed = parse_ip(&beyond, beyond.len() as u32);
        assert_eq!(Handshake::of(&beyond, &parsed).shift, Some(14), "RFC 7323, 2.3");
    }

    #[test]
    fn the_largest_segment_and_the_window_become_smaller_and_nothing_else_changes() {
        let how = Softened { mss: Some(1220), window: Some(12_000) };
        let (changed, after) = softened(&LINUX, how);
        let mut expected = syn(&LINUX);
        expected[34..36].copy_from_slice(&12_000u16.to_be_bytes());
        expected[42..44].copy_from_slice(&1220u16.to_be_bytes());
        expected[36..38].copy_from_slice(&after[36..38]);
        assert!(changed);
        assert_eq!(after, expected);
    }

    #[test]
    fn what_is_small_enough_stays_as_it_is() {
        let how = Softened { mss: Some(1460), window: Some(65_535) };
        assert_eq!(softened(&LINUX, how), (false, syn(&LINUX)));
        assert_eq!(softened(&[], Softened { mss: Some(1), window: None }), (false, syn(&[])));
        let broken = [2, 4, 5, 0xb4, 9, 1, 0, 0];
        assert_eq!(softened(&broken, Softened { mss: Some(1), window: Some(1) }), (false, syn(&broken)));
    }

    #[test]
    fn every_largest_segment_is_made_smaller_at_whatever_byte() {
        let twice = [1, 2, 4, 0x05, 0xb4, 2, 4, 0xff, 0xff, 0, 0, 0];
        let (changed, after) = softened(&twice, Softened { mss: Some(1220), window: None });
        assert!(changed);
        assert_eq!(after[40..52], [1, 2, 4, 0x04, 0xc4, 2, 4, 0x04, 0xc4, 0, 0, 0]);
    }
}
