//! A worker's state of a source as the store's record, and back.

use std::time::{Duration, SystemTime};

use repute_model::SourceState;
use repute_store::{SourceFlags, SourceRecord};

/// What is stored of a state at `now`.
pub(crate) fn record(state: &SourceState, now: SystemTime) -> SourceRecord {
    let idle = Duration::from_millis(state.idle_ms.into());
    SourceRecord {
        source: state.source,
        score: state.score,
        band: state.band,
        flags: SourceFlags { allowed: state.allowed, listed: state.listed, proven: state.proven },
        packets_mean: state.packets_mean,
        packets_variance: state.packets_variance,
        bytes_mean: state.bytes_mean,
        samples: state.samples,
        mitigations: state.mitigations,
        service: state.service,
        destination: state.destination,
        tallies: state.tallies,
        hits: state.hits,
        last_seen: now.checked_sub(idle).unwrap_or(now),
    }
}

/// The state that a record is of, as of the moment when it was `written`.
pub(crate) fn state(record: &SourceRecord, written: SystemTime) -> SourceState {
    let idle = written.duration_since(record.last_seen).unwrap_or_default().as_millis();
    SourceState {
        source: record.source,
        score: record.score,
        band: record.band,
        allowed: record.flags.allowed,
        listed: record.flags.listed,
        proven: record.flags.proven,
        packets_mean: record.packets_mean,
        packets_variance: record.packets_variance,
        bytes_mean: record.bytes_mean,
        samples: record.samples,
        mitigations: record.mitigations,
        service: record.service,
        destination: record.destination,
        tallies: record.tallies,
        hits: record.hits,
        idle_ms: u32::try_from(idle).unwrap_or(SourceState::LONG_MS).min(SourceState::LONG_MS),
        unfaded_ms: 0,
        in_band_ms: SourceState::LONG_MS,
        in_window_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use repute_model::{Band, Score};

    use super::*;

    #[test]
    fn a_state_comes_back_from_its_record() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let source = "192.0.2.7".parse().unwrap();
        let was = SourceState {
            listed: true,
            packets_mean: 12.5,
            samples: 9,
            mitigations: 2,
            service: Some(3),
            destination: 17,
            tallies: [1, 2, 3, 4, 5, 6],
            hits: 7,
            idle_ms: 1_500,
            ..SourceState::new(source, Score::new(1_234), Band::Poor)
        };
        assert_eq!(state(&record(&was, now), now), was);
    }
}
