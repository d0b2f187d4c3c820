//! How the feeds of the config are doing, for who tells of them.

use std::time::{Duration, SystemTime};

use repute_feeds::{Action, Origin};

use super::Shown;
use crate::Hub;

/// One feed at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedView {
    /// Its name.
    pub name: String,
    /// Entries in force.
    pub entries: u64,
    /// Records of the last good answer that were skipped.
    pub skipped: u64,
    /// Whether they are names.
    pub names: bool,
    /// Entries that were cut, wholly or partly; names that found no room.
    pub cut: u64,
    /// Refreshes that brought something, that brought nothing new, and that failed.
    pub counts: [u64; 3],
    /// What went wrong last, until a refresh succeeds.
    pub error: Option<String>,
    /// When its publisher last said that the entries in force are right.
    pub confirmed: Option<SystemTime>,
    /// How often he is asked; `None` = somebody brings it.
    pub refresh: Option<Duration>,
}

impl Hub {
    /// All feeds of the config in force, in its order; without the list of alerts.
    pub fn feeds(&self) -> Vec<FeedView> {
        self.inner.shelf.shown_feeds(None).iter().map(view).collect()
    }
}

fn view(shown: &Shown) -> FeedView {
    let Shown { config, status, cuts, .. } = shown;
    FeedView {
        name: config.name.clone(),
        entries: status.entries as u64,
        skipped: status.skipped,
        names: config.action == Action::Honeypot,
        cut: cuts.whole + cuts.partly,
        counts: status.counts,
        error: status.error.clone(),
        confirmed: status.confirmed_at,
        refresh: (!matches!(config.origin, Origin::Pushed)).then_some(config.refresh),
    }
}
