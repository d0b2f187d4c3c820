//! The bytes of a capture file: counted, buffered, and decompressed where they are gzipped (RFC 1952).
//!
//! Called by the format readers. Always holds: an I/O or decompression error reads like an early end of the
//! file, with the reason kept.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::Break;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER_LEN: usize = 128 * 1024;

/// How far a buffer could be filled.
pub(super) enum Filled {
    /// To its end.
    Full,
    /// Not at all: the file ended before it.
    End,
    /// In part, and why no further.
    Cut(String),
}

/// The input of one capture.
pub(super) struct Input {
    reader: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    total: u64,
}

/// Counts the bytes that pass, for progress bars.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buf)?;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

impl Input {
    pub(super) fn new(reader: impl Read + Send + 'static, total: u64) -> Self {
        let read = Arc::new(AtomicU64::new(0));
        let mut counted = Counted { inner: reader, read: Arc::clone(&read) };
        let start = first_bytes(&mut counted);
        let gzipped = start == GZIP_MAGIC;
        let whole = BufReader::with_capacity(BUFFER_LEN, Cursor::new(start).chain(counted));
        let reader: Box<dyn BufRead + Send> = if gzipped {
            Box::new(BufReader::with_capacity(BUFFER_LEN, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Self { reader, read, total }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn total_bytes(&self) -> u64 {
        self.total
    }

    pub(super) fn fill(&mut self, buf: &mut [u8]) -> Filled {
        let mut at = 0;
        while at < buf.len() {
            match self.reader.read(&mut buf[at..]) {
                Ok(0) if at == 0 => return Filled::End,
                Ok(0) => return Filled::Cut(format!("the file ends after {at} of {} bytes", buf.len())),
                Ok(len) => at += len,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Filled::Cut(e.to_string()),
            }
        }
        Filled::Full
    }

    /// Fills `buf`, where the file may not end.
    pub(super) fn need(&mut self, buf: &mut [u8], what: &str) -> Result<(), Break> {
        match self.fill(buf) {
            Filled::Full => Ok(()),
            Filled::End => Err(Break::Broken(format!("the file ends before {what}"))),
            Filled::Cut(why) => Err(Break::Broken(format!("in {what}: {why}"))),
        }
    }

    /// Passes over `len` bytes, where the file may not end.
    pub(super) fn skip(&mut self, len: u64, what: &str) -> Result<(), Break> {
        match io::copy(&mut (&mut self.reader).take(len), &mut io::sink()) {
            Ok(skipped) if skipped == len => Ok(()),
            Ok(_) => Err(Break::Broken(format!("the file ends in {what}"))),
            Err(e) => Err(Break::Broken(format!("in {what}: {e}"))),
        }
    }
}

/// Up to two bytes; an error here comes again, and is reported, on the next read.
fn first_bytes(reader: &mut impl Read) -> Vec<u8> {
    let mut start = Vec::with_capacity(2);
    let _ = reader.take(2).read_to_end(&mut start);
    start
}
