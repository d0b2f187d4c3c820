//! The worker's thread: pinned, named, known to DPDK.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{Builder, JoinHandle};

use anyhow::Context;
use core_affinity::CoreId;
use dpdk::{Cycles, Eal, Mbuf, WorkerThread};
use repute_engine::Worker;
use repute_policy::Idle;

use crate::capture::{self, Playing};
use crate::io::Queues;
use crate::live;

/// What moves into the thread.
pub struct Job {
    /// Proof that DPDK runs.
    pub eal: Eal,
    /// The engine.
    pub worker: Worker<Mbuf>,
    /// Its queues.
    pub queues: Queues,
    /// Its clock.
    pub cycles: Cycles,
    /// What to do when there is nothing to do.
    pub idle: Idle,
    /// Captures to play; `None` = the machine's clock.
    pub playing: Option<Playing>,
}

/// Starts the thread. It ends when `stop` is set, or, playing captures, with them; then `ended` is
/// notified.
///
/// # Errors
/// The thread cannot be created.
pub fn start(
    job: Job,
    core: CoreId,
    stop: Arc<AtomicBool>,
    ended: tokio::sync::oneshot::Sender<()>,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let body = move || {
        let outcome = run(job, core, &stop);
        // Nobody listens any more when the daemon is ending by itself.
        let _ = ended.send(());
        outcome
    };
    Builder::new().name("worker-0".to_owned()).spawn(body).context("cannot start the worker's thread")
}

fn run(job: Job, core: CoreId, stop: &AtomicBool) -> anyhow::Result<()> {
    if !core_affinity::set_for_current(core) {
        tracing::warn!("worker 0 could not be pinned to core {}; it runs where the kernel puts it", core.id);
    }
    let _registered = WorkerThread::register(&job.eal)?;
    let Job { worker, queues, cycles, idle, playing, .. } = job;
    match playing {
        None => live::run(worker, queues, cycles, idle, stop),
        Some(mut playing) => capture::run(worker, queues, cycles, &mut playing, stop),
    }
}
