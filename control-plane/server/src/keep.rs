//! What survives a restart: the tasks between hub and store.
//!
//! The daemon makes one [`Keeper`] from an open store and starts it as soon as workers run. **Always holds:** no round
//! begins before the restore is over, so that nothing is replaced by less; every access to the disk happens on a
//! thread that may block; a store that fails costs what it would have kept, never traffic.

mod alerts;
mod error;
mod explanations;
mod feeds;
mod honeypots;
mod marks;
mod nudges;
mod policies;
mod record;
mod restore;
mod rounds;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use repute_metrics::StoreSnapshot;
use repute_store::{Nudge, Pace, Store, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::Hub;

pub use error::KeepError;
pub use explanations::PAST_AT_ONCE;
pub use policies::past;
pub use restore::Revived;

/// Nudges that wait for the disk at most; more are given but not kept.
const NUDGES_WAITING: usize = 1024;
/// From one slice of a round to the next.
const SLICE: Duration = Duration::from_millis(250);
/// How long the last round may take.
const LAST_WITHIN: Duration = Duration::from_secs(10);

/// Wall time, for what is stored.
pub type WallClock = fn() -> SystemTime;

/// What the hub knows of its store.
#[derive(Debug)]
pub(crate) struct Kept {
    pub store: Store,
    pub nudges: mpsc::Sender<Nudge>,
    pub clock: WallClock,
    /// As of the last round.
    numbers: Mutex<StoreSnapshot>,
    failures: AtomicU64,
}

impl Kept {
    /// What is kept, as of the last round, and how often that failed.
    pub fn numbers(&self) -> StoreSnapshot {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StoreSnapshot { failures: self.failures.load(Ordering::Relaxed), ..numbers }
    }
}

/// Hub and store, for one of the tasks.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    hub: Hub,
    store: Store,
    clock: WallClock,
}

impl Desk {
    /// Does something with the store on a thread that may wait for the disk.
    async fn store<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, KeepError> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        let done = done.map_err(|_| KeepError::Ended)?;
        if let (Err(_), Some(kept)) = (&done, self.hub.inner.kept.get()) {
            kept.failures.fetch_add(1, Ordering::Relaxed);
        }
        Ok(done?)
    }

    /// Looks how much is kept.
    async fn measure(&self) -> Result<(), KeepError> {
        let look = |store: &Store| {
            let (file_bytes, explanations) = (store.file_bytes()?, store.explanations_len()?);
            let (last_round, sources) = store.last_round()?.unzip();
            let sources = sources.unwrap_or_default();
            Ok(StoreSnapshot { file_bytes, last_round, sources, explanations, failures: 0 })
        };
        let seen = self.store(look).await?;
        if let Some(kept) = self.hub.inner.kept.get() {
            *kept.numbers.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        }
        Ok(())
    }
}

/// Keeps one box's state, until [`Keeper::close`] or the end of the runtime, which costs what a kill would.
#[derive(Debug)]
pub struct Keeper {
    desk: Desk,
    /// Restore, then rounds.
    rounds: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
    restored: watch::Receiver<Option<Revived>>,
}

impl Keeper {
    /// Restores what the store knows to the workers of the hub, and from then on writes their sources within every
    /// `window`, and explanations, nudges, policies and feeds as they come. A hub has one store: a second one is not used.
    pub fn start(hub: &Hub, store: Store, window: Duration, clock: WallClock) -> Self {
        let (nudges, nudged) = mpsc::channel(NUDGES_WAITING);
        hub.inner.kept.get_or_init(|| Kept {
            store: store.clone(),
            nudges,
            clock,
            numbers: Mutex::default(),
            failures: AtomicU64::new(0),
        });
        let desk = Desk { hub: hub.clone(), store, clock };
        let (done, restored) = watch::channel(None);
        let events = hub.subscribe_mitigations();
        let others = vec![
            tokio::spawn(explanations::keep(desk.clone(), events)),
            tokio::spawn(explanations::expire(desk.clone())),
            tokio::spawn(nudges::keep(desk.clone(), nudged)),
            tokio::spawn(policies::keep(desk.clone())),
            tokio::spawn(feeds::keep(desk.clone(), window)),
            tokio::spawn(alerts::keep(desk.clone())),
            tokio::spawn(honeypots::keep(desk.clone())),
        ];
        let pace = Pace::new(window, SLICE);
        let mine = desk.clone();
        let rounds = tokio::spawn(async move {
            let revived = restore::restore(&mine).await;
            tracing::info!("{revived}");
            done.send_replace(Some(revived));
            rounds::go_on(&mine, pace).await;
        });
        Self { desk, rounds, others, restored }
    }

    /// Waits until the restore is over; what came of it.
    pub async fn restored(&mut self) -> Option<Revived> {
        self.restored.wait_for(Option::is_some).await.ok().and_then(|revived| *revived)
    }

    /// A last round, at an end that was asked for, while workers still answer. Does nothing where the restore is not
    /// over: what is stored is more than what workers know.
    pub async fn close(self) {
        self.rounds.abort();
        // Cancelled is what was asked for.
        let _ = self.rounds.await;
        if self.restored.borrow().is_some() {
            match tokio::time::timeout(LAST_WITHIN, rounds::round(&self.desk, None)).await {
                Ok(Ok(sources)) => tracing::info!("{sources} sources are kept for the next start"),
                Ok(Err(error)) => tracing::error!("the last round was not kept: {error}"),
                Err(_) => tracing::error!("the last round was not kept within {LAST_WITHIN:?}"),
            }
        }
        self.others.iter().for_each(JoinHandle::abort);
    }
}
