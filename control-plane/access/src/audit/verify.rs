//! Is the log what was written?

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::entry::{self, LINE_MAX};
use super::rotation::older;
use crate::files::{FileError, failed};

/// What an unbroken log holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// How many entries.
    pub entries: u64,
    /// Number of the first one; above 1 where older files are gone.
    pub first: u64,
    /// Number of the last one: compare it with [`Audit::head`](super::Audit::head).
    pub last: u64,
    /// Hash of the last one: the same.
    pub head: String,
}

/// Where a log is broken.
#[derive(Debug, thiserror::Error)]
#[error("{}: line {line}: {why}", path.display())]
pub struct Broken {
    /// In which file.
    pub path: PathBuf,
    /// In which line, from 1; 0 = the file as a whole.
    pub line: u64,
    /// What is wrong.
    pub why: Flaw,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The line is not as it was written.
    #[error("{0}")]
    Line(String),
    /// The line is longer than any entry.
    #[error("it is longer than any entry ({LINE_MAX} bytes)")]
    TooLong,
    /// The last line has no end: a crash, if nobody cut it.
    #[error("it has no end; if the box crashed then, its next start takes the line out")]
    Unfinished,
    /// Entries are missing, or were put in.
    #[error("it is entry {found}, and {expected} comes here: entries are missing or were put in")]
    Number {
        /// What comes here.
        expected: u64,
        /// What is here.
        found: u64,
    },
    /// The entry before is another than the one that this one follows.
    #[error("it follows another entry than the one before it")]
    Chain,
    /// There is nothing.
    #[error("there are no entries")]
    Empty,
}

/// Checks one file of a log.
///
/// # Errors
/// The first line that is wrong, and why.
pub fn verify(path: &Path) -> Result<Verified, Broken> {
    let mut walk = Walk::default();
    walk.file(path)?;
    walk.end(path)
}

/// Checks the file and all older ones beside it as one chain.
///
/// # Errors
/// The first line that is wrong, and why.
pub fn verify_all(path: &Path) -> Result<Verified, Broken> {
    let mut walk = Walk::default();
    let older = older(path).map_err(|error| Broken { path: path.to_owned(), line: 0, why: error.into() })?;
    for (_, file) in older {
        walk.file(&file)?;
    }
    walk.file(path)?;
    walk.end(path)
}

/// A walk along the chain.
#[derive(Default)]
struct Walk {
    so_far: Option<Verified>,
}

impl Walk {
    fn file(&mut self, path: &Path) -> Result<(), Broken> {
        let broken = |line, why| Broken { path: path.to_owned(), line, why };
        let file = File::open(path).map_err(|error| broken(0, failed("open it", path)(error).into()))?;
        let mut file = BufReader::new(file);
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let mut bounded = (&mut file).take(LINE_MAX as u64 + 1);
            let read = bounded.read_until(b'\n', &mut bytes);
            read.map_err(|error| broken(line, failed("read it", path)(error).into()))?;
            match bytes.split_last() {
                None => return Ok(()),
                Some((b'\n', text)) => self.line(text).map_err(|why| broken(line, why))?,
                Some(_) if bytes.len() > LINE_MAX => return Err(broken(line, Flaw::TooLong)),
                Some(_) => return Err(broken(line, Flaw::Unfinished)),
            }
        }
        Ok(())
    }

    fn line(&mut self, text: &[u8]) -> Result<(), Flaw> {
        let link = entry::read(text).map_err(Flaw::Line)?;
        match &mut self.so_far {
            None => {
                self.so_far = Some(Verified { entries: 1, first: link.seq, last: link.seq, head: link.hash });
            }
            Some(so_far) => {
                let expected = so_far.last.saturating_add(1);
                if link.seq != expected {
                    return Err(Flaw::Number { expected, found: link.seq });
                }
                if link.prev != so_far.head {
                    return Err(Flaw::Chain);
                }
                so_far.entries += 1;
                so_far.last = link.seq;
                so_far.head = link.hash;
            }
        }
        Ok(())
    }

    fn end(self, path: &Path) -> Result<Verified, Broken> {
        self.so_far.ok_or_else(|| Broken { path: path.to_owned(), line: 0, why: Flaw::Empty })
    }
}
