//! The policies that were in force, for history and roll-back across restarts.

use std::time::SystemTime;

use redb::{ReadableTable, ReadableTableMetadata, Table};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::fault::Fault;
use crate::seal::{seal, unseal};
use crate::store::Store;
use crate::tables::POLICIES;
use crate::time::ms;

/// Versions that are kept; the oldest go.
pub const POLICIES_MAX: u64 = 100;
/// Bytes of all versions together; the oldest go, the two latest stay whatever their size.
pub const POLICY_TEXTS_MAX: u64 = 64 << 20;
/// Versions that stay whatever their size.
const STAY: u64 = 2;

/// How a version was doing when it was written, or how it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum PolicyState {
    /// In force.
    InForce,
    /// In force until its confirmation was due.
    Unconfirmed,
    /// Replaced by a later one.
    Replaced,
    /// Rolled back by hand.
    RolledBack,
    /// Rolled back because nobody confirmed it.
    Expired,
}

/// One version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Counted up with every change; the key.
    pub version: u64,
    /// What its text is called.
    pub name: String,
    /// SHA-256 over the validated config.
    pub digest: [u8; 32],
    /// When it was applied; stored in ms.
    #[serde(with = "ms")]
    pub applied: SystemTime,
    /// Who applied it.
    pub who: String,
    /// How it is doing.
    pub state: PolicyState,
    /// The version it brought back.
    pub restores: Option<u64>,
    /// The config as TOML.
    pub text: String,
}

impl Store {
    /// Keeps a version, or changes what is known of it.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::Io`].
    pub fn put_policy(&self, policy: &PolicyVersion) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut policies = transaction.open_table(POLICIES)?;
            policies.insert(policy.version, seal(policy)?.as_slice())?;
            trim(&mut policies)
        })
    }

    /// One version.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn policy(&self, version: u64) -> Result<Option<PolicyVersion>, StoreError> {
        self.read(|transaction| {
            let row = transaction.open_table(POLICIES)?.get(version)?;
            row.map(|row| unseal("a policy", row.value())).transpose()
        })
    }

    /// The versions that are kept, the latest first, at most `max`.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Damaged`].
    pub fn policies(&self, max: usize) -> Result<Vec<PolicyVersion>, StoreError> {
        self.read(|transaction| {
            let policies = transaction.open_table(POLICIES)?;
            let latest = policies.iter()?.rev().take(max);
            latest
                .map(|row| row.map_err(Fault::from).and_then(|(_, row)| unseal("a policy", row.value())))
                .collect()
        })
    }
}

fn trim(policies: &mut Table<u64, &'static [u8]>) -> Result<(), Fault> {
    let mut bytes = 0;
    for row in policies.iter()? {
        bytes += row?.1.value().len() as u64;
    }
    while policies.len()? > POLICIES_MAX || (bytes > POLICY_TEXTS_MAX && policies.len()? > STAY) {
        let Some((_, oldest)) = policies.pop_first()? else { break };
        bytes -= oldest.value().len() as u64;
    }
    Ok(())
}
