//! What feeds said last, so that a box whose publishers are down at the start goes on with it.
//!
//! Written as feeds change, at most once a window; read once, before anything is written. **Always holds:** what was
//! kept of a feed is given to that feed alone: the same name, the same origin, the same terms.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_feeds::{Action, Entry, FeedConfig, Import, NameEntry, Note, Until};
use repute_store::{FeedEntries, FeedEntry, FeedHead, FeedName, FeedState};
use sha2::{Digest, Sha256};

use super::Desk;
use crate::feeds::{ALERTS, Shown};

/// Gives feeds back what they said, then writes what they say, until the hub is gone.
pub(crate) async fn keep(desk: Desk, window: Duration) {
    let mut changes = desk.hub.inner.shelf.watch();
    restore(&desk).await;
    let mut written: HashMap<String, Arc<Import>> = HashMap::new();
    loop {
        changes.mark_unchanged();
        let feeds = desk.hub.inner.shelf.fetched();
        forget_others(&desk, &feeds).await;
        written.retain(|name, _| feeds.iter().any(|feed| feed.config.name == *name));
        for Shown { config, status, latest, .. } in feeds {
            let (Some(import), Some(at)) = (latest, status.good_at.filter(|_| !status.kept)) else {
                continue;
            };
            if written.get(&config.name).is_some_and(|before| Arc::ptr_eq(before, &import)) {
                continue;
            }
            let (of_feed, of_row) = (Arc::clone(&config), Arc::clone(&import));
            match desk.store(move |store| store.put_feed(row(&of_feed, &of_row, at))).await {
                Ok(()) => drop(written.insert(config.name.clone(), import)),
                Err(error) => tracing::error!("feed {} would not outlive a restart: {error}", config.name),
            }
        }
        tokio::time::sleep(window).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Gives every feed that has nothing yet what the store has of it.
async fn restore(desk: &Desk) {
    for Shown { config, .. } in desk.hub.inner.shelf.fetched() {
        let name = config.name.clone();
        let kept = match desk.store(move |store| store.feed(&name)).await {
            Ok(Some(kept)) if kept.head.identity == identity(&config) => kept,
            Ok(_) => continue,
            Err(error) => {
                tracing::error!("feed {} begins without what it said before: {error}", config.name);
                continue;
            }
        };
        let at = kept.head.imported;
        let import = Arc::new(import(kept));
        let shelf = &desk.hub.inner.shelf;
        if shelf.restore(&config, &import)
            && let Some((_, handle)) = shelf.handle(&config.name)
        {
            // It may be busy with a publisher that does not answer: nobody waits for that.
            tokio::spawn(async move { handle.restore(import, at).await });
        }
    }
}

/// Forgets the feeds that the config has no more.
async fn forget_others(desk: &Desk, feeds: &[Shown]) {
    // What alerts asked for is kept beside them.
    let names = feeds.iter().map(|feed| feed.config.name.clone()).chain([ALERTS.to_owned()]);
    let names: Vec<String> = names.collect();
    let forgotten = desk.store(move |store| {
        let mut others = store.feeds()?.into_iter().filter(|head| !names.contains(&head.name));
        others.try_for_each(|head| store.remove_feed(&head.name).map(drop))
    });
    if let Err(error) = forgotten.await {
        tracing::error!("feeds that are gone stay in the store: {error}");
    }
}

/// What makes a feed this feed: all of its config.
fn identity(config: &FeedConfig) -> [u8; 32] {
    Sha256::digest(format!("{config:?}")).into()
}

fn row(config: &FeedConfig, import: &Import, imported: SystemTime) -> FeedState {
    let entry = |entry: &Entry| FeedEntry {
        prefix: entry.prefix,
        says: entry.says,
        until: entry.until.map(Until::time),
        note: entry.note.number(),
    };
    let named = |entry: &NameEntry| FeedName {
        name: entry.name.clone(),
        until: entry.until.map(Until::time),
        note: entry.note.number(),
    };
    let entries = match config.action {
        Action::Honeypot => FeedEntries::Names(import.names().iter().map(named).collect()),
        Action::Deny | Action::Allow => FeedEntries::Prefixes(import.entries().iter().map(entry).collect()),
    };
    let head = FeedHead {
        name: config.name.clone(),
        identity: identity(config),
        imported,
        entries: import.len() as u64,
        labels: import.notes().map(str::to_owned).collect(),
    };
    FeedState { head, entries }
}

fn import(kept: FeedState) -> Import {
    let FeedState { head, entries } = kept;
    let entry = |FeedEntry { prefix, says, until, note }: FeedEntry| {
        (Entry { prefix, says, until: until.map(Until::at), note: Note::NONE }, note)
    };
    let named = |FeedName { name, until, note }: FeedName| {
        (NameEntry { name, until: until.map(Until::at), note: Note::NONE }, note)
    };
    match entries {
        FeedEntries::Prefixes(entries) => Import::kept(entries.into_iter().map(entry), head.labels),
        FeedEntries::Names(names) => Import::kept_names(names.into_iter().map(named), head.labels),
    }
}

#[cfg(test)]
mod tests {
    use repute_feeds::{Format, Origin, Terms, import as read};

    use super::*;

    #[test]
    fn a_feed_comes_back_as_it_was() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let terms = Terms { expiry: Some(Duration::from_secs(3600)), ..Terms::new("f", now) };
        let text = b"192.0.2.0/24 # one\n2001:db8::/32\n198.51.100.7 # two\n".as_slice();
        let before = read(Format::List, text, &terms).unwrap();
        let config = FeedConfig::new("f", Origin::Pushed);
        let after = import(row(&config, &before, now));
        assert_eq!(after.entries(), before.entries());
        for (a, b) in after.entries().iter().zip(before.entries()) {
            assert_eq!(after.note(a.note), before.note(b.note));
        }
        let terms = Terms { action: Action::Honeypot, ..terms };
        let before = read(Format::List, b"*.dga.example\ntrap.example\n".as_slice(), &terms).unwrap();
        let names = FeedConfig { action: Action::Honeypot, ..config.clone() };
        let after = import(row(&names, &before, now));
        assert_eq!((after.names(), after.len()), (before.names(), 2));
        let other = FeedConfig { confidence: 50, ..config.clone() };
        assert_ne!(identity(&config), identity(&other));
    }
}
