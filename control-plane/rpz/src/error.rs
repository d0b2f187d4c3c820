//! Why a zone file is not taken over, and where.

use std::fmt;
use std::io;

/// A zone file that is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub struct RpzError {
    /// The line, from 1; 0 = the file as a whole.
    pub line: u64,
    /// What is wrong, with the way out.
    pub why: RpzWhy,
}

impl fmt::Display for RpzError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.why),
            line => write!(f, "line {line}: {}", self.why),
        }
    }
}

/// What is wrong with a zone file.
#[derive(Debug, thiserror::Error)]
pub enum RpzWhy {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// A line, or a record over several, is too long.
    #[error("the record has more than {0} bytes; is a parenthesis not closed?")]
    Line(usize),
    /// There are too many records.
    #[error("has more than {0} records; split the zone")]
    Records(usize),
    /// It is no zone file, or not all of one.
    #[error("{0}")]
    Malformed(String),
    /// It says nothing.
    #[error("has no rule and no start of authority; is it a zone file, and all of it?")]
    Empty,
    /// Its own data is more than a table takes.
    #[error("has data to answer with of more than 4 GiB, or a record above 65535 bytes; leave some out")]
    Data,
}
