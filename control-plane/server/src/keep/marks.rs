//! Marks for others: where a reader of a file of alerts goes on after a restart.

use crate::{Hub, HubError};

impl Hub {
    /// The bytes that an earlier run kept under a name; `None` where there are none, or nothing is kept.
    ///
    /// # Errors
    /// The store fails.
    pub async fn mark(&self, name: String) -> Result<Option<Vec<u8>>, HubError> {
        let Some(kept) = self.inner.kept.get() else { return Ok(None) };
        let store = kept.store.clone();
        let found = tokio::task::spawn_blocking(move || store.mark(&name)).await;
        found.map_err(|_| HubError::Gone)?.map_err(|error| HubError::Kept(error.to_string()))
    }

    /// Keeps some bytes under a name, on the disk when this returns; does nothing where nothing is kept.
    ///
    /// # Errors
    /// The store fails, or has too many marks.
    pub async fn set_mark(&self, name: String, bytes: Vec<u8>) -> Result<(), HubError> {
        let Some(kept) = self.inner.kept.get() else { return Ok(()) };
        let store = kept.store.clone();
        let done = tokio::task::spawn_blocking(move || store.set_mark(&name, &bytes)).await;
        done.map_err(|_| HubError::Gone)?.map_err(|error| HubError::Kept(error.to_string()))
    }
}
