//! The task that tells workers what feeds say.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use repute_feeds::{Lures, Merged};
use tokio::sync::watch;
use tokio::time::Instant;

use super::FeedTables;
use crate::honeypots::LIVE;
use crate::hub::Inner;
use crate::{Hub, HubError};

/// How long it waits for more before it joins: feeds often come together, and joining large ones takes a while.
const TOGETHER: Duration = Duration::from_millis(50);
/// How long it waits before it tries again where workers could not be told.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest sleep until an entry ends.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Runs until the hub is gone; `changes` ends with it.
pub(crate) async fn keep(hub: Weak<Inner>, mut changes: watch::Receiver<u64>) {
    let (mut due, mut together) = (Instant::now() + LONGEST, TOGETHER);
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(due) => {}
        }
        tokio::time::sleep(together).await;
        changes.mark_unchanged();
        let Some(inner) = hub.upgrade() else { return };
        let begun = Instant::now();
        let wait = match join(&Hub { inner }).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!("workers go on without what feeds say anew, until they are told: {error}");
                AGAIN
            }
        };
        let ended = Instant::now();
        due = ended + wait;
        // However often alerts change their list, half of the time nothing is joined.
        together = TOGETHER.max(ended - begun);
    }
}

/// Joins all feeds and tells every worker; for how long that holds.
async fn join(hub: &Hub) -> Result<Duration, HubError> {
    let shelf = &hub.inner.shelf;
    let (mut imports, shape, of) = shelf.imports();
    // Where not all names find room, these are taken first.
    imports.insert(0, (LIVE.into(), Arc::new(hub.inner.honeypots.import(SystemTime::now()))));
    let joining = tokio::task::spawn_blocking(move || {
        let now = SystemTime::now();
        (Merged::new(&imports[1..], &shape, now), Lures::new(&imports, now))
    });
    let (mut merged, lures) = joining.await.map_err(|_| HubError::Gone)?;
    let next = [merged.next_end(), lures.next_end()].into_iter().flatten().min();
    let next = next.map(|end| end.time().duration_since(SystemTime::now()).unwrap_or_default());
    let entries = merged.len();
    let tables = FeedTables { prefixes: merged.take_table(), names: Arc::clone(lures.table()) };
    let lagging = hub.lay_feeds(tables).await?;
    tracing::info!(entries, names = lures.len(), ?lagging, "feeds in force");
    shelf.tell(merged, lures, of);
    Ok(next.map_or(LONGEST, |next| next.clamp(TOGETHER, LONGEST)))
}
