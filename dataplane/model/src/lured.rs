//! Who asks a DNS server for a honeypot, as workers tell of it.

use crate::{FlatName, Source};

/// A query for a name that nobody honest asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lured {
    /// Who asked.
    pub source: Source,
    /// For which name.
    pub name: FlatName,
    /// Whether it counts against the source: a stranger without an entry is not remembered.
    pub counted: bool,
    /// Such queries before this one that were not told.
    pub untold: u32,
}
