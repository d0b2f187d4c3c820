//! The open end of the log.
//!
//! **Always holds:** `len`, `seq` and `prev` are those of the last entry that is on the disk. After a failure the
//! file is cut back to there and opened anew for the next entry.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use super::entry::{self, LINE_MAX, Link, NOTHING};
use super::rotation::{beside, older, put_aside};
use super::{AuditConfig, AuditError, Change};
use crate::clock::unix_seconds;
use crate::files::{FileError, PRIVATE, failed};

#[derive(Debug)]
pub(super) struct Writer {
    config: AuditConfig,
    /// None after a failure.
    file: Option<File>,
    len: u64,
    /// Number of the file's first entry.
    first: u64,
    /// Number of the last entry.
    seq: u64,
    /// Hash of the last entry.
    prev: String,
    /// Entries that were lost since.
    lost: u64,
}

/// An entry that is not on the disk.
#[derive(Debug)]
pub(super) struct Lost {
    pub error: AuditError,
    /// The line.
    pub entry: String,
}

/// How a file ends.
struct Tail {
    /// Where its last whole line ends.
    len: u64,
    /// Bytes after that.
    unfinished: u64,
    /// Its last whole line: none, an entry, or damaged.
    last: Option<Result<Link, String>>,
}

impl Writer {
    /// Opens the file where its chain ends; also says what was wrong with it.
    pub fn open(config: AuditConfig, now: SystemTime) -> Result<(Self, Option<String>), AuditError> {
        let path = config.path.clone();
        let mut file = open(&path)?;
        let tail = Tail::of(&mut file, &path)?;
        let mut found = None;
        let mut made =
            Self { config, file: None, len: tail.len, first: 0, seq: 0, prev: NOTHING.into(), lost: 0 };
        match tail.last {
            Some(Ok(link)) => {
                made.first = first_entry(&path)?.unwrap_or(link.seq);
                (made.seq, made.prev) = (link.seq, link.hash);
            }
            Some(Err(why)) => {
                let aside = beside(&path, &format!("damaged-{}", unix_seconds(now)));
                fs::rename(&path, &aside).map_err(failed("put it aside", &path))?;
                found = Some(format!(
                    "its last line was damaged ({why}); the file was put aside as {} and a new chain begins",
                    aside.display()
                ));
                file = open(&path)?;
                made.len = 0;
            }
            None => made.follow_older()?,
        }
        if found.is_none() && tail.unfinished > 0 {
            file.set_len(tail.len).map_err(failed("take out the unfinished line of", &path))?;
            found = Some(format!("an unfinished line of {} bytes was taken out", tail.unfinished));
        }
        made.file = Some(file);
        Ok((made, found))
    }

    /// Goes on where the newest of the older files ends: a crash came between two files.
    fn follow_older(&mut self) -> Result<(), AuditError> {
        if let Some((_, path)) = older(&self.config.path)?.pop() {
            let mut file = File::open(&path).map_err(failed("open it", &path))?;
            if let Some(Ok(link)) = Tail::of(&mut file, &path)?.last {
                (self.seq, self.prev) = (link.seq, link.hash);
            }
        }
        Ok(())
    }

    pub fn head(&self) -> (u64, String) {
        (self.seq, self.prev.clone())
    }

    /// Writes one entry and waits until it is on the disk.
    pub fn append(&mut self, change: &Change, at: SystemTime) -> Result<(), Lost> {
        let lost = |error, entry| Lost { error, entry };
        let seq = self.seq + 1;
        let (mut line, hash) = entry::write(change, at, seq, self.lost, &self.prev).map_err(|error| {
            self.lost += 1;
            lost(error.into(), change.object.clone())
        })?;
        line.push('\n');
        match self.put(line.as_bytes()) {
            Ok(()) => {
                if self.len == 0 {
                    self.first = seq;
                }
                self.len += line.len() as u64;
                (self.seq, self.prev, self.lost) = (seq, hash, 0);
                Ok(())
            }
            Err(error) => {
                self.lost += 1;
                if let Some(file) = self.file.take() {
                    // Where this fails too, the next entry tries again.
                    let _ = file.set_len(self.len);
                }
                Err(lost(error, line))
            }
        }
    }

    fn put(&mut self, line: &[u8]) -> Result<(), AuditError> {
        let path = self.config.path.clone();
        if self.len > 0 && self.len + line.len() as u64 > self.config.bytes_max {
            put_aside(&path, self.first, self.config.keep)?;
            (self.file, self.len) = (None, 0);
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let file = open(&path)?;
                let there = file.metadata().map_err(failed("look at it", &path))?.len();
                if there > self.len {
                    file.set_len(self.len).map_err(failed("take out the unfinished line of", &path))?;
                }
                // Somebody may have moved the file away meanwhile.
                self.len = self.len.min(there);
                file
            }
        };
        let file = self.file.insert(file);
        file.write_all(line).and_then(|()| file.sync_data()).map_err(failed("write it", &path))?;
        Ok(())
    }
}

/// Opens the file for appending, makes it if it is missing, and keeps others from writing it.
fn open(path: &Path) -> Result<File, AuditError> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(PRIVATE).open(path);
    let file = file.map_err(failed("open it", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::Taken(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed("lock it", path)(error).into()),
    }
}

/// The number of the first entry.
fn first_entry(path: &Path) -> Result<Option<u64>, FileError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed("open it", path))?;
    file.take(LINE_MAX as u64).read_to_end(&mut bytes).map_err(failed("read it", path))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(entry::read(line).ok().map(|link| link.seq))
}

impl Tail {
    /// Reads the end of a file.
    fn of(file: &mut File, path: &Path) -> Result<Self, FileError> {
        let read = failed("read it", path);
        let (from, bytes) = Self::bytes(file).map_err(read)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let unfinished = (bytes.len() - end) as u64;
        let whole = bytes.get(..end).unwrap_or_default();
        let line = whole.strip_suffix(b"\n").map(|whole| {
            let begin = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            whole.get(begin..).unwrap_or_default()
        });
        // No end of a line in all of that is no log.
        let last = match line {
            None if from > 0 => Some(Err("it has no end".to_owned())),
            line => line.map(entry::read),
        };
        Ok(Self { len: from + end as u64, unfinished, last })
    }

    /// As many of the last bytes as two lines can have, and where they begin.
    fn bytes(file: &mut File) -> std::io::Result<(u64, Vec<u8>)> {
        let len = file.metadata()?.len();
        let from = len.saturating_sub(2 * LINE_MAX as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(len - from).read_to_end(&mut bytes)?;
        Ok((from, bytes))
    }
}
