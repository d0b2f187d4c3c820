//! What alerts have asked for: given back at the start, written as it changes.
//!
//! It lies in the store as a feed of its own: each entry with its end, the rules' words as labels.

use std::time::{Duration, SystemTime};

use repute_model::Listing;
use repute_policy::config::Treat;
use repute_store::{FeedEntries, FeedEntry, FeedHead, FeedState};
use tokio::time::sleep;

use super::{Desk, KeepError};
use crate::feeds::{ALERTS, Asked};

/// From one writing to the next.
const EVERY: Duration = Duration::from_millis(250);
/// What is written for a treatment that limits; the profile says anew what comes to it.
const LIMIT: Listing = Listing::Deny(50);
/// The same for one that drops.
const DROP: Listing = Listing::Deny(100);

/// Gives back what has not ended, then writes every change, until the hub is gone.
pub(crate) async fn keep(desk: Desk) {
    if let Err(error) = restore(&desk).await {
        tracing::error!("treatments that alerts asked for before are gone: {error}");
    }
    let (_, mut changes) = desk.hub.inner.shelf.asked();
    while changes.changed().await.is_ok() {
        let (asked, _) = desk.hub.inner.shelf.asked();
        let state = state(asked, (desk.clock)());
        match desk.store(move |store| store.put_feed(state)).await {
            Ok(()) => {}
            Err(KeepError::Ended) => return,
            Err(error) => tracing::error!("treatments of alerts would not outlive a restart: {error}"),
        }
        sleep(EVERY).await;
    }
}

async fn restore(desk: &Desk) -> Result<(), KeepError> {
    let Some(FeedState { head, entries }) = desk.store(|store| store.feed(ALERTS)).await? else {
        return Ok(());
    };
    // What alerts ask for is about sources.
    let FeedEntries::Prefixes(entries) = entries else { return Ok(()) };
    let now = (desk.clock)();
    let mut given = 0;
    for FeedEntry { prefix, says, until, note } in entries {
        let Some(until) = until.filter(|until| *until > now) else { continue };
        let treat = match says {
            Listing::Allow => Treat::Allow,
            DROP => Treat::Drop,
            Listing::Deny(_) => Treat::Limit,
        };
        let note = head.labels.get(note as usize).cloned().unwrap_or_default();
        given += u64::from(desk.hub.inner.shelf.ask(Asked { prefix, treat, until, note }, now).is_ok());
    }
    tracing::info!("{given} treatments that alerts asked for go on");
    Ok(())
}

fn state(asked: Vec<Asked>, now: SystemTime) -> FeedState {
    let mut labels = Vec::with_capacity(asked.len());
    let entries = asked.into_iter().map(|Asked { prefix, treat, until, note }| {
        let says = match treat {
            Treat::Allow => Listing::Allow,
            Treat::Drop => DROP,
            Treat::Limit => LIMIT,
        };
        labels.push(note);
        FeedEntry { prefix, says, until: Some(until), note: labels.len() as u32 - 1 }
    });
    let entries: Vec<_> = entries.collect();
    // It has no config that could be another one.
    let (name, identity) = (ALERTS.to_owned(), [0; 32]);
    let head = FeedHead { name, identity, imported: now, entries: entries.len() as u64, labels };
    FeedState { head, entries: FeedEntries::Prefixes(entries) }
}
