//! Explanations over time: why a source stood where, at every change of a limit.
//!
//! One question to a worker at a time: in a storm of changes the hub's queue of events runs over, and what was missed
//! is counted and told, not asked for.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use repute_model::{Explanation, Source};
use repute_store::{EXPIRE_AT_ONCE, Explained, ExplainedTerm};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Desk, KeepError};
use crate::ledger::LimitEvent;
use crate::{Hub, HubError};

/// Explanations written at once.
const AT_ONCE: usize = 256;
/// How long one waits for others to be written with.
const WAIT: Duration = Duration::from_millis(250);
/// How often those beyond the retention time are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(600);
/// Explanations that one question brings at most.
pub const PAST_AT_ONCE: usize = 256;

/// Explains the source of every event and writes that, until the hub is gone.
pub(crate) async fn keep(desk: Desk, mut events: broadcast::Receiver<LimitEvent>) {
    while let Some(first) = next(&mut events).await {
        let (mut some, until) = (Vec::new(), Instant::now() + WAIT);
        let mut event = Some(first);
        while let Some(LimitEvent { limit, .. }) = event {
            // Who cannot be explained now is at the next change.
            if let Ok(explained) = desk.hub.explain(limit.source).await {
                some.push(explained_at(&explained.answer, (desk.clock)()));
            }
            let more = some.len() < AT_ONCE;
            event = if more { timeout_at(until, next(&mut events)).await.ok().flatten() } else { None };
        }
        match desk.store(move |store| store.add_explanations(&some)).await {
            Ok(()) => {}
            Err(KeepError::Ended) => return,
            Err(error) => tracing::error!("explanations were not kept: {error}"),
        }
    }
}

/// The next event; `None` = there will be none.
async fn next(events: &mut broadcast::Receiver<LimitEvent>) -> Option<LimitEvent> {
    loop {
        match events.recv().await {
            Ok(event) => return Some(event),
            Err(RecvError::Closed) => return None,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!("{missed} changes of limits came too fast to be explained");
            }
        }
    }
}

/// Removes what is beyond the retention time, now and then.
pub(crate) async fn expire(desk: Desk) {
    loop {
        let now = (desk.clock)();
        match desk.store(move |store| store.expire_explanations(now)).await {
            Ok(EXPIRE_AT_ONCE) => continue,
            Ok(_) => {}
            Err(KeepError::Ended) => return,
            Err(error) => tracing::error!("old explanations were not removed: {error}"),
        }
        sleep(EXPIRE_EVERY).await;
    }
}

fn explained_at(explanation: &Explanation, at: SystemTime) -> Explained {
    let counts = explanation.terms.iter().filter(|term| term.weight != 0.0);
    let term = |term: &repute_model::Term| ExplainedTerm {
        factor: Cow::Borrowed(term.factor.name()),
        value: term.value as f32,
        weight: term.weight as f32,
    };
    Explained {
        source: explanation.source,
        at,
        score: explanation.score,
        band: explanation.band,
        treatment: Cow::Owned(explanation.treatment.to_string()),
        policy_version: explanation.policy_version,
        terms: counts.map(term).collect(),
    }
}

impl Hub {
    /// What is kept of one source between two times (both included), the latest first, at most `max`, clamped to
    /// [`PAST_AT_ONCE`]. An address stands for the source it belongs to.
    ///
    /// # Errors
    /// A prefix that is no source; [`HubError::NothingKept`] on a box without a store; a store that fails.
    pub async fn explained(
        &self,
        source: Source,
        from: SystemTime,
        to: SystemTime,
        max: usize,
    ) -> Result<Vec<Explained>, HubError> {
        let (source, _) = self.run(move |state| state.locate(source)).await??;
        let store = self.inner.kept.get().ok_or(HubError::NothingKept)?.store.clone();
        let max = max.clamp(1, PAST_AT_ONCE);
        let found = tokio::task::spawn_blocking(move || store.explanations(source, from, to, max)).await;
        found.map_err(|_| HubError::Gone)?.map_err(|error| HubError::Kept(error.to_string()))
    }
}
