//! Why something was not kept or not given back.

use repute_store::StoreError;

use crate::HubError;

/// What went wrong between hub and store.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A worker did not answer.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The process is ending, or the task panicked.
    #[error("the work on the store ended early; see the log of reputed")]
    Ended,
}
