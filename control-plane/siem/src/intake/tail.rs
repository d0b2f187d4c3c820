//! Follows a growing file through rotation by rename and by copy and truncate, and resumes where it was.
//!
//! Blocking; called by [`super::FileInput`] on the runtime's threads for that. **Always holds:** a poll reads at
//! most [`CHUNK`] bytes; each complete line is given once, in order.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::frames::Frames;

/// Bytes read at once.
pub const CHUNK: usize = 256 << 10;
/// Bytes before a position that tell whether the file is still the same.
const MARK: usize = 64;

/// Where reading goes on: to be kept over restarts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Position {
    /// The file's device.
    pub device: u64,
    /// Its inode there.
    pub inode: u64,
    /// The byte after the last complete line that was read.
    pub offset: u64,
    /// The bytes before that: an inode may be used again, and a file may be cut and grow past the offset.
    pub mark: Vec<u8>,
}

/// A file that is followed.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    /// Where to begin: `None` = at the end of what is there.
    start: Start,
    open: Option<Open>,
    frames: Frames,
    buffer: Vec<u8>,
    /// How often the file was replaced or cut.
    pub rotations: u64,
}

/// Where reading begins when a file is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// At its first byte.
    Beginning,
    /// Behind what is there.
    End,
    /// Where an earlier run was, if it is the same file; else at its first byte.
    At(Position),
}

#[derive(Debug)]
struct Open {
    file: File,
    position: Position,
    /// Everything up to here was read; the position lies before it while a line is incomplete.
    read: u64,
    /// The path names another file by now: this one is read to its end first.
    replaced: bool,
}

impl Tail {
    pub fn new(path: PathBuf, start: Start) -> Self {
        Self { path, start, open: None, frames: Frames::lines(), buffer: vec![0; CHUNK], rotations: 0 }
    }

    /// Where an interrupted reader would go on.
    pub fn position(&self) -> Option<&Position> {
        self.open.as_ref().map(|open| &open.position)
    }

    /// Reads what is there, at most [`CHUNK`] bytes, and calls `take` with every complete line. Returns whether
    /// there may be more at once. A file that does not exist (yet, or for a moment) has nothing to read.
    pub fn poll(&mut self, mut take: impl FnMut(Option<&[u8]>)) -> io::Result<bool> {
        let Some(open) = &mut self.open else { return self.begin() };
        if !open.is_same()? {
            *open = Open::reopen(open)?;
            self.frames = Frames::lines();
            self.rotations += 1;
        }
        let read = open.file.read_at(&mut self.buffer, open.read)?;
        if read > 0 {
            self.frames.push(&self.buffer[..read], &mut take);
            open.read += read as u64;
            open.mark(open.read - self.frames.pending() as u64)?;
            return Ok(true);
        }
        if open.replaced {
            self.open = None;
            self.start = Start::Beginning;
            self.frames = Frames::lines();
            self.rotations += 1;
            return Ok(true);
        }
        open.replaced = is_other(&self.path, &open.position)?;
        Ok(open.replaced)
    }

    fn begin(&mut self) -> io::Result<bool> {
        match File::open(&self.path) {
            Ok(file) => {
                self.open = Some(Open::new(file, &self.start)?);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // What appears later is new from its first byte on.
                self.start = Start::Beginning;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

impl Open {
    fn new(file: File, start: &Start) -> io::Result<Self> {
        let about = file.metadata()?;
        let first = Position { device: about.dev(), inode: about.ino(), offset: 0, mark: Vec::new() };
        let mut open = Self { file, position: first, read: 0, replaced: false };
        match start {
            Start::Beginning => {}
            Start::End => {
                open.read = about.len();
                open.mark(open.read)?;
            }
            Start::At(position) => {
                let Position { device, inode, .. } = open.position;
                open.position = Position { device, inode, ..position.clone() };
                if (position.device, position.inode) == (device, inode) && open.is_same()? {
                    open.read = position.offset;
                } else {
                    open.position = Position { device, inode, offset: 0, mark: Vec::new() };
                }
            }
        }
        Ok(open)
    }

    /// The same file from its first byte.
    fn reopen(open: &Self) -> io::Result<Self> {
        Self::new(open.file.try_clone()?, &Start::Beginning)
    }

    /// Whether what was read is still there.
    fn is_same(&self) -> io::Result<bool> {
        let Position { offset, mark, .. } = &self.position;
        if self.file.metadata()?.len() < self.read.max(*offset) {
            return Ok(false);
        }
        Ok(before(&self.file, *offset, mark.len())? == *mark)
    }

    /// The position is `offset` from now on.
    fn mark(&mut self, offset: u64) -> io::Result<()> {
        self.position.offset = offset;
        self.position.mark = before(&self.file, offset, MARK)?;
        Ok(())
    }
}

/// At most `bytes` bytes before `offset`.
fn before(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let from = offset.saturating_sub(bytes as u64);
    let mut mark = vec![0; (offset - from) as usize];
    let mut got = 0;
    while got < mark.len() {
        match file.read_at(&mut mark[got..], from + got as u64)? {
            0 => break,
            read => got += read,
        }
    }
    mark.truncate(got);
    Ok(mark)
}

/// Whether the path names another file than the one at `position`.
fn is_other(path: &Path, position: &Position) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(about) => Ok((about.dev(), about.ino()) != (position.device, position.inode)),
        // Between two files.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    /// Polls until nothing more is there.
    fn drain(tail: &mut Tail) -> Vec<String> {
        let mut lines = Vec::new();
        while tail.poll(|line| lines.push(String::from_utf8(line.unwrap().to_vec()).unwrap())).unwrap() {}
        lines
    }

    fn add(path: &Path, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn growth_rename_and_truncation_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eve.json");
        let mut tail = Tail::new(path.clone(), Start::End);
        assert!(drain(&mut tail).is_empty(), "it does not exist yet");
        add(&path, "a\nb");
        assert_eq!(drain(&mut tail), ["a"]);
        add(&path, "b\nc\n");
        assert_eq!(drain(&mut tail), ["bb", "c"]);

        fs::rename(&path, folder.path().join("eve.json.1")).unwrap();
        add(&folder.path().join("eve.json.1"), "late\n");
        assert_eq!(drain(&mut tail), ["late"]);
        add(&path, "new\n");
        assert_eq!(drain(&mut tail), ["new"]);

        fs::copy(&path, folder.path().join("eve.json.2")).unwrap();
        fs::write(&path, "").unwrap();
        assert!(drain(&mut tail).is_empty());
        add(&path, "d\n");
        assert_eq!(drain(&mut tail), ["d"]);
        fs::write(&path, "a file that was cut and has grown past the old end\n").unwrap();
        assert_eq!(drain(&mut tail), ["a file that was cut and has grown past the old end"]);
        assert_eq!(tail.rotations, 3);
    }

    #[test]
    fn a_reader_resumes_at_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eve.json");
        add(&path, "one\ntwo\nthr");
        let mut tail = Tail::new(path.clone(), Start::Beginning);
        assert_eq!(drain(&mut tail), ["one", "two"]);
        let position = tail.position().unwrap().clone();
        assert_eq!(position.offset, 8);

        add(&path, "ee\n");
        let resumed = |position: &Position| drain(&mut Tail::new(path.clone(), Start::At(position.clone())));
        assert_eq!(resumed(&position), ["three"]);
        assert_eq!(drain(&mut Tail::new(path.clone(), Start::End)), [""; 0]);

        // Another file: cut and regrown, or of another inode.
        fs::write(&path, "four\nfive\nsix\n").unwrap();
        assert_eq!(resumed(&position), ["four", "five", "six"]);
        assert_eq!(resumed(&Position { inode: 1, ..position }), ["four", "five", "six"]);
    }

    #[test]
    fn lines_without_end_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eve.json");
        fs::write(&path, vec![b'x'; 3 * CHUNK]).unwrap();
        add(&path, "\nnext\n");
        let (mut tail, mut lines) = (Tail::new(path, Start::Beginning), Vec::new());
        while tail.poll(|line| lines.push(line.map(<[u8]>::to_vec))).unwrap() {}
        assert_eq!(lines, [None, Some(b"next".to_vec())]);
    }
}
