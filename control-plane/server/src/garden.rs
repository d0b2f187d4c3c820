//! Passes at the walled garden: what a solved task is worth to a source, and what `explain` says of it.
//!
//! The daemon calls [`Hub::pass`] for every solution. Always holds: it counts as a proof of the source's address, lifts the score
//! by `lift` of `[garden]` at most and never above the prior; it forgets nothing, and opens nothing to the blocked. What a worker
//! made of it is in the audit log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use repute_access::{Change, Outcome, Who};
use repute_model::{Command, Passed, Score, Source};

use crate::fading::Fading;
use crate::post::Answer;
use crate::{Hub, HubError};

/// What `explain` and the audit log call it.
pub const PASS: &str = "walled-garden";

/// What a source was given at its last pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Given {
    /// Points of 1/10 000.
    pub points: u16,
    /// Until when the proof counts.
    pub until: SystemTime,
}

/// The last pass of each source, while it counts.
#[derive(Debug, Default)]
pub(crate) struct Passes(Mutex<Fading<u16>>);

impl Passes {
    /// What a source was given, if that still counts.
    pub fn of(&self, source: Source, now: SystemTime) -> Option<Given> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.of(source, now).map(|(until, &points)| Given { points, until })
    }

    fn put(&self, source: Source, given: Given, now: SystemTime) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.put(source, given.until, given.points, now);
    }
}

impl Hub {
    /// Tells the worker that somebody has passed at the walled garden's page, at this source's address; what it made of it.
    ///
    /// # Errors
    /// As [`Hub::explain`].
    pub async fn pass(&self, source: Source, now: SystemTime) -> Result<Passed, HubError> {
        let checked = self.config().await?;
        let config = checked.config();
        let points = (config.garden.lift.get() * 10_000.0).round() as u16;
        let (source, worker) = self.run(move |state| state.locate(source)).await??;
        let passed = match self.ask(worker, move |token| Command::Pass { token, source, points }).await? {
            Answer::Passed(passed) => passed,
            _ => return Err(HubError::Gone),
        };
        if let Passed::Counts { before, after } = passed {
            let lasts = config.profiles.dns.as_ref().map_or(0, |dns| dns.queries.challenge.lasts.get());
            let given = Given {
                points: after.get().saturating_sub(before.get()),
                until: now + Duration::from_millis(lasts),
            };
            self.take_note(source, given, [before, after], now).await;
        }
        Ok(passed)
    }

    async fn take_note(&self, source: Source, given: Given, scores: [Score; 2], now: SystemTime) {
        self.inner.passes.put(source, given, now);
        if let Some(kept) = self.inner.kept.get().filter(|_| given.points > 0) {
            // A score has at most 10 000 points.
            kept.nudged(source, given.points as i16, false);
        }
        let [before, after] = scores.map(|score| Some(format!("score {score}")));
        let (who, method, object) = (Who::Itself, PASS.to_owned(), source.to_string());
        let outcome = Outcome::Done;
        self.record(Change { who, method, object, before, after, policy: None, outcome }).await;
    }
}
