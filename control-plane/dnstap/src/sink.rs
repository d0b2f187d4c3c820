//! The sink: one task that drains the taps of all workers into one connection.
//!
//! Always holds: what is read from a ring is written or counted as lost with the connection that it was meant for; a turn takes a
//! bounded number of messages; nobody waits for a receiver longer than [`PATIENCE`].

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use repute_model::Tapped;
use rtrb::Consumer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::frames::{Control, FrameError, control, data, expect};
use crate::record::{Role, Sender};
use crate::wall::Wall;

/// Between two looks at the rings.
const TURN: Duration = Duration::from_millis(10);
/// Messages taken from one ring in a turn at most.
const AT_ONCE: usize = 256;
/// How long a receiver may take for a step of the handshake, or to take what a turn has.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long is waited before it is tried again, at first and at most.
const AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// Where a receiver listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A unix socket.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(to) => to.fmt(f),
        }
    }
}

/// How the sink works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SinkConfig {
    /// Where to.
    pub target: Target,
    /// What the box is called there.
    pub identity: String,
    /// Program and version.
    pub version: String,
    /// What the server behind the box is.
    pub role: Role,
}

/// What has happened since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Messages that the receiver's connection took.
    pub sent: u64,
    /// Messages that were lost with a connection.
    pub lost: u64,
    /// Connections that were agreed on.
    pub connected: u64,
}

#[derive(Debug, Default)]
struct Tally {
    sent: AtomicU64,
    lost: AtomicU64,
    connected: AtomicU64,
    /// The task has come to its end.
    done: Notify,
}

/// A sink at work. Dropping it ends it without a word; see [`Sink::stop`].
#[derive(Debug)]
pub struct Sink {
    tally: Arc<Tally>,
    end: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sink {
    /// Begins to drain these rings, one a worker. To be called on a tokio runtime.
    pub fn start(config: SinkConfig, rings: Vec<Consumer<Tapped>>) -> Self {
        let (end, ending) = watch::channel(false);
        let tally = Arc::<Tally>::default();
        let SinkConfig { target, identity, version, role } = config;
        let sender = Sender { identity: identity.into_bytes(), version: version.into_bytes(), role };
        let taps = rings.into_iter().map(|ring| (ring, Wall::default())).collect();
        let pump = Pump { sender, taps, frames: Vec::new(), waiting: 0, tally: Arc::clone(&tally), ending };
        let ended = Arc::clone(&tally);
        let task = tokio::spawn(async move {
            pump.run(target).await;
            ended.done.notify_one();
        });
        Self { tally, end, task }
    }

    /// What has happened since the start.
    pub fn counts(&self) -> Counts {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let Tally { sent, lost, connected, .. } = &*self.tally;
        Counts { sent: count(sent), lost: count(lost), connected: count(connected) }
    }

    /// Sends what is left, says that this is the end, and waits for the receiver to say so too, for at most `within`.
    pub async fn stop(&self, within: Duration) {
        self.end.send_replace(true);
        if timeout(within, self.tally.done.notified()).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Both directions of a connection.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

struct Pump {
    sender: Sender,
    taps: Vec<(Consumer<Tapped>, Wall)>,
    /// Frames that are being written, and how many.
    frames: Vec<u8>,
    waiting: u64,
    tally: Arc<Tally>,
    ending: watch::Receiver<bool>,
}

impl Pump {
    /// Connects, pumps, and connects again, until the end.
    async fn run(mut self, target: Target) {
        let mut wait = AGAIN[0];
        let mut silent = false;
        while !*self.ending.borrow() {
            match self.serve(&target).await {
                Ok(()) => return,
                Err(error) => {
                    if self.waiting > 0 {
                        self.tally.lost.fetch_add(std::mem::take(&mut self.waiting), Ordering::Relaxed);
                        (wait, silent) = (AGAIN[0], false);
                    }
                    if !silent {
                        tracing::warn!("dnstap to {target}: {error}; it is tried again");
                    }
                    silent = true;
                }
            }
            tokio::select! {
                () = sleep(wait) => wait = (wait * 2).min(AGAIN[1]),
                _ = self.ending.changed() => {}
            }
        }
    }

    /// One connection, from its first byte to its last.
    async fn serve(&mut self, target: &Target) -> Result<(), FrameError> {
        let mut stream = within(connect(target)).await?;
        within(stream.write_all(&control(Control::Ready))).await?;
        patient(expect(Control::Accept, &mut stream)).await?;
        within(stream.write_all(&control(Control::Start))).await?;
        self.tally.connected.fetch_add(1, Ordering::Relaxed);
        tracing::info!("dnstap to {target}");
        let mut turn = interval(TURN);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ends = tokio::select! {
                _ = turn.tick() => false,
                _ = self.ending.changed() => true,
            };
            self.collect(SystemTime::now());
            if !self.frames.is_empty() {
                within(stream.write_all(&self.frames)).await?;
                self.tally.sent.fetch_add(std::mem::take(&mut self.waiting), Ordering::Relaxed);
            }
            if ends {
                within(stream.write_all(&control(Control::Stop))).await?;
                return patient(expect(Control::Finish, &mut stream)).await;
            }
        }
    }

    /// Makes frames of what waits in the rings, a bounded number.
    fn collect(&mut self, now: SystemTime) {
        self.frames.clear();
        for (ring, wall) in &mut self.taps {
            for _ in 0..AT_ONCE {
                let Ok(tapped) = ring.pop() else { break };
                data(&self.sender.record(&tapped, wall.time(tapped.at, now)), &mut self.frames);
                self.waiting += 1;
            }
        }
    }
}

async fn connect(target: &Target) -> io::Result<Box<dyn Stream>> {
    Ok(match target {
        Target::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Target::Tcp(to) => Box::new(TcpStream::connect(to.as_str()).await?),
    })
}

async fn within<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, FrameError> {
    patient(async { Ok(step.await?) }).await
}

async fn patient<T>(step: impl Future<Output = Result<T, FrameError>>) -> Result<T, FrameError> {
    timeout(PATIENCE, step).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
