//! Ids of events.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Which run of the box an event belongs to. Later runs have larger numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BootId(pub u64);

impl BootId {
    /// The start of the run in ms since 1970. Two runs share it only if the box starts twice within a
    /// millisecond, or the clock was set back to the very same one; a counter that survives restarts serves as
    /// well: `BootId(counter)`.
    pub fn at(start: SystemTime) -> Self {
        let since = start.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The id of an event: its run and its number in it, from 1.
///
/// As text 16 + 1 + 16 characters of hexadecimal digits; the order of texts is the order of ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventId {
    /// The run.
    pub boot: BootId,
    /// The number within it.
    pub sequence: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.boot.0, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_as_ids_do() {
        let id = |boot, sequence| EventId { boot: BootId(boot), sequence };
        let ids = [id(1, 1), id(1, 2), id(1, 0x10), id(2, 1), id(u64::MAX, u64::MAX)];
        let texts = ids.map(|id| id.to_string());
        assert!(texts.is_sorted() && ids.is_sorted());
        assert_eq!(texts[2], "0000000000000001-0000000000000010");
    }

    #[test]
    fn a_run_is_named_by_its_start() {
        let start = UNIX_EPOCH + std::time::Duration::from_millis(0x18e);
        assert_eq!(BootId::at(start), BootId(0x18e));
        assert_eq!(BootId::at(UNIX_EPOCH - std::time::Duration::from_secs(1)), BootId(0));
    }
}
