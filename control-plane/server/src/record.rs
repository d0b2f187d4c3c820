//! The hub's way to the audit log: what the API and the box itself have changed.

use std::sync::Arc;

use repute_access::{Audit, Change, Outcome, Who};
use tonic::Code;

use crate::{Hub, VersionInfo};

impl Hub {
    /// From now on changes are written to this log; the first one stays.
    pub(crate) fn audit_to(&self, audit: Arc<Audit>) {
        // Set once, by the server that is started over this hub.
        let _ = self.inner.audit.set(audit);
    }

    /// Writes a change down, with the digest of the policy in force; returns when it is on the disk. Without an
    /// audit log it is a line in the daemon's own log.
    pub async fn record(&self, mut change: Change) {
        change.policy = self.show(0).await.ok().map(|info| hex(&info.digest));
        let Change { method, object, outcome, .. } = &change;
        tracing::info!(method, object, ?outcome, "change");
        if let Some(audit) = self.inner.audit.get() {
            audit.record(change).await;
        }
    }

    /// Writes down what the box did to its policy by itself: `method` names it.
    pub async fn record_own(
        &self,
        method: &str,
        object: String,
        before: Option<String>,
        done: Result<(), String>,
    ) {
        let after = match done {
            Ok(()) => self.policy_in_force().await,
            Err(_) => None,
        };
        let outcome = done.map_or_else(Outcome::Failed, |()| Outcome::Done);
        let (who, method) = (Who::Itself, method.to_owned());
        self.record(Change { who, method, object, before, after, policy: None, outcome }).await;
    }

    /// The policy in force, as the log names it.
    pub async fn policy_in_force(&self) -> Option<String> {
        self.show(0).await.ok().as_ref().map(named)
    }
}

/// `version 7, sha256 9f2c…`
fn named(info: &VersionInfo) -> String {
    format!("version {}, sha256 {}", info.version, hex(&info.digest))
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A change that was not allowed or not valid was refused; one that did not work has failed.
pub(crate) fn outcome(code: Code, why: String) -> Outcome {
    match code {
        Code::InvalidArgument
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::NotFound
        | Code::Unauthenticated => Outcome::Refused(why),
        _ => Outcome::Failed(why),
    }
}
