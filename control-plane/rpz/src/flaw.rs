//! What is wrong with records of a policy zone.
//!
//! Gathered while a zone is read. Always holds: all are counted, the first hundred are kept with line and text.

use repute_model::named;

use crate::records::Stated;

named! {
    /// Why a record of a policy zone is no rule.
    FlawKind;

    /// The record cannot be read.
    Record = "record",
    /// Its owner lies outside the zone.
    OutOfZone = "out-of-zone",
    /// Its owner is no trigger: an address or a length that does not exist.
    Trigger = "trigger",
    /// It asks for an action that does not exist.
    Action = "action",
    /// Its type says nothing about a policy (DNSSEC, delegations).
    Type = "type",
    /// Another record of the same owner, which comes first, says something else.
    Conflict = "conflict",
}

/// A record that is no rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaw {
    /// Where it begins, from 1.
    pub line: u64,
    /// What kind of flaw.
    pub kind: FlawKind,
    /// What is wrong, with what the file says.
    pub text: String,
}

/// So many are kept.
const KEPT_MAX: usize = 100;

/// All flaws of a zone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flaws {
    rows: Vec<Flaw>,
    counts: [u64; FlawKind::COUNT],
}

impl Flaws {
    /// Counts one more.
    pub(super) fn add(&mut self, line: u64, kind: FlawKind, text: impl Into<String>) {
        self.counts[kind.index()] += 1;
        if self.rows.len() < KEPT_MAX {
            self.rows.push(Flaw { line, kind, text: text.into() });
        }
    }

    /// Counts a record that another one of its owner contradicts.
    pub(super) fn conflict(&mut self, stated: &Stated) {
        self.add(
            stated.line,
            FlawKind::Conflict,
            "says something else than the owner's first record, which counts",
        );
    }

    /// Puts them in the order of the file.
    pub(super) fn close(&mut self) {
        self.rows.sort_by_key(|flaw| flaw.line);
    }

    /// The first hundred.
    pub fn rows(&self) -> &[Flaw] {
        &self.rows
    }

    /// How many there are of a kind.
    pub fn count(&self, kind: FlawKind) -> u64 {
        self.counts[kind.index()]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many speak against the file being a policy zone at all.
    pub(super) fn unreadable(&self) -> u64 {
        self.total() - self.count(FlawKind::Type) - self.count(FlawKind::Conflict)
    }
}
