//! The history of policies: written as it changes, read at the next start.

use std::collections::HashMap;
use std::sync::Arc;

use repute_store::{PolicyState, PolicyVersion, Store, StoreError};

use super::Desk;
use crate::history::{HISTORY_MAX, VersionInfo, VersionState};

/// Writes what is new or has become something else, now and after every change, until the hub is gone.
pub(crate) async fn keep(desk: Desk) {
    let mut changed = desk.hub.inner.history_changed.clone();
    let mut written: HashMap<u64, PolicyState> = HashMap::new();
    loop {
        // What changes from here on is seen by the next look.
        changed.mark_unchanged();
        let Ok(versions) = desk.hub.history(HISTORY_MAX).await else { return };
        written.retain(|version, _| versions.iter().any(|info| info.version == *version));
        for info in versions.iter().rev() {
            let row = row(info);
            let (version, state) = (row.version, row.state);
            if written.get(&version) == Some(&state) {
                continue;
            }
            match desk.store(move |store| store.put_policy(&row)).await {
                Ok(()) => {
                    written.insert(version, state);
                }
                Err(error) => {
                    tracing::error!("policy version {version} would not outlive a restart: {error}")
                }
            }
        }
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// The versions of earlier starts, the oldest first.
///
/// # Errors
/// As the store has them.
pub fn past(store: &Store) -> Result<Vec<VersionInfo>, StoreError> {
    let mut versions: Vec<_> = store.policies(HISTORY_MAX)?.into_iter().map(info).collect();
    versions.sort_by_key(|info| info.version);
    Ok(versions)
}

fn row(info: &VersionInfo) -> PolicyVersion {
    PolicyVersion {
        version: info.version,
        name: info.name.clone(),
        digest: info.digest,
        applied: info.applied,
        who: info.who.clone(),
        state: match info.state {
            VersionState::InForce | VersionState::Installing => PolicyState::InForce,
            VersionState::Unconfirmed => PolicyState::Unconfirmed,
            VersionState::Replaced => PolicyState::Replaced,
            VersionState::RolledBack => PolicyState::RolledBack,
            VersionState::Expired => PolicyState::Expired,
        },
        restores: info.restores,
        text: info.text.to_string(),
    }
}

fn info(row: PolicyVersion) -> VersionInfo {
    VersionInfo {
        version: row.version,
        name: row.name,
        digest: row.digest,
        applied: row.applied,
        who: row.who,
        state: match row.state {
            PolicyState::InForce => VersionState::InForce,
            PolicyState::Unconfirmed => VersionState::Unconfirmed,
            PolicyState::Replaced => VersionState::Replaced,
            PolicyState::RolledBack => VersionState::RolledBack,
            PolicyState::Expired => VersionState::Expired,
        },
        restores: row.restores,
        text: Arc::from(row.text),
    }
}
