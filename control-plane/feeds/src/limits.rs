//! How much an importer takes at most, and what happens then: the whole file is refused with the place.

use repute_model::Width;

/// What one import may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a file or an answer, packed or unpacked.
    pub bytes: u64,
    /// Entries; also records that are read for nothing.
    pub entries: usize,
    /// Bytes of a line.
    pub line: usize,
    /// Bytes of one JSON string.
    pub string: usize,
    /// How deep JSON may be nested.
    pub depth: usize,
    /// How many bytes one packed byte may become, on average over what has been read, beyond a first allowance of 1 MiB.
    pub expansion: u64,
    /// What one source is: entries about part of a source count for all of it.
    pub width: Width,
}

/// So many names a feed has at most, and all feeds together: as many as files of honeypots may.
pub const NAMES_MAX: usize = 1 << 20;
/// So many unpacked bytes are never called a bomb.
pub(crate) const EXPANSION_FREE: u64 = 1 << 20;

impl Default for Limits {
    /// 256 MiB, 4 194 304 entries (as many as list files may hold), lines of 64 KiB, strings of 16 MiB (attachments
    /// in MISP events), 64 deep, 100 times; sources as outside.
    fn default() -> Self {
        Self {
            bytes: 256 << 20,
            entries: 4_194_304,
            line: 64 << 10,
            string: 16 << 20,
            depth: 64,
            expansion: 100,
            width: Width::OUTSIDE,
        }
    }
}
