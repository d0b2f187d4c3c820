//! Records that were read and not taken over, counted by reason.

use std::fmt;

use crate::refusal::Place;

/// Why a record is not taken over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// It is no address, prefix, range or name.
    Unreadable,
    /// It is about a name, a URL, a file or an AS.
    NoAddress,
    /// It is about an address, a URL, a file or an AS, where names are wanted.
    NoName,
    /// A name that is everybody's: a public suffix, all below one, a machine's own.
    Everybodys,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It has been withdrawn.
    Revoked,
    /// It says that nothing is known (a score of 0).
    NoConfidence,
    /// A prefix so wide that it must be a mistake: IPv4 below /8, IPv6 below /16 or around all of IPv4.
    TooWide,
    /// Unspecified, multicast, broadcast or link-local: never a source.
    Nobody,
    /// A pattern or kind of record that says more than an address or a name.
    Unsupported,
    /// A scope that is neither an address nor a range.
    OtherScope,
    /// Marked as not for detection, or as a simulation.
    NotMeant,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Unreadable,
        Self::NoAddress,
        Self::NoName,
        Self::Everybodys,
        Self::Expired,
        Self::NotYet,
        Self::Revoked,
        Self::NoConfidence,
        Self::TooWide,
        Self::Nobody,
        Self::Unsupported,
        Self::OtherScope,
        Self::NotMeant,
    ];

    /// A short name for metrics and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NoAddress => "no-address",
            Self::NoName => "no-name",
            Self::Everybodys => "everybodys",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
            Self::Revoked => "revoked",
            Self::NoConfidence => "no-confidence",
            Self::TooWide => "too-wide",
            Self::Nobody => "nobody",
            Self::Unsupported => "unsupported",
            Self::OtherScope => "other-scope",
            Self::NotMeant => "not-meant",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "no address, prefix or name",
            Self::NoAddress => "about a name, a file or an AS, not an address",
            Self::NoName => "about an address, a URL or a file, not a name",
            Self::Everybodys => {
                "a public suffix, all below one, or a machine's own name: honest people ask for it"
            }
            Self::Expired => "expired",
            Self::NotYet => "not valid yet",
            Self::Revoked => "revoked",
            Self::NoConfidence => "without confidence (score 0)",
            Self::TooWide => "wider than /8 (IPv4) or /16 (IPv6)",
            Self::Nobody => "unspecified, multicast, broadcast or link-local, never a source",
            Self::Unsupported => "a pattern that says more than an address or a name",
            Self::OtherScope => "of a scope that is neither address nor range",
            Self::NotMeant => "marked as not for detection or simulated",
        })
    }
}

/// How often a reason applied, and where first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skip {
    /// Why.
    pub reason: Reason,
    /// How many records.
    pub count: u64,
    /// The first of them.
    pub first: Place,
}

/// All that was skipped, at most one row a reason.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Skipped(Vec<Skip>);

impl Skipped {
    /// Counts one more; `place` is asked for the first one of a reason only.
    pub(crate) fn add(&mut self, reason: Reason, place: impl FnOnce() -> Place) {
        match self.0.iter_mut().find(|skip| skip.reason == reason) {
            Some(skip) => skip.count += 1,
            None => self.0.push(Skip { reason, count: 1, first: place() }),
        }
    }

    /// The rows, in the order in which they came up.
    pub fn rows(&self) -> &[Skip] {
        &self.0
    }

    /// How many records were skipped for `reason`.
    pub fn count(&self, reason: Reason) -> u64 {
        self.0.iter().find(|skip| skip.reason == reason).map_or(0, |skip| skip.count)
    }

    /// How many records were skipped.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|skip| skip.count).sum()
    }
}

impl fmt::Display for Skipped {
    /// Nothing, or ` (3 expired, the first at line 7; …)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Skip { reason, count, first }) in self.0.iter().enumerate() {
            let before = if i == 0 { " (" } else { "; " };
            write!(f, "{before}{count} {reason}")?;
            if *first != Place::Whole {
                write!(f, ", the first at{}", first.to_string().trim_start_matches(','))?;
            }
        }
        if self.0.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}
