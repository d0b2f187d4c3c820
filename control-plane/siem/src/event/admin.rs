//! Events about what the box is told: feeds and policies.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Happening, Severity};

/// Declares the severity of events that always have the same one.
macro_rules! severities {
    ($($payload:ident = $severity:ident,)+) => {
        $(impl $crate::event::Happening for $payload {
            fn severity(&self) -> $crate::event::Severity {
                $crate::event::Severity::$severity
            }
        })+
    };
}
pub(super) use severities;

severities! {
    FeedLoaded = Info,
    FeedCut = Notice,
    FeedStale = Warning,
    PolicyApplied = Notice,
    PolicyRolledBack = Warning,
    PolicyExpired = Warning,
}

/// A feed was loaded.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct FeedLoaded {
    /// Its name.
    pub feed: String,
    /// Entries in force.
    pub entries: u64,
    /// Entries that were refused, because they are malformed or beyond a limit.
    pub refused: u64,
}

impl fmt::Display for FeedLoaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feed, entries, refused } = self;
        write!(f, "feed {feed} is in force: {entries} entries, {refused} refused")
    }
}

/// A feed could not be loaded.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct FeedFailed {
    /// Its name.
    pub feed: String,
    /// Why, with the place.
    pub reason: String,
    /// Entries of the last good one, which stays in force; none = there is none.
    pub kept: Option<u64>,
}

impl Happening for FeedFailed {
    fn severity(&self) -> Severity {
        if self.kept.is_some() { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for FeedFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feed, reason, kept } = self;
        write!(f, "feed {feed} was not loaded: {reason}; ")?;
        match kept {
            Some(kept) => write!(f, "the last good one stays ({kept} entries)"),
            None => f.write_str("there is no earlier one"),
        }
    }
}

/// A feed has not been confirmed for so long that several refreshes are missing.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct FeedStale {
    /// Its name.
    pub feed: String,
    /// Entries that are in force still.
    pub entries: u64,
    /// For how long nobody has said that they are right, in ms.
    pub unconfirmed_ms: u64,
}

impl fmt::Display for FeedStale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feed, entries, unconfirmed_ms } = self;
        let seconds = unconfirmed_ms / 1000;
        write!(f, "feed {feed} is stale: its {entries} entries were confirmed {seconds} s ago")
    }
}

/// Entries of a feed were left out.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct FeedCut {
    /// Its name.
    pub feed: String,
    /// How many entries.
    pub entries: u64,
    /// Why: private space, reserved space, an allow list.
    pub reason: String,
}

impl fmt::Display for FeedCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feed, entries, reason } = self;
        write!(f, "{entries} entries of feed {feed} were left out: {reason}")
    }
}

/// A policy is in force on every worker.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct PolicyApplied {
    /// Its version.
    pub version: u64,
    /// SHA-256 over the validated config, 64 hexadecimal digits.
    pub digest: String,
    /// What its text is called.
    pub name: String,
    /// Who applied it.
    pub who: String,
    /// Whether it is in shadow mode: everything is judged and told, and nothing done.
    pub shadow: bool,
}

impl fmt::Display for PolicyApplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, name, who, shadow, .. } = self;
        let mode = mode(*shadow);
        write!(f, "policy version {version} ({name}) is in force{mode}, applied by {who}")
    }
}

/// A policy was rolled back by somebody.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct PolicyRolledBack {
    /// The version now in force.
    pub version: u64,
    /// The version whose content it has.
    pub restores: u64,
    /// Who did it.
    pub who: String,
    /// Whether it is in shadow mode: everything is judged and told, and nothing done.
    pub shadow: bool,
}

impl fmt::Display for PolicyRolledBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, restores, who, shadow } = self;
        let mode = mode(*shadow);
        write!(f, "{who} brought policy version {restores} back as version {version}{mode}")
    }
}

/// A policy was rolled back because nobody confirmed it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct PolicyExpired {
    /// The version now in force.
    pub version: u64,
    /// The version whose content it has.
    pub restores: u64,
    /// The version that nobody confirmed.
    pub expired: u64,
    /// Whether the one now in force is in shadow mode: everything is judged and told, and nothing done.
    pub shadow: bool,
}

impl fmt::Display for PolicyExpired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, restores, expired, shadow } = self;
        let mode = mode(*shadow);
        write!(
            f,
            "nobody confirmed policy version {expired}: version {restores} is back as version {version}{mode}"
        )
    }
}

const fn mode(shadow: bool) -> &'static str {
    if shadow { " in shadow mode" } else { "" }
}
