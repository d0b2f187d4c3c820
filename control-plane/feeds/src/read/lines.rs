//! Lines that end in LF, CR or CRLF, without an allocation a line.

use std::io::{BufRead, BufReader, Read};

use memchr::memchr2;

use crate::refusal::Why;

/// The size of the pieces that lines are cut from.
const PIECE: usize = 64 << 10;

/// The lines of a reader, numbered from 1.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    /// The begin of a line whose end is not there yet.
    begun: Vec<u8>,
    /// How many lines have ended.
    ended: u64,
    /// The last byte was a CR: an LF belongs to it.
    after_cr: bool,
    line_max: usize,
}

impl<R: Read> Lines<R> {
    /// Lines of `line_max` bytes at most.
    pub fn new(reader: R, line_max: usize) -> Self {
        let reader = BufReader::with_capacity(PIECE, reader);
        Self { reader, begun: Vec::new(), ended: 0, after_cr: false, line_max }
    }

    /// Calls `each` with the number and the bytes of every line, without its end. `Err` with the number of the line
    /// that cannot be read, or with what `each` returns.
    pub fn each<E: From<(u64, Why)>>(
        mut self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let piece = match self.reader.fill_buf() {
                Ok([]) => break,
                Ok(piece) => piece,
                Err(error) => return Err((self.ended + 1, error.into()).into()),
            };
            let taken = piece.len();
            let mut rest = piece;
            if self.after_cr && rest[0] == b'\n' {
                rest = &rest[1..];
            }
            self.after_cr = false;
            while let Some(end) = memchr2(b'\n', b'\r', rest) {
                let line = if self.begun.is_empty() {
                    &rest[..end]
                } else {
                    self.begun.extend_from_slice(&rest[..end]);
                    &self.begun
                };
                if line.len() > self.line_max {
                    return Err((self.ended + 1, Why::Line(self.line_max)).into());
                }
                each(self.ended + 1, line)?;
                self.begun.clear();
                self.ended += 1;
                let cr = rest[end] == b'\r';
                rest = &rest[end + 1..];
                match rest.first() {
                    Some(b'\n') if cr => rest = &rest[1..],
                    None => self.after_cr = cr,
                    _ => {}
                }
            }
            if self.begun.len() + rest.len() > self.line_max {
                return Err((self.ended + 1, Why::Line(self.line_max)).into());
            }
            self.begun.extend_from_slice(rest);
            self.reader.consume(taken);
        }
        if self.begun.is_empty() { Ok(()) } else { each(self.ended + 1, &self.begun) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, so that every line crosses pieces.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buf[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn lines(reader: impl Read, max: usize) -> Result<Vec<(u64, String)>, (u64, Why)> {
        let mut found = Vec::new();
        Lines::new(reader, max).each(|number, line| {
            found.push((number, String::from_utf8_lossy(line).into_owned()));
            Ok::<(), (u64, Why)>(())
        })?;
        Ok(found)
    }

    #[test]
    fn all_line_ends_count_once() {
        let text = b"a\nb\r\nc\rd\r\n\r\ne\n\rf";
        let expected = ["a", "b", "c", "d", "", "e", "", "f"];
        let expected: Vec<_> = (1..).zip(expected.map(str::to_owned)).collect();
        assert_eq!(lines(text.as_slice(), 9).unwrap(), expected);
        assert_eq!(lines(Dribble(text), 9).unwrap(), expected);
        assert!(lines(b"".as_slice(), 9).unwrap().is_empty());
    }

    #[test]
    fn an_endless_line_is_given_up_with_its_number() {
        for reader in [b"a\n0123456789".as_slice(), b"a\n0123456789\n"] {
            assert!(matches!(lines(reader, 9), Err((2, Why::Line(9)))));
            assert!(matches!(lines(Dribble(reader), 9), Err((2, Why::Line(9)))));
        }
        assert!(matches!(lines(std::io::repeat(b'x'), 1 << 16), Err((1, Why::Line(_)))));
    }
}
