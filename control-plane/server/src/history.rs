//! The policy in force and those before it. Owned by the actor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_policy::Checked;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::{HubError, Loaded};

/// The version that workers are started with.
pub const FIRST_VERSION: u64 = 1;
/// Versions kept at most; the oldest go first.
pub const HISTORY_MAX: usize = 100;
/// Bytes of texts kept at most, over all versions; the two latest are kept whatever their size.
const TEXTS_MAX: usize = 64 << 20;

/// How a version is doing or how it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VersionState {
    /// In force on every worker.
    InForce,
    /// In force, but some worker has not taken it yet.
    Installing,
    /// In force until its confirmation is due.
    Unconfirmed,
    /// Replaced by a later one.
    Replaced,
    /// Rolled back by hand.
    RolledBack,
    /// Rolled back because nobody confirmed it.
    Expired,
}

/// One version.
#[derive(Clone, PartialEq, Debug)]
pub struct VersionInfo {
    /// Counted up with every change.
    pub version: u64,
    /// What its text is called.
    pub name: String,
    /// SHA-256 over the validated config.
    pub digest: [u8; 32],
    /// When it was applied.
    pub applied: SystemTime,
    /// Who applied it.
    pub who: String,
    /// How it is doing.
    pub state: VersionState,
    /// The version it brought back.
    pub restores: Option<u64>,
    /// The config as TOML.
    pub text: Arc<str>,
}

/// A version that rolls back by itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Unconfirmed {
    pub version: u64,
    /// The version in force before it.
    pub before: u64,
    pub deadline: Instant,
    pub until: SystemTime,
}

/// What a new version brings.
#[derive(Debug)]
pub(crate) struct Entry {
    pub checked: Arc<Checked>,
    pub text: Arc<str>,
    pub name: String,
    pub who: String,
    pub restores: Option<u64>,
    /// What becomes of the version it replaces.
    pub ends: VersionState,
    pub confirm_within: Option<Duration>,
}

/// All versions that are kept; never empty.
#[derive(Debug)]
pub(crate) struct History {
    versions: VecDeque<VersionInfo>,
    checked: Arc<Checked>,
    services: Arc<[String]>,
    unconfirmed: Option<Unconfirmed>,
    current: u64,
    changed: watch::Sender<()>,
}

/// The version that a config is started with: the one that was in force before if it means the same, else the next.
/// `past`: the versions of earlier starts, the oldest first.
pub fn version_at_start(past: &[VersionInfo], checked: &Checked) -> u64 {
    match past.last() {
        Some(last) if last.state == VersionState::InForce && last.digest == checked.digest() => last.version,
        Some(last) => last.version.saturating_add(1),
        None => FIRST_VERSION,
    }
}

impl History {
    /// A history that goes on with a config after the versions of earlier starts. What waited for its confirmation
    /// then has not come back.
    pub fn resumed(loaded: Loaded, past: Vec<VersionInfo>) -> Self {
        let version = version_at_start(&past, &loaded.checked);
        let goes_on = past.last().is_some_and(|last| last.version == version);
        let mut history = Self::new(loaded, version);
        if goes_on {
            history.versions.clear();
        }
        for mut info in past.into_iter().rev() {
            info.state = match info.state {
                VersionState::InForce | VersionState::Installing if info.version != version => {
                    VersionState::Replaced
                }
                VersionState::Unconfirmed => VersionState::Expired,
                state => state,
            };
            history.versions.push_front(info);
        }
        history.forget();
        history
    }

    fn new(loaded: Loaded, version: u64) -> Self {
        let Loaded { checked, name, text } = loaded;
        let first = VersionInfo {
            version,
            name,
            digest: checked.digest(),
            applied: SystemTime::now(),
            who: "start".to_owned(),
            state: VersionState::InForce,
            restores: None,
            text: text.into(),
        };
        let services = checked.service_names().into();
        let (versions, checked) = (VecDeque::from([first]), Arc::new(checked));
        let changed = watch::Sender::new(());
        Self { versions, checked, services, unconfirmed: None, current: version, changed }
    }

    /// Moves with every change.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The version in force.
    pub fn version(&self) -> u64 {
        self.current
    }

    /// The config in force.
    pub fn checked(&self) -> &Arc<Checked> {
        &self.checked
    }

    /// Names of the services in force, by number.
    pub fn services(&self) -> &Arc<[String]> {
        &self.services
    }

    pub fn unconfirmed(&self) -> Option<Unconfirmed> {
        self.unconfirmed
    }

    /// Refuses a caller who thinks another version is in force.
    pub fn expect(&self, expected: Option<u64>) -> Result<(), HubError> {
        match expected {
            Some(expected) if expected != self.current => {
                Err(HubError::Stale { expected, in_force: self.current })
            }
            _ => Ok(()),
        }
    }

    /// Refuses while a version waits for its confirmation.
    pub fn expect_confirmed(&self) -> Result<(), HubError> {
        let Some(Unconfirmed { version, deadline, .. }) = self.unconfirmed else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        Err(HubError::Unconfirmed { version, left_s: left.as_secs_f64().ceil() as u64 })
    }

    /// Enters the version that the workers have just been sent.
    pub fn enter(&mut self, entry: Entry) -> u64 {
        let before = self.current;
        self.current += 1;
        let now = SystemTime::now();
        if let Some(last) = self.versions.back_mut() {
            last.state = entry.ends;
        }
        self.unconfirmed = entry.confirm_within.map(|within| Unconfirmed {
            version: self.current,
            before,
            deadline: Instant::now() + within,
            until: now + within,
        });
        self.services = entry.checked.service_names().into();
        self.versions.push_back(VersionInfo {
            version: self.current,
            name: entry.name,
            digest: entry.checked.digest(),
            applied: now,
            who: entry.who,
            state: VersionState::InForce,
            restores: entry.restores,
            text: entry.text,
        });
        self.checked = entry.checked;
        self.forget();
        self.changed.send_replace(());
        self.current
    }

    /// Keeps the version that waits. `asked` 0 = whichever.
    pub fn confirm(&mut self, asked: u64) -> Result<u64, HubError> {
        match self.unconfirmed {
            Some(waits) if asked == 0 || asked == waits.version => {
                self.unconfirmed = None;
                self.changed.send_replace(());
                Ok(waits.version)
            }
            waits => Err(HubError::NothingToConfirm { asked, waits: waits.map(|w| w.version) }),
        }
    }

    /// A kept version; 0 = the one in force. `lagging`: whether a worker has not taken the latest yet.
    pub fn get(&self, version: u64, lagging: bool) -> Result<VersionInfo, HubError> {
        let version = if version == 0 { self.current } else { version };
        let oldest = self.versions.front().map_or(self.current, |info| info.version);
        let unknown = HubError::UnknownVersion { version, oldest, latest: self.current };
        // Not by position: a store may have missed one.
        let found = self.versions.iter().find(|info| info.version == version);
        found.map(|info| self.with_state(info, lagging)).ok_or(unknown)
    }

    /// The versions that are kept, the latest first.
    pub fn list(&self, max: usize, lagging: bool) -> Vec<VersionInfo> {
        self.versions.iter().rev().take(max).map(|info| self.with_state(info, lagging)).collect()
    }

    /// The version to go back to when none is named: of the one that waits for its confirmation the one
    /// before it; else the newest before the config in force that nobody took back.
    pub fn previous(&self) -> Result<u64, HubError> {
        if let Some(waits) = self.unconfirmed {
            return Ok(waits.before);
        }
        let base = self.versions.back().and_then(|info| info.restores).unwrap_or(self.current);
        let taken_back =
            |info: &&VersionInfo| matches!(info.state, VersionState::RolledBack | VersionState::Expired);
        let older = |info: &&VersionInfo| info.version < base;
        let found = self.versions.iter().rev().filter(older).find(|info| !taken_back(info));
        found.map(|info| info.version).ok_or(HubError::NoPrevious(base))
    }

    fn with_state(&self, info: &VersionInfo, lagging: bool) -> VersionInfo {
        let state = match info.state {
            VersionState::InForce if self.unconfirmed.is_some() => VersionState::Unconfirmed,
            VersionState::InForce if lagging => VersionState::Installing,
            state => state,
        };
        VersionInfo { state, ..info.clone() }
    }

    fn forget(&mut self) {
        let mut bytes: usize = self.versions.iter().map(|info| info.text.len()).sum();
        while self.versions.len() > 2 && (self.versions.len() > HISTORY_MAX || bytes > TEXTS_MAX) {
            if let Some(gone) = self.versions.pop_front() {
                bytes -= gone.text.len();
            }
        }
    }
}
