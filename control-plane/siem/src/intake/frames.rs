//! Records out of a byte stream: lines, or octet-counted frames (RFC 6587), told apart record by record.
//!
//! **Always holds:** at most [`RECORD_MAX`] bytes are kept; a longer record is skipped to its end and reported
//! once. However the stream is cut into pieces, the records are the same.

use crate::RECORD_MAX;

/// Digits of an octet count at most; more are the beginning of a line.
const DIGITS_MAX: usize = 9;

/// What is gathered of a record.
#[derive(Debug)]
pub struct Frames {
    /// Whether a leading number counts octets; else everything is lines.
    counted: bool,
    buffer: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Between records.
    Start,
    /// In the digits of a count; they are in the buffer, for they may turn out to begin a line.
    Digits,
    /// In a line.
    Line,
    /// In a frame with so many bytes to come.
    Frame(usize),
    /// In a line that is too long.
    SkipLine,
    /// In a frame that is too long, with so many bytes to come.
    SkipFrame(usize),
}

impl Frames {
    /// Lines alone.
    pub fn lines() -> Self {
        Self { counted: false, buffer: Vec::new(), state: State::Start }
    }

    /// Lines and octet-counted frames.
    pub fn syslog() -> Self {
        Self { counted: true, ..Self::lines() }
    }

    /// Bytes of a record whose end has not come yet.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Takes the next piece of the stream and calls `take` with every record that it completes; `None` is one
    /// that is too long.
    pub fn push(&mut self, mut piece: &[u8], mut take: impl FnMut(Option<&[u8]>)) {
        while !piece.is_empty() {
            let used = match self.state {
                State::Start => self.start(piece[0]),
                State::Digits => self.digits(piece[0], &mut take),
                State::Line | State::SkipLine => self.line(piece, &mut take),
                State::Frame(left) => self.frame(piece, left, &mut take),
                State::SkipFrame(left) => {
                    let used = left.min(piece.len());
                    self.state = if used == left { State::Start } else { State::SkipFrame(left - used) };
                    used
                }
            };
            piece = &piece[used..];
        }
    }

    fn start(&mut self, byte: u8) -> usize {
        match byte {
            b'\n' | b'\r' | b'\0' => return 1,
            b'1'..=b'9' if self.counted => self.state = State::Digits,
            _ => self.state = State::Line,
        }
        0
    }

    fn digits(&mut self, byte: u8, take: &mut impl FnMut(Option<&[u8]>)) -> usize {
        match byte {
            b'0'..=b'9' if self.buffer.len() < DIGITS_MAX => self.buffer.push(byte),
            b' ' => {
                let count = self.buffer.iter().fold(0, |count, digit| 10 * count + usize::from(digit - b'0'));
                self.buffer.clear();
                self.state = if count > RECORD_MAX {
                    take(None);
                    State::SkipFrame(count)
                } else {
                    State::Frame(count)
                };
            }
            _ => {
                self.state = State::Line;
                return 0;
            }
        }
        1
    }

    fn line(&mut self, piece: &[u8], take: &mut impl FnMut(Option<&[u8]>)) -> usize {
        let end = piece.iter().position(|&byte| byte == b'\n');
        let part = &piece[..end.unwrap_or(piece.len())];
        if self.state == State::Line {
            if self.buffer.len() + part.len() > RECORD_MAX {
                take(None);
                self.buffer.clear();
                self.state = State::SkipLine;
            } else {
                self.buffer.extend_from_slice(part);
            }
        }
        if end.is_none() {
            return part.len();
        }
        if self.state == State::Line {
            self.emit(take);
        }
        self.state = State::Start;
        part.len() + 1
    }

    fn frame(&mut self, piece: &[u8], left: usize, take: &mut impl FnMut(Option<&[u8]>)) -> usize {
        let used = left.min(piece.len());
        self.buffer.extend_from_slice(&piece[..used]);
        if used == left {
            self.emit(take);
            self.state = State::Start;
        } else {
            self.state = State::Frame(left - used);
        }
        used
    }

    fn emit(&mut self, take: &mut impl FnMut(Option<&[u8]>)) {
        let record = self.buffer.trim_ascii_end();
        if !record.is_empty() {
            take(Some(record));
        }
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn read(mut frames: Frames, pieces: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut records = Vec::new();
        for piece in pieces {
            frames.push(piece, |record| records.push(record.map(<[u8]>::to_vec)));
        }
        records
    }

    #[test]
    fn lines_and_counted_frames_are_told_apart() {
        let stream = b"<1>a\r\n5 <2>b\n\n4 <3>c12:30 line\n<4>no end";
        let records = read(Frames::syslog(), &[stream]);
        let texts: Vec<_> = records.iter().map(|record| record.as_deref().unwrap()).collect();
        assert_eq!(texts, [&b"<1>a"[..], b"<2>b", b"<3>c", b"12:30 line"]);
        assert_eq!(read(Frames::lines(), &[b"5 <2>b\n"]), [Some(b"5 <2>b".to_vec())]);
    }

    #[test]
    fn what_is_too_long_is_skipped_to_its_end() {
        let long = [b'x'; RECORD_MAX + 1];
        assert_eq!(read(Frames::lines(), &[&long, &long, b"\nnext\n"]), [None, Some(b"next".to_vec())]);
        let count = (long.len() * 2).to_string() + " ";
        let records = read(Frames::syslog(), &[count.as_bytes(), &long, &long, b"<5>ok\n"]);
        assert_eq!(records, [None, Some(b"<5>ok".to_vec())]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, rng_seed: RngSeed::Fixed(0x5eed), ..ProptestConfig::default() })]

        #[test]
        fn cuts_do_not_matter(stream in "[0-9 \n\r<>a]{0,200}", cuts in prop::collection::vec(0usize..200, 0..8)) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < bytes.len()).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(Frames::syslog(), &pieces), read(Frames::syslog(), &[bytes]));
        }
    }
}
