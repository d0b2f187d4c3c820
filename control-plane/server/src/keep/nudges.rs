//! Nudges as they are given, so that a kill takes none of them back.

use repute_store::Nudge;
use tokio::sync::mpsc;

use super::{Desk, Kept};
use repute_model::Source;

/// Writes every nudge until the hub is gone.
pub(crate) async fn keep(desk: Desk, mut nudged: mpsc::Receiver<Nudge>) {
    while let Some(nudge) = nudged.recv().await {
        let source = nudge.source;
        if let Err(error) = desk.store(move |store| store.add_nudge(&nudge)).await {
            tracing::error!("a nudge of {source} would not outlive a kill: {error}");
        }
    }
}

impl Kept {
    /// Takes note of a nudge that a worker has carried out.
    pub fn nudged(&self, source: Source, delta: i16, forgive: bool) {
        let (who, why) = (String::new(), String::new());
        let nudge = Nudge { at: (self.clock)(), source, delta, forgive, who, why };
        if self.nudges.try_send(nudge).is_err() {
            tracing::warn!("a nudge of {source} would not outlive a kill: too many wait for the disk");
        }
    }
}
