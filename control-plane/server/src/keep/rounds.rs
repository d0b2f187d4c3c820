//! Rounds of snapshots: every worker's sources, page by page, spread over the window.

use std::time::SystemTime;

use repute_model::{Command, SNAPSHOT_MAX, SourceState};
use repute_store::{BATCH_MAX, Pace, Round, SourceRecord};
use tokio::time::{Instant, sleep, sleep_until};

use super::record::record;
use super::{Desk, KeepError};
use crate::post::Answer;
use crate::{Hub, HubError};

/// Writes one round after the other until the hub is gone.
pub(crate) async fn go_on(desk: &Desk, pace: Pace) {
    loop {
        let next = Instant::now() + pace.round();
        match round(desk, Some(pace)).await {
            Ok(sources) => tracing::debug!("{sources} sources were kept"),
            Err(KeepError::Hub(HubError::Gone) | KeepError::Ended) => return,
            Err(error) => tracing::error!("a round of sources was not kept: {error}; the one before stays"),
        }
        if let Err(error) = desk.measure().await {
            tracing::error!("how much is kept is not known: {error}");
        }
        sleep_until(next).await;
    }
}

/// Writes all sources once, as fast as it goes or at a pace; how many.
pub(crate) async fn round(desk: &Desk, pace: Option<Pace>) -> Result<u64, KeepError> {
    let now = (desk.clock)();
    let mut round = desk.store(move |store| store.begin_round(now)).await?;
    let tracked: u64 = desk.hub.inner.published.iter().map(|published| published.read().tracked).sum();
    let most = pace.map_or(BATCH_MAX, |pace| pace.records(usize::try_from(tracked).unwrap_or(usize::MAX)));
    let mut slice = Vec::new();
    // A nudge that comes while a slice is collected is given once more rather than never.
    let mut since = now;
    for worker in 0..desk.hub.workers() {
        let mut cursor = Some(0);
        while let Some(from) = cursor {
            let (states, next) = desk.hub.snapshot(worker, from).await?;
            let now = (desk.clock)();
            if slice.is_empty() {
                since = now;
            }
            slice.extend(states.iter().map(|state| record(state, now)));
            cursor = next;
            if slice.len() >= most {
                round = add(desk, round, std::mem::take(&mut slice), since).await?;
                if let Some(pace) = pace {
                    sleep(pace.slice()).await;
                }
            }
        }
    }
    let mut round = add(desk, round, slice, since).await?;
    desk.store(move |_| round.finish().map(|()| round.records())).await
}

async fn add(
    desk: &Desk,
    mut round: Round,
    records: Vec<SourceRecord>,
    since: SystemTime,
) -> Result<Round, KeepError> {
    desk.store(move |_| {
        records.chunks(BATCH_MAX).try_for_each(|batch| round.add(batch, since))?;
        Ok(round)
    })
    .await
}

impl Hub {
    /// Some of a worker's sources as they are, and where to go on.
    ///
    /// # Errors
    /// A worker that is busy or lags.
    pub(crate) async fn snapshot(
        &self,
        worker: u16,
        cursor: u32,
    ) -> Result<(Vec<SourceState>, Option<u32>), HubError> {
        let command = move |token| Command::Snapshot { token, cursor, limit: SNAPSHOT_MAX };
        match self.ask(worker, command).await? {
            Answer::States(states, next) => Ok((states, next)),
            // A page without a single state.
            Answer::Page(_, next) => Ok((Vec::new(), next)),
            _ => Err(HubError::Gone),
        }
    }
}
