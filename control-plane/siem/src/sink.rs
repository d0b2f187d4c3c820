//! Where events go: a file, or a syslog receiver over UDP, TCP or TLS.
//!
//! Each sink reads a subscription of its own and reports on itself through the bus: once when it begins to fail,
//! once when it delivers again. **Always holds:** a sink that hangs or fails holds up nobody else; what it could
//! not deliver is counted.

mod file;
mod link;
mod syslog;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;

use crate::bus::{Bus, Subscription, TooManySubscriptions, WeakBus};
use crate::event::{Event, Severity, SinkFailed, SinkRecovered, What};
use crate::format::Format;

use link::Way;
pub use tls::{Identity, TlsConfig, TlsError};

/// One sink.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkConfig {
    /// What events and status call it.
    pub name: String,
    /// Where it writes to.
    pub target: Target,
    /// How it writes events down.
    #[serde(default)]
    pub format: Format,
    /// The least severity that it takes.
    #[serde(default)]
    pub least: Severity,
    /// The kinds that it takes; empty = all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Events that may wait for it, 1 to [`crate::QUEUE_MAX`]; what comes when it is full is lost and counted.
    #[serde(default = "queue_default")]
    pub queue: usize,
}

/// Where a sink writes to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Target {
    /// One event a line.
    File {
        /// The file; rotated ones are called `PATH.1` (the latest), `PATH.2` and so on.
        path: PathBuf,
        /// Size in bytes from which it is rotated; at least one event is written.
        #[serde(default = "file_bytes_default")]
        max_bytes: u64,
        /// How many rotated files are kept; 0 = none.
        #[serde(default = "keep_default")]
        keep: u32,
    },
    /// One RFC 5424 message a datagram (RFC 5426).
    Udp {
        /// `host:port`.
        to: String,
        /// 0 to 23; 16 to 23 are local0 to local7.
        #[serde(default = "facility_default")]
        facility: u8,
        /// Largest message in bytes, at most 65 507. Longer texts are cut; other formats are lost.
        #[serde(default = "datagram_default")]
        max_bytes: usize,
    },
    /// RFC 5424 messages over TCP, octet-counted (RFC 6587).
    Tcp {
        /// `host:port`.
        to: String,
        /// As for UDP.
        #[serde(default = "facility_default")]
        facility: u8,
    },
    /// RFC 5424 messages over TLS (RFC 5425).
    Tls {
        /// `host:port`; the host is checked against the receiver's certificate.
        to: String,
        /// As for UDP.
        #[serde(default = "facility_default")]
        facility: u8,
        /// Whom to trust, and who we are.
        #[serde(flatten)]
        tls: TlsConfig,
    },
}

const fn queue_default() -> usize {
    4096
}

const fn file_bytes_default() -> u64 {
    64 << 20
}

const fn keep_default() -> u32 {
    5
}

const fn facility_default() -> u8 {
    16
}

/// Every receiver should take so much (RFC 5426, 3.2).
const fn datagram_default() -> usize {
    2048
}

/// Why a sink cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A kind that no event has.
    #[error("sink {sink}: there is no event `{kind}`; kinds are {}", What::KINDS.join(", "))]
    Kind {
        /// Its name.
        sink: String,
        /// The word.
        kind: String,
    },
    /// Certificates or keys.
    #[error("sink {sink}: {error}")]
    Tls {
        /// Its name.
        sink: String,
        /// What is wrong with them.
        error: TlsError,
    },
    /// Too many sinks and streams.
    #[error(transparent)]
    TooMany(#[from] TooManySubscriptions),
}

/// A running sink. Dropping it ends the sink; events in its queue are given up.
#[derive(Debug)]
pub struct Sink {
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// What a sink and its handle share.
#[derive(Debug, Default)]
struct Shared {
    reopen: AtomicBool,
    delivered: AtomicU64,
    lost: AtomicU64,
}

/// How a sink is doing, beside what [`Bus::status`] says about its queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SinkCounts {
    /// Events written or sent.
    pub delivered: u64,
    /// Events taken from the queue that could not be written or sent.
    pub lost: u64,
}

impl Sink {
    /// Starts a sink on the tokio runtime that this is called in.
    ///
    /// # Errors
    /// The config names what does not exist; the bus has no room. A receiver or disk that does not work is no
    /// error: the sink reports it and goes on trying.
    pub fn start(bus: &Bus, config: SinkConfig) -> Result<Self, SinkError> {
        if let Some(kind) = config.kinds.iter().find(|kind| !What::KINDS.contains(&kind.as_str())) {
            return Err(SinkError::Kind { sink: config.name, kind: kind.clone() });
        }
        let shared = Arc::<Shared>::default();
        let writer = Writer::new(&config)?;
        let feed = Feed {
            subscription: bus.subscribe(&config.name, config.queue)?,
            bus: bus.downgrade(),
            shared: Arc::clone(&shared),
            failing: None,
            config,
        };
        let task = match writer {
            Writer::File(log) => tokio::spawn(file::run(feed, log)),
            Writer::Syslog(sender) => tokio::spawn(sender.run(feed)),
        };
        let task = task.abort_handle();
        Ok(Self { shared, task })
    }

    /// Opens the file anew with the next event: for `logrotate` and SIGHUP. Nothing to do for network sinks.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Relaxed);
    }

    /// How it is doing.
    pub fn counts(&self) -> SinkCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SinkCounts { delivered: get(&self.shared.delivered), lost: get(&self.shared.lost) }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What does the work of a target.
enum Writer {
    File(file::Log),
    Syslog(syslog::Sender),
}

impl Writer {
    fn new(config: &SinkConfig) -> Result<Self, SinkError> {
        use syslog::{DATAGRAM_MAX, FRAME_MAX, Sender};
        Ok(match &config.target {
            Target::File { path, max_bytes, keep } => {
                Self::File(file::Log::new(path.clone(), *max_bytes, *keep))
            }
            Target::Udp { to, facility, max_bytes } => {
                Self::Syslog(Sender::new(to, Way::Udp, *facility, (*max_bytes).min(DATAGRAM_MAX)))
            }
            Target::Tcp { to, facility } => Self::Syslog(Sender::new(to, Way::Tcp, *facility, FRAME_MAX)),
            Target::Tls { to, facility, tls } => {
                let failed = |error| SinkError::Tls { sink: config.name.clone(), error };
                let way = Way::Tls(Box::new(tls::connector(tls, to).map_err(failed)?));
                Self::Syslog(Sender::new(to, way, *facility, FRAME_MAX))
            }
        })
    }
}

/// A sink's end of the bus.
#[derive(Debug)]
struct Feed {
    subscription: Subscription,
    bus: WeakBus,
    shared: Arc<Shared>,
    /// Events lost since it began to fail.
    failing: Option<u64>,
    config: SinkConfig,
}

impl Feed {
    fn wants(&self, event: &Event) -> bool {
        let SinkConfig { least, kinds, .. } = &self.config;
        event.severity >= *least && (kinds.is_empty() || kinds.iter().any(|kind| kind == event.what.kind()))
    }

    /// An event was delivered.
    fn delivered(&mut self) {
        self.shared.delivered.fetch_add(1, Ordering::Relaxed);
        self.works();
    }

    /// The sink works (again).
    fn works(&mut self) {
        if let Some(lost) = self.failing.take() {
            self.bus.publish(SinkRecovered { sink: self.config.name.clone(), lost });
        }
    }

    /// An event was lost. Whether the sink works is not touched.
    fn lost(&mut self) {
        self.shared.lost.fetch_add(1, Ordering::Relaxed);
        self.failing = self.failing.map(|lost| lost + 1);
    }

    /// The sink does not work; said once until it does.
    fn fails(&mut self, reason: &dyn std::fmt::Display) {
        if self.failing.is_none() {
            self.failing = Some(0);
            self.bus.publish(SinkFailed { sink: self.config.name.clone(), reason: reason.to_string() });
        }
    }
}
