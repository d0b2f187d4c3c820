//! The task that keeps feeds as the config says and workers as the feeds say.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use repute_feeds::{Merged, Shape};
use repute_policy::Checked;
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::{feeds_of, shape_of};
use super::shelf::Shelf;
use crate::hub::Inner;
use crate::{Hub, HubError};

/// How long it waits for more before it joins: feeds often come together, and joining large ones takes a while.
const TOGETHER: Duration = Duration::from_millis(50);
/// How long it waits before it tries again where workers could not be told.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest sleep until an entry ends.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Runs until the hub is gone, and ends the feeds then.
pub(crate) async fn keep(hub: Weak<Inner>, shelf: Arc<Shelf>, mut config: watch::Receiver<Arc<Checked>>) {
    let mut changes = shelf.watch();
    let mut following = (Vec::new(), Shape::default());
    let mut due = Instant::now() + LONGEST;
    loop {
        let now = Arc::clone(&config.borrow_and_update());
        let wanted = (feeds_of(&now), shape_of(&now));
        if wanted != following && !(wanted.0.is_empty() && following.0.is_empty()) {
            shelf.follow(wanted.0.clone());
        }
        following = wanted;
        tokio::select! {
            changed = config.changed() => match changed {
                Ok(()) => continue,
                Err(_) => break,
            },
            changed = changes.changed() => if changed.is_err() { break },
            () = tokio::time::sleep_until(due) => {}
        }
        tokio::time::sleep(TOGETHER).await;
        changes.mark_unchanged();
        let Some(inner) = hub.upgrade() else { break };
        let wait = match join(&Hub { inner }, &shelf, following.1.clone()).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!("workers go on without what feeds say anew, until they are told: {error}");
                AGAIN
            }
        };
        due = Instant::now() + wait;
    }
    shelf.end();
}

/// Joins all feeds and tells every worker; how long that holds.
async fn join(hub: &Hub, shelf: &Shelf, shape: Shape) -> Result<Duration, HubError> {
    let (imports, of) = shelf.imports();
    let joining = tokio::task::spawn_blocking(move || {
        let mut merged = Merged::new(&imports, &shape, SystemTime::now());
        let table = merged.take_table();
        (merged, table)
    });
    let (merged, table) = joining.await.map_err(|_| HubError::Gone)?;
    let next = merged.next_end().map(|end| end.time().duration_since(SystemTime::now()).unwrap_or_default());
    let entries = merged.len();
    let lagging = hub.lay_feeds(table).await?;
    tracing::info!(entries, ?lagging, "feeds in force");
    shelf.tell(merged, of);
    Ok(next.map_or(LONGEST, |next| next.clamp(TOGETHER, LONGEST)))
}
