//! What Prometheus asks of the control plane: numbers that lie ready, nobody is asked and nothing is read for them.

use std::time::{Duration, SystemTime};

use repute_metrics::{FeedSnapshot, GeoSnapshot, RequestSeries, StoreSnapshot};

use crate::Hub;
use crate::feeds::Shown;

impl Hub {
    /// How every feed is doing, what is selected by place among them.
    pub fn feed_numbers(&self) -> Vec<FeedSnapshot> {
        self.inner.shelf.shown(None).iter().map(feed).collect()
    }

    /// What is known of places.
    pub fn geo_numbers(&self) -> GeoSnapshot {
        let built = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let kinds = self.inner.geo.kinds().into_iter();
        let [subjects, lowered] = self.inner.oddities.counts().map(|count| count as u64);
        GeoSnapshot { databases: kinds.map(|(kind, at)| (kind, built(at))).collect(), subjects, lowered }
    }

    /// What survives a restart, as of the last round; `None` where nothing does.
    pub fn store_numbers(&self) -> Option<StoreSnapshot> {
        self.inner.kept.get().map(|kept| kept.numbers())
    }

    /// How long requests to the API took that the guard admitted.
    pub fn request_numbers(&self) -> Vec<RequestSeries> {
        self.inner.latency.series()
    }
}

fn feed(shown: &Shown) -> FeedSnapshot {
    let status = &shown.status;
    FeedSnapshot {
        name: shown.config.name.clone(),
        entries: status.entries as u64,
        refreshed: status.confirmed_at.max(status.good_at),
        refreshes: status.counts.iter().sum(),
        failures: status.counts[2],
        failing: status.failures > 0,
    }
}
