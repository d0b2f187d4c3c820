//! A source's entry as a plain state, and back: for snapshots and restores.
//!
//! Called by the engine between two breaths, and by the control plane for [`aged`]. Always holds: a restore evicts
//! nobody and makes nobody stand better, and nothing here allocates.

use repute_model::{Factor, Model, Profile, Source, SourceState, Tick};

use crate::scoring::weighted_sum::decayed;
use crate::{Change, Ewma, Flags, Hot, Rules, Shard, Slot, Tally, Warm};

impl Shard {
    /// What is known of the source in `slot`, whose name is `source`.
    pub fn state_of(&self, slot: Slot, source: Source, now: Tick) -> SourceState {
        let (hot, warm) = (self.hot(slot), self.warm(slot));
        let since = |then: u32| now.low().wrapping_sub(then);
        SourceState {
            source,
            score: hot.score,
            band: hot.band,
            allowed: hot.flags.has(Flags::ALLOWED),
            listed: hot.flags.has(Flags::LISTED),
            proven: hot.flags.has(Flags::PROVEN),
            packets_mean: warm.packets.mean,
            packets_variance: warm.packets.variance,
            bytes_mean: warm.bytes_mean,
            samples: warm.samples,
            mitigations: warm.mitigations,
            service: warm.service(),
            destination: warm.destination,
            tallies: hot.tallies().map(|(_, tally)| tally.parts()),
            hits: warm.hits.parts(),
            idle_ms: since(hot.last_seen),
            unfaded_ms: since(warm.visited),
            in_band_ms: since(warm.band_since),
            in_window_ms: since(warm.window),
        }
    }

    /// Gives a source its entry back; where its packets came first, the worse of what is known counts, so that nobody
    /// gets rid of a mitigation by talking early. Twice is as once. `None` = there is no room; nobody is evicted.
    ///
    /// What lists and thresholds say is that of the policy in force: a band is left by the next visit of the sweep.
    pub fn restore(&mut self, state: &SourceState, rules: Rules<'_>, now: Tick) -> Option<Change> {
        let fingerprint = self.key(state.source);
        if let Some(slot) = self.find_key(fingerprint) {
            return Some(self.worsen(slot, state, rules, now));
        }
        let entry = self.reserve(fingerprint)?;
        let ago = |ms: u32| now.low().wrapping_sub(ms.min(SourceState::LONG_MS));
        let [open, used, destinations, ports, icmp_errors, unsolicited] = state.tallies.map(Tally::of_parts);
        let mut flags = Flags::default();
        for (flag, on) in
            [(Flags::ALLOWED, state.allowed), (Flags::LISTED, state.listed), (Flags::PROVEN, state.proven)]
        {
            flags.set(flag, on);
        }
        self.hot[entry as usize] = Hot {
            fingerprint,
            last_seen: ago(state.idle_ms),
            score: state.score,
            band: state.band,
            flags,
            open,
            used,
            destinations,
            ports,
            icmp_errors,
            unsolicited,
            ..Hot::FREE
        };
        self.warm[entry as usize] = Warm {
            packets: Ewma { mean: state.packets_mean, variance: state.packets_variance },
            bytes_mean: state.bytes_mean,
            visited: ago(state.unfaded_ms),
            window: ago(state.in_window_ms),
            band_since: ago(state.in_band_ms),
            mitigations: state.mitigations,
            samples: state.samples,
            service: state.service.map_or(0, |number| number.saturating_add(1)),
            destination: state.destination,
            hits: Tally::of_parts(state.hits),
            deviation: 0,
            scored: 0,
            address: state.source.first(),
        };
        self.occupancy.admitted += 1;
        self.occupancy.tracked += 1;
        let slot = Slot(entry);
        self.refresh(slot, rules);
        Some(Change { slot, from: self.hot(slot).band, cause: Factor::History })
    }

    /// The worse of an entry and a state: the lower score, the worse band and of equal ones the one that was entered
    /// later, more mitigations; and the baseline that has learnt longer.
    fn worsen(&mut self, slot: Slot, state: &SourceState, rules: Rules<'_>, now: Tick) -> Change {
        let ago = |ms: u32| now.low().wrapping_sub(ms.min(SourceState::LONG_MS));
        let (hot, warm) = (&mut self.hot[slot.0 as usize], &mut self.warm[slot.0 as usize]);
        let from = hot.band;
        hot.score = hot.score.min(state.score);
        hot.band = hot.band.max(state.band);
        hot.flags.set(Flags::PROVEN, hot.flags.has(Flags::PROVEN) || state.proven);
        hot.shortcut.close();
        let in_band = now.low().wrapping_sub(warm.band_since);
        if state.band > from || (state.band == from && state.in_band_ms < in_band) {
            warm.band_since = ago(state.in_band_ms);
        }
        warm.mitigations = warm.mitigations.max(state.mitigations);
        if state.samples > warm.samples {
            warm.packets = Ewma { mean: state.packets_mean, variance: state.packets_variance };
            (warm.bytes_mean, warm.samples) = (state.bytes_mean, state.samples);
        }
        self.refresh(slot, rules);
        Change { slot, from, cause: Factor::History }
    }
}

/// What becomes of a state within `ms` in which nothing is seen of the source: what a sweep would have done, but in
/// one step.
#[must_use]
pub fn aged(state: &SourceState, ms: u64, profile: &Profile) -> SourceState {
    let mut state = *state;
    let fades = ms.saturating_add(u64::from(state.unfaded_ms));
    if profile.model == Model::WeightedSum {
        state.score = decayed(state.score, profile.prior, fades, profile.half_life_ms);
    }
    let share = (-(fades as f64) / profile.evidence_half_life_ms.max(1) as f64).exp2();
    if profile.model != Model::EgressInterval {
        state.destination = (f64::from(state.destination) * share) as u8;
    }
    for parts in state.tallies.iter_mut().chain([&mut state.hits]) {
        *parts = (f64::from(*parts) * share) as u16;
    }
    let forgotten = fades / profile.half_life_ms.saturating_mul(4).max(1);
    state.mitigations = state.mitigations.saturating_sub(forgotten.min(255) as u8);
    state.unfaded_ms = 0;
    let later = |then: u32| {
        let sum = u64::from(then).saturating_add(ms).min(u64::from(SourceState::LONG_MS));
        u32::try_from(sum).unwrap_or(SourceState::LONG_MS)
    };
    state.in_window_ms = 0;
    (state.idle_ms, state.in_band_ms) = (later(state.idle_ms), later(state.in_band_ms));
    state
}
