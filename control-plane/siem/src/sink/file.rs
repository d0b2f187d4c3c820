//! The file sink: one line an event, rotated by size.
//!
//! Disks block, so every write goes to the runtime's threads for that. **Always holds:** a full or broken disk loses events, each
//! counted, and nothing else; when there is room again the next line begins on a line of its own.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tokio::task::spawn_blocking;

use super::Feed;

/// Most rotated files that are kept.
const KEEP_MAX: u32 = 1000;

/// Writes until the bus is gone.
pub async fn run(mut feed: Feed, mut log: Log) {
    while let Some(event) = feed.subscription.next().await {
        if !feed.wants(&event) {
            continue;
        }
        if feed.shared.reopen.swap(false, Ordering::Relaxed) {
            log.open = None;
        }
        let line = feed.config.format.line(&event);
        // A write that panicked would have taken the log with it: begin with a new one.
        let blank = Log { open: None, path: log.path.clone(), ..log };
        let write = move || (log.write(&line), log);
        let written;
        (written, log) = match spawn_blocking(write).await {
            Ok(done) => done,
            Err(error) => (Err(io::Error::other(error)), blank),
        };
        match written {
            Ok(()) => feed.delivered(),
            Err(error) => {
                feed.fails(&format_args!("{}: {error}", log.path.display()));
                feed.lost();
            }
        }
    }
}

/// A file and its rotated predecessors.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// The last line has no end: the disk was full, or somebody stopped us while we wrote.
    torn: bool,
}

impl Log {
    /// The log at `path`; nothing is opened yet.
    pub fn new(path: PathBuf, max_bytes: u64, keep: u32) -> Self {
        Self { path, max_bytes, keep: keep.min(KEEP_MAX), open: None }
    }

    /// Writes one line; on failure the file is opened anew next time.
    fn write(&mut self, line: &str) -> io::Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.path)?,
        };
        if open.bytes > 0 && open.bytes + line.len() as u64 + 1 > self.max_bytes {
            self.rotate()?;
            open = Open::at(&self.path)?;
        }
        open.line(line)?;
        self.open = Some(open);
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        if self.keep == 0 {
            return fs::remove_file(&self.path);
        }
        for age in (1..self.keep).rev() {
            let older = self.rotated(age);
            if older.exists() {
                fs::rename(older, self.rotated(age + 1))?;
            }
        }
        fs::rename(&self.path, self.rotated(1))
    }

    fn rotated(&self, age: u32) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{age}"));
        name.into()
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes, torn: !ends_with_newline(path, bytes) })
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let before = if self.torn { "\n" } else { "" };
        let whole = format!("{before}{line}\n");
        self.file.write_all(whole.as_bytes())?;
        self.torn = false;
        self.bytes += whole.len() as u64;
        Ok(())
    }
}

/// Devices and what cannot be read count as whole.
fn ends_with_newline(path: &Path, bytes: u64) -> bool {
    use std::os::unix::fs::FileExt;
    let mut last = [b'\n'];
    if bytes > 0
        && let Ok(file) = File::open(path)
    {
        // One byte, or the preset where there is none to read.
        let _ = file.read_at(&mut last, bytes - 1);
    }
    last == [b'\n']
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &Path, max_bytes: u64, keep: u32) -> Log {
        Log::new(folder.join("events"), max_bytes, keep)
    }

    #[test]
    fn files_are_rotated_by_size_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 10, 2);
        for line in ["one", "two", "three", "four", "a line longer than the limit", "five"] {
            log.write(line).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("events"), "five\n");
        assert_eq!(read("events.1"), "a line longer than the limit\n");
        assert_eq!(read("events.2"), "four\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn nothing_is_kept_where_nothing_shall_be() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 8, 0);
        log.write("first").unwrap();
        log.write("second").unwrap();
        assert_eq!(fs::read_to_string(&log.path).unwrap(), "second\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_torn_line_is_ended_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 1000, 1);
        fs::write(&log.path, "{\"half").unwrap();
        log.write("whole").unwrap();
        log.write("next").unwrap();
        assert_eq!(fs::read_to_string(&log.path).unwrap(), "{\"half\nwhole\nnext\n");
    }

    #[test]
    fn a_full_disk_is_an_error_each_time() {
        let mut log = Log::new("/dev/full".into(), 1000, 1);
        for _ in 0..3 {
            assert_eq!(log.write("line").unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }
}
