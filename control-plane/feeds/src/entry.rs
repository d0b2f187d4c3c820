//! One line of outside knowledge.
//!
//! Made by the importers, kept sorted in an [`Import`](crate::Import), joined by [`Merged`](crate::Merged).

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use repute_model::{DomainName, Listing, Prefix};

/// Who is meant, what is said, for how long. 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Who: never part of a source, never wider than /8 (IPv4) or /16 (IPv6).
    pub prefix: Prefix,
    /// What is said: allowed, or bad with a confidence of 1..=100 percent.
    pub says: Listing,
    /// When it stops counting; `None` = with the feed.
    pub until: Option<Until>,
    /// What the feed calls it; see [`Notes`](crate::Notes).
    pub note: Note,
}

/// A name that nobody honest asks for, and for how long it is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameEntry {
    /// The name; a wildcard stands for all below the rest of it. Never one that is everybody's
    /// ([`is_everybodys`](repute_reputation::names::is_everybodys)).
    pub name: DomainName,
    /// When it stops counting; `None` = with the feed.
    pub until: Option<Until>,
    /// What the feed calls it; see [`Notes`](crate::Notes).
    pub note: Note,
}

/// A moment in whole seconds since 1970, up to the year 2106.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Until(NonZeroU32);

impl Until {
    /// The last second that can be named.
    pub const MAX: Self = Self(NonZeroU32::MAX);

    /// `time` rounded up to a whole second; earlier or later than can be named counts as the first or last one.
    pub fn at(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs() + u64::from(since.subsec_nanos() > 0);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN))
    }

    /// The moment as the standard library's type.
    pub fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(self.0.get()))
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> u32 {
        self.0.get()
    }

    /// Whether it lies in the past at `now`.
    pub fn passed(self, now: SystemTime) -> bool {
        self.time() <= now
    }
}

/// What a feed calls an entry, as a number in the import's [`Notes`](crate::Notes).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Note(pub(crate) u32);

impl Note {
    /// Nothing is noted.
    pub const NONE: Self = Self(0);

    /// Its number in the import, from 1; 0 = none.
    pub fn number(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_round_up_and_stay_in_range() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        assert_eq!(Until::at(at(1500)).time(), at(2000));
        assert_eq!(Until::at(at(0)).time(), at(1000));
        assert_eq!(Until::at(at(u64::MAX >> 4)), Until::MAX);
        assert!(Until::at(at(1500)).passed(at(2000)) && !Until::at(at(1500)).passed(at(1999)));
    }

    #[test]
    fn an_entry_occupies_48_bytes() {
        assert_eq!(size_of::<Entry>(), 48);
    }
}
