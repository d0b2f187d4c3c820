//! Honeypots that came while the box ran: given back at the start, written as they change.

use std::time::Duration;

use repute_store::KeptHoneypot;
use tokio::time::sleep;

use super::{Desk, KeepError};
use crate::honeypots::Honeypot;

/// From one writing to the next.
const EVERY: Duration = Duration::from_millis(250);

/// Gives back what has not ended, then writes every change, until the hub is gone.
pub(crate) async fn keep(desk: Desk) {
    if let Err(error) = restore(&desk).await {
        tracing::error!("honeypots that were added before are gone: {error}");
    }
    let mut changes = desk.hub.inner.honeypots.watch();
    // What came while those were given back.
    changes.mark_changed();
    while changes.changed().await.is_ok() {
        let names: Vec<_> = desk.hub.honeypots((desk.clock)()).into_iter().map(row).collect();
        match desk.store(move |store| store.put_honeypots(&names)).await {
            Ok(()) => {}
            Err(KeepError::Ended) => return,
            Err(error) => tracing::error!("honeypots would not outlive a restart: {error}"),
        }
        sleep(EVERY).await;
    }
}

async fn restore(desk: &Desk) -> Result<(), KeepError> {
    let kept = desk.store(|store| store.honeypots()).await?;
    let now = (desk.clock)();
    let named = |KeptHoneypot { name, until, note }| Some(Honeypot { name: name.parse().ok()?, until, note });
    let names: Vec<_> = kept.into_iter().filter_map(named).filter(|one| one.until > now).collect();
    if names.is_empty() {
        return Ok(());
    }
    let given = names.len();
    match desk.hub.restore_honeypots(names, now) {
        Ok(_) => tracing::info!("{given} live honeypots go on"),
        Err(error) => tracing::error!("{given} live honeypots are gone: {error}"),
    }
    Ok(())
}

fn row(Honeypot { name, until, note }: Honeypot) -> KeptHoneypot {
    KeptHoneypot { name: name.to_string(), until, note }
}
