//! The bytes of a file or an answer: unpacked where they are gzip (RFC 1952), and never more than allowed.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::limits::{EXPANSION_FREE, Limits};
use crate::refusal::Stop;

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The size of the pieces that are read.
const PIECE: usize = 64 << 10;

/// A reader that ends in an error, never in silence, where a limit is passed.
pub(crate) struct Unpacked<R: Read> {
    from: From<R>,
    out: u64,
    limits: Limits,
}

enum From<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<Counted<BufReader<R>>>>),
}

/// Counts what was taken from a packed file.
struct Counted<R> {
    inner: R,
    taken: u64,
}

impl<R: Read> Read for Counted<R>
where
    R: BufRead,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.taken += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.inner.consume(amount);
    }
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes to see whether they are packed.
    pub fn new(source: R, limits: Limits) -> io::Result<Self> {
        let mut source = BufReader::with_capacity(PIECE, source);
        let from = if source.fill_buf()?.starts_with(&GZIP) {
            From::Gzip(Box::new(MultiGzDecoder::new(Counted { inner: source, taken: 0 })))
        } else {
            From::Plain(source)
        };
        Ok(Self { from, out: 0, limits })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (read, taken) = match &mut self.from {
            From::Plain(plain) => (plain.read(buf)?, u64::MAX),
            From::Gzip(packed) => (packed.read(buf)?, packed.get_ref().taken),
        };
        self.out += read as u64;
        if self.out > self.limits.bytes {
            return Err(Stop::Bytes(self.limits.bytes).into());
        }
        if self.out > EXPANSION_FREE && self.out > taken.saturating_mul(self.limits.expansion) {
            return Err(Stop::Expansion(self.limits.expansion).into());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::refusal::Why;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, Why> {
        let mut out = Vec::new();
        Unpacked::new(bytes, limits)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn both_kinds_are_read_and_several_members_are_one_file() {
        let limits = Limits::default();
        assert_eq!(unpacked(b"a\nb", limits).unwrap(), b"a\nb");
        let two = [gzip(b"a\n"), gzip(b"b")].concat();
        assert_eq!(unpacked(&two, limits).unwrap(), b"a\nb");
        assert!(matches!(unpacked(&two[..two.len() - 3], limits), Err(Why::Read(_))));
    }

    #[test]
    fn bombs_and_long_files_end_in_errors() {
        let bomb = gzip(&vec![b'#'; 4 << 20]);
        assert!(matches!(unpacked(&bomb, Limits::default()), Err(Why::Expansion(100))));
        let few = Limits { bytes: 1 << 10, ..Limits::default() };
        assert!(matches!(unpacked(&bomb, few), Err(Why::Bytes(1024))));
        assert!(matches!(unpacked(&[b'#'; 1025], few), Err(Why::Bytes(1024))));
    }
}
