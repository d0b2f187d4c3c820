//! The road to a new policy: parse → compare → compile → every worker or none → wait for all of them.
//!
//! Requests over the API, the daemon's reload, roll-backs and what feeds say all take it, one at a time. **Always holds:**
//! whatever fails before the workers were sent the policy changes nothing.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_model::Policy;
use repute_policy::{Change, Checked, Config, diff};
use tokio::time::timeout;

use crate::actor::State;
use crate::geo::{self, Places};
use crate::history::Entry;
use crate::{ANSWER_WITHIN, Hub, HubError, VersionInfo, VersionState};

/// A longer window for a confirmation is clamped to this.
const CONFIRM_MAX: Duration = Duration::from_secs(86_400);
/// After how long a roll-back that found a worker busy is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// A policy to put in force.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ApplyRequest {
    /// The config as TOML.
    pub text: String,
    /// What messages and the history call it.
    pub name: String,
    /// Who asks.
    pub who: String,
    /// Only if this version is in force.
    pub expected_version: Option<u64>,
    /// Rolls back by itself unless confirmed within this time, at most a day.
    pub confirm_within: Option<Duration>,
    /// It is reputed's own config file, which alone may say who may do what (`[api.access]`).
    pub own_file: bool,
}

/// An older version to bring back.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RollbackRequest {
    /// The version; 0 = the one before the one in force.
    pub version: u64,
    /// Who asks.
    pub who: String,
    /// Only if this version is in force.
    pub expected_version: Option<u64>,
    /// Rolls forward again by itself unless confirmed within this time, at most a day.
    pub confirm_within: Option<Duration>,
}

/// A policy that was sent to every worker.
#[derive(Clone, PartialEq, Debug)]
pub struct Applied {
    /// The version now in force.
    pub version: u64,
    /// SHA-256 over the validated config.
    pub digest: [u8; 32],
    /// What changed.
    pub changes: Vec<Change>,
    /// Workers that have not taken it yet; they will with their next breath. Empty = applied everywhere.
    pub lagging: Vec<u16>,
    /// Until when it has to be confirmed.
    pub confirm_until: Option<SystemTime>,
    /// The config means what the one in force means: nothing was installed, the version stays.
    pub unchanged: bool,
}

/// A text that has passed every check but those of the moment.
struct Prepared {
    checked: Arc<Checked>,
    text: Arc<str>,
    changes: Vec<Change>,
    policies: Vec<Policy>,
    places: Places,
}

impl Hub {
    /// Puts a policy in force and waits until every worker judges by it, at most [`ANSWER_WITHIN`]: then
    /// those that lag are named in the answer. A config of the same meaning is not installed again.
    ///
    /// While a version waits for its confirmation no other is applied: confirm it or roll it back.
    ///
    /// # Errors
    /// Mistakes in the text, a stale `expected_version`, an unconfirmed version, changes that need a
    /// restart, a worker that takes no commands. Nothing was changed then.
    pub async fn apply(&self, request: ApplyRequest) -> Result<Applied, HubError> {
        let _road = self.inner.road.lock().await;
        let ApplyRequest { text, name, who, expected_version, confirm_within, own_file } = request;
        let current = self
            .run(move |state| {
                state.history.expect(expected_version)?;
                state.history.expect_confirmed()?;
                Ok::<_, HubError>(Arc::clone(state.history.checked()))
            })
            .await??;
        let prepared = self.prepare(name.clone(), text.into(), current).await?;
        if !own_file && prepared.changes.iter().any(Change::is_of_access) {
            return Err(HubError::ByFileOnly);
        }
        if prepared.changes.is_empty() {
            return self.unchanged(prepared).await;
        }
        let confirm_within = confirm_within.map(|within| within.min(CONFIRM_MAX));
        let (checked, text) = (Arc::clone(&prepared.checked), Arc::clone(&prepared.text));
        let (restores, ends) = (None, VersionState::Replaced);
        self.install(prepared, Entry { checked, text, name, who, restores, ends, confirm_within }).await
    }

    /// Keeps the version that waits for its confirmation; `version` 0 = whichever waits.
    ///
    /// # Errors
    /// Nothing waits, or another version.
    pub async fn confirm(&self, version: u64) -> Result<u64, HubError> {
        self.run(move |state| state.history.confirm(version)).await?
    }

    /// Applies an older version as a new one. Also ends a version that waits for its confirmation.
    ///
    /// # Errors
    /// A version that is not kept, a stale `expected_version`, a worker that takes no commands.
    pub async fn rollback(&self, request: RollbackRequest) -> Result<Applied, HubError> {
        let _road = self.inner.road.lock().await;
        let RollbackRequest { version, who, expected_version, confirm_within } = request;
        let version = self
            .run(move |state| {
                state.history.expect(expected_version)?;
                if version == 0 { state.history.previous() } else { Ok(version) }
            })
            .await??;
        let confirm_within = confirm_within.map(|within| within.min(CONFIRM_MAX));
        self.restore(version, who, VersionState::RolledBack, confirm_within).await
    }

    /// One kept version with its text; 0 = the one in force.
    ///
    /// # Errors
    /// [`HubError::UnknownVersion`].
    pub async fn show(&self, version: u64) -> Result<VersionInfo, HubError> {
        self.run(move |state| state.history.get(version, state.is_installing())).await?
    }

    /// The kept versions, the latest first, at most `max`.
    ///
    /// # Errors
    /// [`HubError::Gone`].
    pub async fn history(&self, max: usize) -> Result<Vec<VersionInfo>, HubError> {
        self.run(move |state| state.history.list(max, state.is_installing())).await
    }

    /// What changes from one kept version to another; 0 = the one in force.
    ///
    /// # Errors
    /// [`HubError::UnknownVersion`].
    pub async fn diff_versions(&self, from: u64, to: u64) -> Result<Vec<Change>, HubError> {
        let to = self.show(to).await?;
        self.diff_text(from, to.name, to.text.to_string()).await
    }

    /// What changes from a kept version (0 = the one in force) to a text called `name`.
    ///
    /// # Errors
    /// [`HubError::UnknownVersion`]; mistakes in the text.
    pub async fn diff_text(&self, from: u64, name: String, text: String) -> Result<Vec<Change>, HubError> {
        let from = self.show(from).await?;
        blocking(move || Ok(diff(&parse(&from.name, &from.text)?, &parse(&name, &text)?))).await
    }

    /// Takes the version back if it still waits for its confirmation.
    async fn expire(&self, version: u64) -> Result<(), HubError> {
        let _road = self.inner.road.lock().await;
        let waits = self.run(|state| state.history.unconfirmed()).await?;
        let Some(waits) = waits.filter(|waits| waits.version == version) else { return Ok(()) };
        tracing::warn!("policy version {version} was not confirmed: back to version {}", waits.before);
        let who = format!("version {version} was not confirmed");
        let before = self.policy_in_force().await;
        let done = self.restore(waits.before, who, VersionState::Expired, None).await.map(drop);
        let object = format!("policy version {}", waits.before);
        // One that found a worker busy is tried again, and is no change yet.
        if done.is_ok() {
            self.record_own("confirmation ran out", object, before, Ok(())).await;
        }
        done
    }

    async fn restore(
        &self,
        version: u64,
        who: String,
        ends: VersionState,
        confirm_within: Option<Duration>,
    ) -> Result<Applied, HubError> {
        let old = self.show(version).await?;
        let current = self.run(|state| Arc::clone(state.history.checked())).await?;
        let prepared = self.prepare(old.name.clone(), old.text, current).await?;
        let (checked, text) = (Arc::clone(&prepared.checked), Arc::clone(&prepared.text));
        let (name, restores) = (old.name, Some(version));
        self.install(prepared, Entry { checked, text, name, who, restores, ends, confirm_within }).await
    }

    async fn prepare(
        &self,
        name: String,
        text: Arc<str>,
        current: Arc<Checked>,
    ) -> Result<Prepared, HubError> {
        let workers = usize::from(self.workers());
        let feeds = self.run(|state| Arc::clone(&state.feeds)).await?;
        blocking(move || {
            let checked = Arc::new(parse(&name, &text)?);
            let changes = diff(&current, &checked);
            if changes.iter().any(|change| change.restart) {
                let restart = changes.into_iter().filter(|change| change.restart);
                return Err(HubError::NeedsRestart(restart.collect()));
            }
            let places = geo::open(&checked)?;
            let policies = vec![feeds.join(&checked, 0, places.homes.clone()); workers];
            Ok(Prepared { checked, text, changes, policies, places })
        })
        .await
    }

    async fn unchanged(&self, prepared: Prepared) -> Result<Applied, HubError> {
        let digest = prepared.checked.digest();
        self.take_places(prepared.places);
        self.run(move |state| {
            let version = state.history.version();
            let (changes, lagging) = (Vec::new(), state.lagging(state.edition));
            Applied { version, digest, changes, lagging, confirm_until: None, unchanged: true }
        })
        .await
    }

    /// Sends the policy to every worker or to none, and waits for them.
    async fn install(&self, prepared: Prepared, entry: Entry) -> Result<Applied, HubError> {
        let Prepared { changes, policies, checked, places, .. } = prepared;
        let within = entry.confirm_within;
        let (version, edition, confirm_until) =
            self.run(move |state| state.install(policies, entry)).await??;
        self.inner.shelf.follow(&checked);
        tell_of_zones(&checked);
        self.take_places(places);
        if let Some(within) = within {
            self.await_confirmation(version, within);
        }
        let lagging = self.everywhere(edition).await?;
        let digest = checked.digest();
        Ok(Applied { version, digest, changes, lagging, confirm_until, unchanged: false })
    }

    /// Waits until every worker judges by this edition, at most [`ANSWER_WITHIN`]; the workers that lag then.
    pub(crate) async fn everywhere(&self, edition: u64) -> Result<Vec<u16>, HubError> {
        let mut installed = self.inner.installed.clone();
        let everywhere = installed.wait_for(|editions| editions.iter().all(|has| *has >= edition));
        // Whether in time or not: who lags is asked below.
        let _ = timeout(ANSWER_WITHIN, everywhere).await;
        self.run(move |state| state.lagging(edition)).await
    }

    fn await_confirmation(&self, version: u64, within: Duration) {
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            tokio::time::sleep(within).await;
            while let Some(inner) = inner.upgrade() {
                match (Self { inner }).expire(version).await {
                    Ok(()) => return,
                    Err(error) => tracing::error!("cannot roll back version {version} yet: {error}"),
                }
                tokio::time::sleep(RETRY).await;
            }
        });
    }
}

impl State {
    /// Whether some worker has not taken the latest edition yet.
    pub(crate) fn is_installing(&self) -> bool {
        !self.lagging(self.edition).is_empty()
    }

    fn install(
        &mut self,
        mut policies: Vec<Policy>,
        entry: Entry,
    ) -> Result<(u64, u64, Option<SystemTime>), HubError> {
        let version = self.history.version() + 1;
        policies.iter_mut().for_each(|policy| policy.version = version);
        let edition = self.send(policies)?;
        self.ledger.set_shadow(entry.checked.is_shadow());
        let version = self.history.enter(entry);
        Ok((version, edition, self.history.unconfirmed().map(|waits| waits.until)))
    }
}

/// Says in the log what of the policy zones is not enforced as it is written: a bounded number of lines for each.
pub(crate) fn tell_of_zones(checked: &Checked) {
    for zone in checked.zone_reports() {
        tracing::info!("{zone}");
        for note in zone.notes() {
            tracing::warn!("zone {} ({}): {note}", zone.name, zone.file);
        }
    }
}

fn parse(name: &str, text: &str) -> Result<Checked, HubError> {
    Config::parse(name, text).map_err(|diagnostics| HubError::Policy(Box::new(diagnostics)))
}

/// Parsing and comparing long lists takes a while: not on the thread that serves everybody.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, HubError> + Send + 'static,
) -> Result<R, HubError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| HubError::Gone)?
}
