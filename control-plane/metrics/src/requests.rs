//! How long requests to the API take: a histogram for every method and outcome.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets in seconds, from what takes no worker's answer to the time-out of one.
pub const BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Methods times outcomes that are told apart at most; what comes beyond is counted as method `other`.
pub const SERIES_MAX: usize = 512;

/// What requests are told apart by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RequestKey {
    /// The method's name, as `PolicyService/Apply`.
    pub method: String,
    /// Its outcome, as `OK` or `INVALID_ARGUMENT` (gRPC), or an HTTP status.
    pub code: String,
}

/// The requests of one method with one outcome.
#[derive(Clone, PartialEq, Debug)]
pub struct RequestSeries {
    /// Which ones.
    pub key: RequestKey,
    /// How many fell into each bucket of [`BOUNDS`] and not into the one before; the last is beyond all of them.
    pub counts: [u64; BOUNDS.len() + 1],
    /// Seconds of all of them together.
    pub sum_s: f64,
}

impl RequestSeries {
    const fn new(key: RequestKey) -> Self {
        Self { key, counts: [0; BOUNDS.len() + 1], sum_s: 0.0 }
    }

    fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.counts[BOUNDS.iter().position(|&bound| seconds <= bound).unwrap_or(BOUNDS.len())] += 1;
        self.sum_s += seconds;
    }
}

/// Collects the histograms; shared by whoever serves the API.
#[derive(Debug, Default)]
pub struct RequestLatency {
    series: Mutex<BTreeMap<RequestKey, RequestSeries>>,
}

impl RequestLatency {
    /// Notes one request.
    pub fn observe(&self, method: &str, code: &str, took: Duration) {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = RequestKey { method: method.to_owned(), code: code.to_owned() };
        // Names come with requests: whoever invents them shall not make the box count for ever.
        if !series.contains_key(&key) && series.len() >= SERIES_MAX {
            key = RequestKey { method: "other".to_owned(), code: "other".to_owned() };
        }
        series.entry(key.clone()).or_insert_with(|| RequestSeries::new(key)).observe(took);
    }

    /// All histograms as of now.
    pub fn series(&self) -> Vec<RequestSeries> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_include_their_bounds() {
        let latency = RequestLatency::default();
        for micros in [0, 500, 501, 5_000_000, 5_000_001] {
            latency.observe("ScoreService/Explain", "OK", Duration::from_micros(micros));
        }
        let series = latency.series();
        assert_eq!(series.len(), 1);
        assert_eq!(series[0].counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert!((series[0].sum_s - 10.001_002).abs() < 1e-9);
    }

    #[test]
    fn invented_names_are_counted_together() {
        let latency = RequestLatency::default();
        (0..2000).for_each(|i| latency.observe(&i.to_string(), "OK", Duration::ZERO));
        let series = latency.series();
        assert_eq!(series.len(), SERIES_MAX + 1);
        let other = series.iter().find(|series| series.key.method == "other").unwrap();
        assert_eq!(other.counts[0], 2000 - SERIES_MAX as u64);
    }
}
