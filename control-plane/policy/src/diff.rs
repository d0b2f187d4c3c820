//! What changes between two configs, for people who are about to apply the second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::canon::Leaf;
use crate::checked::Checked;

/// The part of `api` that the config file changes while reputed runs: who may do what.
const BY_FILE: &str = "api.access.";
/// Sections and keys that only a restart changes.
const FIXED_AT_START: [&str; 17] = [
    "ports",
    "mirror",
    "workers",
    "limits",
    "sources",
    "api",
    "state",
    "events",
    "alerts.inputs",
    "metrics",
    "crowdsec_api",
    "garden",
    "dnstap",
    "profiles.dns.cache.size",
    "profiles.dns.cache.answers",
    "profiles.dns.endpoint.flows",
    "profiles.dns.endpoint.connections",
];

/// What a profile of DNS has to be kept of requesters is set up at start: it neither begins nor ends before the next one.
const OF_DNS: &str = "profiles.dns.";
/// So is what a box with addresses of its own needs.
const OF_ENDPOINT: &str = "profiles.dns.endpoint.";

/// One setting that differs; for lists, one entry that came or went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Its dotted path.
    pub path: String,
    /// The value before; `None` = was not there.
    pub before: Option<String>,
    /// The value after; `None` = is gone.
    pub after: Option<String>,
    /// Whether it takes effect only after a restart.
    pub restart: bool,
}

impl Change {
    /// Whether it changes who may do what: no policy that comes over the API may.
    pub fn is_of_access(&self) -> bool {
        self.path.starts_with(BY_FILE)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "~ {}: {before} -> {after}", self.path)?,
            (None, Some(after)) => write!(f, "+ {}: {after}", self.path)?,
            (Some(before), None) => write!(f, "- {}: {before}", self.path)?,
            (None, None) => f.write_str(&self.path)?,
        }
        if self.restart { f.write_str(" (needs a restart)") } else { Ok(()) }
    }
}

/// Every setting that differs, by path. Empty exactly when the digests are the same.
pub fn diff(old: &Checked, new: &Checked) -> Vec<Change> {
    let (old, new) = (old.leaves(), new.leaves());
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changes = Vec::new();
    for path in paths {
        match (old.get(path), new.get(path)) {
            (before, after) if before == after => {}
            (Some(Leaf::Many(before)), Some(Leaf::Many(after))) => lists(path, before, after, &mut changes),
            (before, after) => changes.push(change(path, before.map(shown), after.map(shown))),
        }
    }
    for section in [OF_DNS, OF_ENDPOINT] {
        let is_there = |leaves: &BTreeMap<String, Leaf>| leaves.keys().any(|path| path.starts_with(section));
        if is_there(&old) != is_there(&new) {
            let of_section = changes.iter_mut().filter(|change| change.path.starts_with(section));
            of_section.for_each(|change| change.restart = true);
        }
    }
    changes
}

fn lists(path: &str, before: &[String], after: &[String], changes: &mut Vec<Change>) {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
    let unchanged = changes.len();
    changes.extend(old.difference(&new).map(|gone| change(path, Some((*gone).clone()), None)));
    changes.extend(new.difference(&old).map(|come| change(path, None, Some((*come).clone()))));
    if changes.len() == unchanged {
        // The same entries in another order or number.
        let whole = |items: &[String]| Some(format!("[{}]", items.join(", ")));
        changes.push(change(path, whole(before), whole(after)));
    }
}

fn change(path: &str, before: Option<String>, after: Option<String>) -> Change {
    let is_below =
        |fixed: &&str| path.strip_prefix(*fixed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let restart = FIXED_AT_START.iter().any(is_below) && !path.starts_with(BY_FILE);
    Change { path: path.to_owned(), before, after, restart }
}

fn shown(leaf: &Leaf) -> String {
    match leaf {
        Leaf::One(value) => value.clone(),
        Leaf::Many(values) => format!("[{}]", values.join(", ")),
    }
}
