//! The hub: what everybody in the control plane asks about the workers. Cheap to clone.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use repute_access::Audit;
use repute_engine::{Account, Published};
use repute_metrics::RequestLatency;
use repute_model::{BandChange, Command, Explanation, Lured, Owners, Score, Source, Token, UpstreamChange};
use repute_policy::Checked;
use tokio::sync::{Mutex, broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::actor::{State, run};
use crate::apply::tell_of_zones;
use crate::audit::audit;
use crate::consistency::Oddities;
use crate::feeds::{Shelf, keep};
use crate::garden::Passes;
use crate::geo::{self, Geography, Places};
use crate::history::History;
use crate::honeypots::Honeypots;
use crate::hours::HourRoom;
use crate::inspected::InspectionHit;
use crate::keep::Kept;
use crate::ledger::{LimitCursor, LimitEvent};
use crate::lookups::Lookups;
use crate::post::{Answer, Post};
use crate::{BoxInfo, EventRoom, HubError, Limit, PortRss, VersionInfo, WorkerLink};

/// How long a worker may take to answer before the question fails.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Jobs that wait for the actor at most; more callers wait for their turn.
const JOBS_MAX: usize = 256;

/// The config that the workers were started with, as version [`FIRST_VERSION`](crate::FIRST_VERSION).
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The config.
    pub checked: Checked,
    /// What its text is called: a path.
    pub name: String,
    /// Its text, for the history.
    pub text: String,
}

/// An answer, and the worker that gave it.
#[derive(Clone, PartialEq, Debug)]
pub struct Answered<T> {
    /// Which worker.
    pub worker: u16,
    /// What it said.
    pub answer: T,
}

/// A handle to the control plane's side of all workers.
#[derive(Clone, Debug)]
pub struct Hub {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    jobs: mpsc::Sender<crate::actor::Job>,
    pub(crate) info: watch::Sender<BoxInfo>,
    pub(crate) started: Instant,
    pub(crate) published: Vec<Arc<Published>>,
    pub(crate) installed: watch::Receiver<Vec<u64>>,
    /// Held while a policy is applied: one at a time, from the first check to the last worker.
    pub(crate) road: Mutex<()>,
    /// Where changes are written down.
    pub(crate) audit: OnceLock<Arc<Audit>>,
    events: broadcast::Sender<LimitEvent>,
    moves: broadcast::Sender<BandChange>,
    hits: broadcast::Sender<InspectionHit>,
    lures: broadcast::Sender<Lured>,
    upstreams: broadcast::Sender<UpstreamChange>,
    /// Moves with every change of the policy history.
    pub(crate) history_changed: watch::Receiver<()>,
    /// Where nudges and explanations are kept.
    pub(crate) kept: OnceLock<Kept>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) geo: Geography,
    pub(crate) oddities: Oddities,
    pub(crate) hours: HourRoom,
    pub(crate) honeypots: Honeypots,
    pub(crate) passes: Passes,
    pub(crate) lookups: Lookups,
    pub(crate) events_room: OnceLock<EventRoom>,
    /// How long the API took.
    pub(crate) latency: Arc<RequestLatency>,
}

impl Hub {
    /// Takes over the rings of the workers, by their numbers, and begins to read their reports. The workers
    /// share sources by `owners` and judge by `loaded.checked.compile(FIRST_VERSION)`. Must be called on a
    /// tokio runtime; ends with its last clone.
    pub fn new(links: Vec<WorkerLink>, owners: Owners, loaded: Loaded, info: BoxInfo) -> Self {
        Self::resumed(links, owners, loaded, Vec::new(), info)
    }

    /// The same on a box that has a past: the versions of earlier starts, the oldest first. The workers judge by
    /// [`version_at_start`](crate::version_at_start).
    pub fn resumed(
        links: Vec<WorkerLink>,
        owners: Owners,
        loaded: Loaded,
        past: Vec<VersionInfo>,
        info: BoxInfo,
    ) -> Self {
        let limits = loaded.checked.limits();
        let (handles, published): (Vec<_>, Vec<_>) =
            links.into_iter().map(|link| (link.handle, link.published)).unzip();
        let places = geo::open(&loaded.checked).unwrap_or_else(|error| {
            tracing::error!("nothing is known of places: {error}");
            Places::default()
        });
        let history = History::resumed(loaded, past);
        let history_changed = history.changes();
        let (installed_tx, installed) = watch::channel(vec![history.version(); handles.len()]);
        let shelf = Arc::new(Shelf::default());
        let changes = shelf.watch();
        shelf.follow(history.checked());
        tell_of_zones(history.checked());
        let state = State::new(Post::new(handles), published.clone(), history, limits, owners, installed_tx);
        let (events, moves, hits) = (state.ledger.events(), state.moves.clone(), state.hits.clone());
        let (lures, upstreams) = (state.lures.clone(), state.upstreams.clone());
        let (jobs, receiver) = mpsc::channel(JOBS_MAX);
        tokio::spawn(run(state, receiver));
        let (started, road, info) = (Instant::now(), Mutex::new(()), watch::Sender::new(info));
        let (audit_log, kept, events_room) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let inner = Arc::new(Inner {
            jobs,
            info,
            started,
            published,
            installed,
            road,
            audit: audit_log,
            events,
            moves,
            hits,
            lures,
            upstreams,
            history_changed,
            kept,
            shelf,
            geo: Geography::default(),
            oddities: Oddities::default(),
            hours: HourRoom::default(),
            honeypots: Honeypots::default(),
            passes: Passes::default(),
            lookups: Lookups::default(),
            events_room,
            latency: Arc::default(),
        });
        tokio::spawn(audit(Arc::downgrade(&inner)));
        tokio::spawn(keep(Arc::downgrade(&inner), changes));
        tokio::spawn(geo::watch(Arc::downgrade(&inner)));
        let hub = Self { inner };
        hub.take_places(places);
        hub
    }

    /// How many workers there are.
    pub fn workers(&self) -> u16 {
        self.inner.published.len() as u16
    }

    /// Takes note of what RSS of a port was found to be worth; the number is that of [`BoxInfo::ports`].
    pub fn found_rss(&self, port: usize, found: PortRss) {
        self.inner.info.send_modify(|info| {
            if let Some(port) = info.ports.get_mut(port) {
                port.rss = found;
            }
        });
    }

    /// The source that is meant: an address stands for the source it belongs to.
    ///
    /// # Errors
    /// A prefix that is no source.
    pub async fn locate(&self, source: Source) -> Result<Source, HubError> {
        self.run(move |state| state.locate(source)).await?.map(|(source, _)| source)
    }

    /// Takes a source's score apart. An address stands for the source it belongs to.
    ///
    /// # Errors
    /// A prefix that is no source; a worker that is busy or lags.
    pub async fn explain(&self, source: Source) -> Result<Answered<Explanation>, HubError> {
        let (source, worker) = self.run(move |state| state.locate(source)).await??;
        match self.ask(worker, move |token| Command::Explain { token, source }).await? {
            Answer::Explained(answer) => Ok(Answered { worker, answer: *answer }),
            _ => Err(HubError::Gone),
        }
    }

    /// Moves a source's score by `delta` points, clamped to −10 000..=10 000; `forgive` also forgets what
    /// was counted against it, and what alerts have asked against it alone. Returns the source that was meant, and its score before and after.
    ///
    /// # Errors
    /// As [`Hub::explain`]; [`HubError::TableFull`] where the source could get no entry.
    pub async fn nudge(
        &self,
        source: Source,
        delta: i16,
        forgive: bool,
    ) -> Result<Answered<(Source, Score, Score)>, HubError> {
        let delta = delta.clamp(-10_000, 10_000);
        let (source, worker) = self.run(move |state| state.locate(source)).await??;
        match self.ask(worker, move |token| Command::Nudge { token, source, delta, forgive }).await? {
            Answer::Nudged(Some((before, after))) => {
                if forgive {
                    self.lift(source);
                }
                if let Some(kept) = self.inner.kept.get() {
                    kept.nudged(source, delta, forgive);
                }
                Ok(Answered { worker, answer: (source, before, after) })
            }
            Answer::Nudged(None) => Err(HubError::TableFull { worker }),
            _ => Err(HubError::Gone),
        }
    }

    /// Some mitigations from `cursor` on, and where to go on: active ones by source, past ones from the
    /// latest on.
    ///
    /// # Errors
    /// [`HubError::Gone`].
    pub async fn mitigations(
        &self,
        cursor: LimitCursor,
        max: usize,
    ) -> Result<(Vec<Limit>, Option<LimitCursor>), HubError> {
        self.run(move |state| state.ledger.page(cursor, max)).await
    }

    /// Mitigations as they begin, change and end, from now on. A slow reader is told how many it missed.
    pub fn subscribe_mitigations(&self) -> broadcast::Receiver<LimitEvent> {
        self.inner.events.subscribe()
    }

    /// Changes between bands that limit nothing, from now on. A slow reader is told how many it missed, and
    /// [`BandChange::untold`] how many a worker did not report.
    pub fn subscribe_bands(&self) -> broadcast::Receiver<BandChange> {
        self.inner.moves.subscribe()
    }

    /// What inspection finds, from now on. A slow reader is told how many it missed, and [`InspectionHit::untold`] how many
    /// a worker did not report.
    pub fn subscribe_hits(&self) -> broadcast::Receiver<InspectionHit> {
        self.inner.hits.subscribe()
    }

    /// Who asks for honeypots, from now on. A slow reader is told how many it missed, and [`Lured::untold`] how many a worker did
    /// not report.
    pub fn subscribe_lures(&self) -> broadcast::Receiver<Lured> {
        self.inner.lures.subscribe()
    }

    /// Upstreams that come up or go down, from now on. A slow reader is told how many it missed.
    pub fn subscribe_upstreams(&self) -> broadcast::Receiver<UpstreamChange> {
        self.inner.upstreams.subscribe()
    }

    /// What every worker counts, as it published it last: asks nobody.
    pub fn accounts(&self) -> Vec<Account> {
        self.inner.published.iter().map(|published| published.read()).collect()
    }

    /// The policy version that each worker judges by, whenever that changes.
    pub fn subscribe_installed(&self) -> watch::Receiver<Vec<u64>> {
        self.inner.installed.clone()
    }

    /// The config in force.
    ///
    /// # Errors
    /// [`HubError::Gone`].
    pub async fn config(&self) -> Result<Arc<Checked>, HubError> {
        self.run(|state| Arc::clone(state.history.checked())).await
    }

    /// Does something with the actor's state.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State) -> R + Send + 'static,
    ) -> Result<R, HubError> {
        let (done, result) = oneshot::channel();
        let job = Box::new(move |state: &mut State| {
            // Who asked may have gone away meanwhile.
            let _ = done.send(work(state));
        });
        self.inner.jobs.send(job).await.map_err(|_| HubError::Gone)?;
        result.await.map_err(|_| HubError::Gone)
    }

    /// Asks one worker and waits for its answer.
    pub(crate) async fn ask(
        &self,
        worker: u16,
        command: impl FnOnce(Token) -> Command + Send + 'static,
    ) -> Result<Answer, HubError> {
        let receiver = self.run(move |state| state.post.ask(worker, command)).await??;
        match timeout(ANSWER_WITHIN, receiver).await {
            Ok(answer) => answer.map_err(|_| HubError::Gone),
            Err(_) => Err(HubError::Lagging { worker, waited_ms: ANSWER_WITHIN.as_millis() as u64 }),
        }
    }
}
