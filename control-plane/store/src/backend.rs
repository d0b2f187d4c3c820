//! The file under redb: bounded, and with its space reserved before it is used.
//!
//! redb grows a file first and fills it later. On a sparse file a full disk would then be noticed in the middle of a
//! commit, or of the repair after it. Here growing reserves the blocks: it fails as a whole, before anything is written,
//! and everything within the file's length can be written from then on (as far as the file system keeps that promise:
//! those that copy on write do not).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use redb::StorageBackend;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// A file of at most so many bytes.
#[derive(Debug)]
pub(crate) struct ReservedFile {
    file: File,
    bytes_max: u64,
}

impl ReservedFile {
    /// Takes over an open file. Who may have it open is decided elsewhere ([`crate::open`]).
    pub const fn new(file: File, bytes_max: u64) -> Self {
        Self { file, bytes_max }
    }

    fn reserve(&self, from: u64, len: u64) -> io::Result<()> {
        if len > self.bytes_max {
            let text = format!("the file would grow to {len} bytes, its limit is {}", self.bytes_max);
            return Err(io::Error::new(io::ErrorKind::StorageFull, text));
        }
        loop {
            match fallocate(&self.file, FallocateFlags::empty(), from, len - from) {
                Err(Errno::INTR) => {}
                // Not every file system can: there the disk may still fill up in the middle.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => return self.file.set_len(len),
                other => return other.map_err(io::Error::from),
            }
        }
    }
}

impl StorageBackend for ReservedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let now = self.len()?;
        if len > now { self.reserve(now, len) } else { self.file.set_len(len) }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn growing_reserves_and_stops_at_the_limit() {
        let file = tempfile::tempfile().unwrap();
        let backend = ReservedFile::new(file.try_clone().unwrap(), 1 << 20);
        backend.set_len(1 << 20).unwrap();
        assert!(
            file.metadata().unwrap().blocks() * 512 >= 1 << 20,
            "blocks are there before they are written"
        );
        let error = backend.set_len((1 << 20) + 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(backend.len().unwrap(), 1 << 20);
        backend.set_len(4096).unwrap();
        assert_eq!(backend.len().unwrap(), 4096);
    }
}
