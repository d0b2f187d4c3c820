//! What feeds do, told on the bus: loaded, failed, stale, cut.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use repute_server::{FeedView, Hub};
use repute_siem::{Bus, FeedCut, FeedFailed, FeedLoaded, FeedStale, What};
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks: of each feed no more than one event of a kind comes of it.
const LOOK: Duration = Duration::from_secs(1);
/// A feed is stale that was not confirmed for so many of its refreshes.
const REFRESHES: u32 = 3;

/// Looks at the feeds for as long as the process lives.
pub async fn run(hub: Hub, bus: Bus) {
    let mut told = Told::default();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let now = SystemTime::now();
        for what in told.look(&hub.feeds(), now) {
            bus.publish(now, what);
        }
    }
}

/// What was told of each feed of the config.
#[derive(Debug, Default)]
struct Told(HashMap<String, Seen>);

#[derive(Clone, Debug, Default)]
struct Seen {
    counts: [u64; 3],
    cut: u64,
    stale: bool,
}

impl Told {
    fn look(&mut self, feeds: &[FeedView], now: SystemTime) -> Vec<What> {
        self.0.retain(|name, _| feeds.iter().any(|feed| feed.name == *name));
        feeds.iter().flat_map(|feed| self.0.entry(feed.name.clone()).or_default().look(feed, now)).collect()
    }
}

impl Seen {
    fn look(&mut self, view: &FeedView, now: SystemTime) -> Vec<What> {
        let (feed, entries) = (view.name.clone(), view.entries);
        // A feed that has begun anew counts from 0.
        let more =
            |at: usize| view.counts[at] > self.counts[at] || view.counts[at] > 0 && view.counts < self.counts;
        let mut news = Vec::new();
        if more(0) {
            news.push(FeedLoaded { feed: feed.clone(), entries, refused: view.skipped }.into());
        }
        if let Some(reason) = view.error.clone().filter(|_| more(2)) {
            let kept = view.confirmed.map(|_| entries);
            news.push(FeedFailed { feed: feed.clone(), reason, kept }.into());
        }
        if view.cut > 0 && view.cut != self.cut {
            let reason = match view.names {
                true => "no room beside the names of other feeds",
                false => "private or reserved space, or prefixes of `inside`",
            };
            news.push(FeedCut { feed: feed.clone(), entries: view.cut, reason: reason.to_owned() }.into());
        }
        let unconfirmed = view.confirmed.and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
        let stale = view.refresh.is_some_and(|refresh| unconfirmed > refresh * REFRESHES);
        if stale && !self.stale {
            let unconfirmed_ms = u64::try_from(unconfirmed.as_millis()).unwrap_or(u64::MAX);
            news.push(FeedStale { feed, entries, unconfirmed_ms }.into());
        }
        *self = Self { counts: view.counts, cut: view.cut, stale };
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_told_once() {
        let (now, hour) = (SystemTime::UNIX_EPOCH, Duration::from_secs(3600));
        let mut view = FeedView {
            name: "drop".to_owned(),
            entries: 0,
            skipped: 0,
            names: false,
            cut: 0,
            counts: [0; 3],
            error: None,
            confirmed: None,
            refresh: Some(hour),
        };
        let mut told = Told::default();
        let mut kinds = |view: &FeedView, now| {
            let news = told.look(std::slice::from_ref(view), now);
            news.iter().map(What::kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&view, now), [""; 0]);
        view = FeedView { entries: 9, counts: [1, 0, 0], confirmed: Some(now), cut: 2, ..view };
        assert_eq!(kinds(&view, now), ["feed-loaded", "feed-cut"]);
        assert_eq!(kinds(&view, now + 3 * hour), [""; 0]);
        view = FeedView { counts: [1, 0, 5], error: Some("cut short".to_owned()), ..view };
        assert_eq!(kinds(&view, now + 4 * hour), ["feed-failed", "feed-stale"]);
        assert_eq!(kinds(&view, now + 5 * hour), [""; 0]);
        view = FeedView { counts: [1, 1, 5], error: None, confirmed: Some(now + 5 * hour), ..view };
        assert_eq!(kinds(&view, now + 5 * hour), [""; 0]);
        assert_eq!(kinds(&view, now + 9 * hour), ["feed-stale"]);
        // Another config: it begins anew.
        view = FeedView { counts: [1, 0, 0], confirmed: Some(now + 9 * hour), cut: 0, ..view };
        assert_eq!(kinds(&view, now + 9 * hour), ["feed-loaded"]);
    }
}
