//! The control thread: boots, serves, waits for signals, and draws the account.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow, bail, ensure};
use repute_engine::{Handle, Published, REPLAY_SEED, Worker, mailbox};
use repute_policy::{Checked, Config};
use repute_server::{
    ApplyRequest, BoxInfo, FIRST_VERSION, Hub, Loaded, ServeError, WorkerLink, default_socket, serve,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::{Clock, Run};
use crate::boot::{Booted, boot};
use crate::capture::Playing;
use crate::closing::Closing;
use crate::cores;
use crate::worker::{self, Job};

/// Slots of the command ring.
const COMMANDS: usize = 256;
/// Slots of the report ring.
const REPORTS: usize = 4096;

/// Boots and runs until a signal, or until the captures end.
///
/// # Errors
/// Mistakes in the config, whatever [`boot`] refuses, a socket that is taken, a worker that failed.
pub fn run(run: &Run) -> anyhow::Result<()> {
    let (checked, text) = load(&run.config)?;
    let socket = socket(run, &checked)?;
    let playing = playing(run)?;
    let topology = checked.topology();
    let core = cores::choose(topology.workers.cores.as_ref().and_then(|cores| cores.first().copied()))?;
    let booted = boot(&topology, run)?;
    let Booted { eal, ports, queues, wires, cycles, info } = booted;
    let published = Published::shared();
    let (mailbox, handle) = mailbox(COMMANDS, REPORTS);
    let policy = Box::new(checked.compile(FIRST_VERSION));
    let engine = Worker::new(policy, checked.limits(), seed(run)?, &wires, mailbox, Arc::clone(&published));
    let stop = Arc::new(AtomicBool::new(false));
    let (ended, end) = oneshot::channel();
    let job = Job { eal, worker: engine, queues, cycles, idle: topology.workers.idle, playing };
    let thread = worker::start(job, core, Arc::clone(&stop), ended)?;
    tracing::info!("worker 0 runs on core {}; {checked}", core.id);
    let loaded = Loaded { checked, name: run.config.display().to_string(), text };
    let outcome = control(run, &socket, loaded, info.clone(), handle, Arc::clone(&published), end);
    stop.store(true, Ordering::Relaxed);
    let worked = thread.join().map_err(|_| anyhow!("worker 0 panicked; see above"))?;
    let closing = Closing::new(&published.read(), &ports, &info.ports)?;
    closing.print();
    if let Some(path) = &run.account {
        closing.write(path)?;
    }
    for port in ports {
        port.close()?;
    }
    worked.and(outcome)
}

/// Serves the API and waits for what ends it.
fn control(
    run: &Run,
    socket: &Path,
    loaded: Loaded,
    info: BoxInfo,
    handle: Handle,
    published: Arc<Published>,
    end: oneshot::Receiver<()>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let hub = Hub::new(vec![WorkerLink { handle, published }], loaded, info);
        tokio::spawn(reload(hub.clone(), run.config.clone()));
        let (shut, shutdown) = oneshot::channel::<()>();
        let path = socket.to_owned();
        // A task of its own, so that not even its panic reaches the workers.
        let mut server = tokio::spawn(async move {
            let shutdown = async {
                // A sender that is gone is a shutdown as well.
                let _ = shutdown.await;
            };
            serve(hub, &path, shutdown).await
        });
        tracing::info!("API on {}", socket.display());
        let mut last = std::pin::pin!(last(run, end));
        tokio::select! {
            () = &mut last => {
                let _ = shut.send(());
                server.await?.map_err(anyhow::Error::from)
            }
            served = &mut server => {
                // Without a socket there was never an API: better not to start than to run unseen.
                if let Ok(Err(ServeError::Socket(error))) = served {
                    return Err(error.into());
                }
                tracing::error!("the API has ended: {served:?}; traffic goes on by the last policy");
                last.await;
                Ok(())
            }
        }
    })
}

/// Done when a signal says so, or when the captures have ended and nobody lingers.
async fn last(run: &Run, end: oneshot::Receiver<()>) {
    let signals = async {
        let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("signals cannot be watched; only SIGKILL ends this process");
            return std::future::pending().await;
        };
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    };
    let linger = run.linger;
    let ended = async {
        if end.await.is_err() || linger {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! { () = signals => {}, () = ended => {} }
}

/// SIGHUP: the config again, down the same road as the API.
async fn reload(hub: Hub, path: PathBuf) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return tracing::error!("SIGHUP cannot be watched; apply policies by the API");
    };
    while hangups.recv().await.is_some() {
        match reload_once(&hub, &path).await {
            Ok(version) => tracing::info!("{} is in force as version {version}", path.display()),
            Err(error) => tracing::error!("{} was not applied: {error:#}", path.display()),
        }
    }
}

async fn reload_once(hub: &Hub, path: &Path) -> anyhow::Result<u64> {
    let text = read(path)?;
    let request = ApplyRequest {
        text,
        name: path.display().to_string(),
        who: "SIGHUP".to_owned(),
        expected_version: None,
        confirm_within: None,
    };
    Ok(hub.apply(request).await?.version)
}

fn load(path: &Path) -> anyhow::Result<(Checked, String)> {
    let text = read(path)?;
    match Config::parse(&path.display().to_string(), &text) {
        Ok(checked) => Ok((checked, text)),
        Err(mistakes) => bail!("{mistakes}"),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))
}

fn playing(run: &Run) -> anyhow::Result<Option<Playing>> {
    let Clock::Capture(speed) = run.clock else {
        ensure!(
            run.packets.is_none(),
            "--packets needs --clock capture: live traffic is too fast to write down"
        );
        ensure!(!run.linger, "--linger needs --clock capture: live traffic does not end");
        return Ok(None);
    };
    let create = |path: &PathBuf| {
        File::create(path).map(BufWriter::new).with_context(|| format!("{}: cannot create", path.display()))
    };
    Ok(Some(Playing { speed, packets: run.packets.as_ref().map(create).transpose()?, linger: run.linger }))
}

/// A key that nobody outside can guess, or the one that was asked for.
fn seed(run: &Run) -> anyhow::Result<u64> {
    match (run.seed, run.clock) {
        (Some(seed), _) => Ok(seed),
        (None, Clock::Capture(_)) => Ok(REPLAY_SEED),
        (None, Clock::Real) => {
            let mut bytes = [0; 8];
            std::io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut bytes)?;
            Ok(u64::from_le_bytes(bytes))
        }
    }
}

/// Where the API listens; its directory is created.
fn socket(run: &Run, checked: &Checked) -> anyhow::Result<PathBuf> {
    let configured = checked.config().api.socket.as_ref().map(|text| PathBuf::from(text.as_str()));
    let path = run.socket.clone().or(configured).or_else(default_socket);
    let path = path.context("neither root nor XDG_RUNTIME_DIR: say --socket PATH for the API")?;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory).with_context(|| {
            format!(
                "{}: cannot create the socket's directory; choose another by --socket",
                directory.display()
            )
        })?;
    }
    Ok(path)
}
