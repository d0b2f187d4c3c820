//! Why a file or an answer is not taken over, where, and what to do.

use std::fmt;
use std::io;

use crate::skipped::Skipped;

/// A whole file that is refused; the last good one stays in force.
#[derive(Debug, thiserror::Error)]
#[error("feed `{feed}`{place}: {why}")]
pub struct Refusal {
    /// The feed's name.
    pub feed: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong, with the way out.
    pub why: Why,
}

/// A place in a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// The file as a whole.
    #[default]
    Whole,
    /// A line, from 1.
    Line(u64),
    /// A JSON pointer (RFC 6901) and the line where what it names ends.
    Item {
        /// The pointer, such as `/objects/3`.
        pointer: String,
        /// From 1.
        line: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(f, ", line {line}"),
            Self::Item { pointer, line } => write!(f, ", line {line}, {pointer}"),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// It cannot be read, or ends too early.
    #[error("cannot be read: {0}; look at the file, or whether the download was cut off")]
    Read(io::Error),
    /// It is longer than it may be.
    #[error("has more than {0} bytes; split the feed, or raise its limit")]
    Bytes(u64),
    /// A packed file that unpacks to far more than text would.
    #[error("unpacks to more than {0} times its size, as no list does; fetch it unpacked")]
    Expansion(u64),
    /// A line is too long.
    #[error("the line has more than {0} bytes; is this a list, or one line without end?")]
    Line(usize),
    /// A JSON string is too long.
    #[error("a string has more than {0} bytes; leave attachments out of the export")]
    String(usize),
    /// JSON is nested too deeply.
    #[error("is nested deeper than {0}; no feed needs that")]
    Depth(usize),
    /// It has too many records.
    #[error("has more than {0} entries; split the feed, or raise its limit")]
    Entries(usize),
    /// It has more names than all feeds may have.
    #[error(
        "has more than {0} names, and all feeds together have no more; leave some out, or name wildcards"
    )]
    Names(usize),
    /// The format says nothing about names.
    #[error(
        "is of the format `{0}`, which has no domain names; choose the feed's `format`, or what it `says`"
    )]
    NoNames(&'static str),
    /// It is not JSON, or ends in the middle.
    #[error("is no JSON that can be read: {0}; look whether the download was cut off or is an error page")]
    Json(String),
    /// Too much of it cannot be understood.
    #[error("{0}; choose the feed's `format`, or leave such lines out")]
    Malformed(String),
    /// It says how many records it has, and has others.
    #[error("says that it has {stated} records and has {found}: it was cut off; fetch it again")]
    Count {
        /// As the file says.
        stated: u64,
        /// As they were counted.
        found: u64,
    },
    /// The record with the count is missing.
    #[error(
        "ends without the metadata record that says how many records there are: it was cut off; fetch it again"
    )]
    NoCount,
    /// Nothing in it can be used.
    #[error("has no entry that can be used{0}; a feed that is meant to be empty is taken out of the config")]
    Empty(Skipped),
    /// No format fits.
    #[error("is {0}; choose the feed's `format`")]
    Unknown(&'static str),
    /// The JSON is of another kind.
    #[error("has no `{0}`: it is of another format, or an error message; choose the feed's `format`")]
    NoList(&'static str),
}

/// What stops a reader; travels through [`io::Error`].
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Stop {
    #[error("more than {0} bytes")]
    Bytes(u64),
    #[error("expands more than {0} times")]
    Expansion(u64),
    #[error("string longer than {0} bytes")]
    String(usize),
    #[error("deeper than {0}")]
    Depth(usize),
}

impl From<Stop> for io::Error {
    fn from(stop: Stop) -> Self {
        Self::other(stop)
    }
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Stop>()) {
            Some(&Stop::Bytes(max)) => Self::Bytes(max),
            Some(&Stop::Expansion(max)) => Self::Expansion(max),
            Some(&Stop::String(max)) => Self::String(max),
            Some(&Stop::Depth(max)) => Self::Depth(max),
            None => Self::Read(error),
        }
    }
}
