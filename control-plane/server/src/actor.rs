//! The one task that owns the rings, the policy history and the ledger of mitigations.
//!
//! Others reach it through jobs: closures over its [`State`]. A job never waits; what takes time waits
//! outside. **Always holds:** a job that panics is logged and ends alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_engine::Published;
use repute_model::{BandChange, Limits, Lured, Owners, Report, Source, UpstreamChange};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

use crate::HubError;
use crate::crowds::CrowdRoom;
use crate::feeds::FeedTables;
use crate::history::History;
use crate::inspected::InspectionHit;
use crate::ledger::Ledger;
use crate::lured::LuredRoom;
use crate::packet_log::PacketLog;
use crate::post::Post;
use crate::source::{resolve, width};

/// One thing to do with the state.
pub(crate) type Job = Box<dyn FnOnce(&mut State) + Send>;

/// How often reports are looked for while somebody waits for one.
const POLL_AWAITED: Duration = Duration::from_millis(2);
/// How often they are looked for otherwise.
const POLL_IDLE: Duration = Duration::from_millis(20);
/// So many reports at one look are a rush: rings may fill before the next idle look.
const RUSH: usize = 256;

/// Changes of bands, hits, and queries for honeypots, that a reader may lag behind before it misses some.
const MOVES_KEPT: usize = 4096;
/// Changes of upstreams likewise.
const UPSTREAMS_KEPT: usize = 256;

/// When a worker's clock was last seen to move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Breath {
    tick: u64,
    at: Instant,
}

/// Everything the actor owns.
#[derive(Debug)]
pub(crate) struct State {
    pub post: Post,
    pub history: History,
    pub ledger: Ledger,
    pub crowds: CrowdRoom,
    pub limits: Limits,
    /// As the workers share them.
    owners: Owners,
    /// The latest edition that workers were sent.
    pub edition: u64,
    /// What feeds say, which is laid under the lists of every policy.
    pub feeds: Arc<FeedTables>,
    /// The policy edition that each worker has reported as installed.
    pub installed: watch::Sender<Vec<u64>>,
    published: Vec<Arc<Published>>,
    breaths: Vec<Breath>,
    packet_log: PacketLog,
    /// Changes between bands that limit nothing, as they happen.
    pub moves: broadcast::Sender<BandChange>,
    /// What inspection finds, as it happens.
    pub hits: broadcast::Sender<InspectionHit>,
    /// Who asks for honeypots, as it happens, and who did lately.
    pub lures: broadcast::Sender<Lured>,
    pub lured: LuredRoom,
    /// Upstreams that come up or go down, as they do.
    pub upstreams: broadcast::Sender<UpstreamChange>,
    rush: bool,
}

impl State {
    pub fn new(
        post: Post,
        published: Vec<Arc<Published>>,
        history: History,
        limits: Limits,
        owners: Owners,
        installed: watch::Sender<Vec<u64>>,
    ) -> Self {
        let breaths = vec![Breath { tick: 0, at: Instant::now() }; published.len()];
        let ledger = Ledger::new(history.checked().is_shadow());
        let (crowds, packet_log) = (CrowdRoom::default(), PacketLog::default());
        let (edition, feeds, rush) = (history.version(), Arc::default(), false);
        Self {
            post,
            history,
            ledger,
            crowds,
            limits,
            owners,
            edition,
            feeds,
            installed,
            published,
            breaths,
            packet_log,
            moves: broadcast::Sender::new(MOVES_KEPT),
            hits: broadcast::Sender::new(MOVES_KEPT),
            lures: broadcast::Sender::new(MOVES_KEPT),
            lured: LuredRoom::default(),
            upstreams: broadcast::Sender::new(UPSTREAMS_KEPT),
            rush,
        }
    }

    /// The source that is meant, and the worker that owns it.
    pub fn locate(&self, source: Source) -> Result<(Source, u16), HubError> {
        let source = resolve(source, width(self.history.checked(), &self.limits))?;
        Ok((source, self.owners.owner(source)))
    }

    /// The worker that owns a source.
    pub fn owner(&self, source: Source) -> u16 {
        self.owners.owner(source)
    }

    /// The workers that have not yet reported `edition`.
    pub fn lagging(&self, edition: u64) -> Vec<u16> {
        let installed = self.installed.borrow();
        (0..).zip(installed.iter()).filter(|(_, has)| **has < edition).map(|(worker, _)| worker).collect()
    }

    /// For how long each worker's clock has stood still.
    pub fn silences(&self) -> Vec<Duration> {
        self.breaths.iter().map(|breath| breath.at.elapsed()).collect()
    }

    fn poll(&mut self) {
        for (breath, published) in self.breaths.iter_mut().zip(&self.published) {
            let tick = published.read().tick;
            if tick != breath.tick {
                *breath = Breath { tick, at: Instant::now() };
            }
        }
        let Self {
            post,
            ledger,
            crowds,
            installed,
            packet_log,
            moves,
            hits,
            upstreams,
            history,
            lures,
            lured,
            ..
        } = self;
        let now = SystemTime::now();
        let taken = post.collect(|worker, report| match report {
            Report::Installed { edition, old, .. } => {
                // Freed here: a worker never frees.
                drop(old);
                installed.send_modify(|editions| {
                    if let Some(has) = editions.get_mut(usize::from(worker)) {
                        *has = edition;
                    }
                });
            }
            // Likewise.
            Report::HourEnded(usuals) => drop(usuals),
            Report::Mitigation(mitigation) => ledger.take(&mitigation, now),
            // Nobody may be listening.
            Report::Band(change) => drop(moves.send(change)),
            Report::Inspected(inspected) => drop(hits.send(InspectionHit::of(&inspected, history.checked()))),
            Report::Lured(told) => {
                lured.take(&told, now);
                // Nobody may be listening.
                drop(lures.send(told));
            }
            Report::Log(line) => packet_log.line(worker, &line),
            // Nobody may be listening.
            Report::Upstream(change) => drop(upstreams.send(change)),
            Report::Crowd(change) => {
                packet_log.crowd(&change);
                crowds.take(change, now);
            }
            // Answers were delivered.
            Report::Explained(..) | Report::Nudged(..) | Report::Row(..) | Report::Page(..) => {}
            Report::CrowdStands(..) | Report::Name(..) | Report::Top(..) | Report::Passed(..) => {}
            // States of a restore are freed here, those of a snapshot were collected.
            Report::Restored { .. } | Report::State(..) => {}
        });
        self.rush = taken >= RUSH;
    }

    fn is_awaited(&self) -> bool {
        self.rush || self.post.is_awaited() || self.is_installing()
    }
}

/// Does jobs and polls until every sender is gone.
pub(crate) async fn run(mut state: State, mut jobs: mpsc::Receiver<Job>) {
    let mut last = Instant::now();
    loop {
        let pause = if state.is_awaited() { POLL_AWAITED } else { POLL_IDLE };
        tokio::select! {
            job = jobs.recv() => match job {
                Some(job) => guarded("a request", || job(&mut state)),
                None => return,
            },
            () = tokio::time::sleep_until(last + pause) => {
                guarded("the reports of the workers", || state.poll());
                last = Instant::now();
            }
        }
    }
}

fn guarded(what: &str, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!("the control task panicked over {what}; it goes on");
    }
}

#[cfg(test)]
mod tests {
    use repute_model::Owners;
    use repute_policy::Config;

    use crate::{BoxInfo, Hub, HubError, Loaded};

    #[tokio::test]
    async fn a_job_that_panics_ends_alone() {
        let text = "[profiles.ingress]".to_owned();
        let checked = Config::parse("test", &text).unwrap();
        let loaded = Loaded { checked, name: "test".to_owned(), text };
        let hub = Hub::new(Vec::new(), Owners::Hash { workers: 1 }, loaded, BoxInfo::default());
        let failed = hub.run(|_| -> u32 { panic!("a mistake in a request") }).await;
        assert!(matches!(failed, Err(HubError::Gone)));
        assert_eq!(hub.status().await.unwrap().policy.version, 1);
    }
}
