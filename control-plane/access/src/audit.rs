//! Who did what: an append-only log of every change, one JSON object a line, chained by SHA-256.
//!
//! Services call [`Audit::record`] after every change and every refused one; `repute audit verify` and tests
//! call [`verify`] and [`verify_all`].
//!
//! ```text
//! {"seq":7,"at":"2026-11-29T08:00:00.125Z","who":"spiffe://example.org/operator/alice","role":"operator",
//!  "via":"tls 192.0.2.9:40112 spiffe://…","method":"/repute.v1.Scores/Nudge","object":"192.0.2.7",
//!  "before":"score 3100","after":"score 5100","policy":"9f2c…","outcome":"done",
//!  "prev":"<hash of line 6>","hash":"<SHA-256 of this line up to here>"}
//! ```
//!
//! The chain shows a change to any byte of any line, and a line that was taken out or put in. It has no key, so
//! it does not show that somebody wrote all of it anew or cut lines off its end: keep [`Audit::head`] elsewhere
//! (syslog, the ledger) and compare it with what [`verify`] returns.
//!
//! **Always holds:** an entry is on the disk (fsync) when `record` returns, or else it is counted as failed
//! and is in the daemon's own log as an error. **The change itself goes on:** a full disk must not stop an
//! operator from lifting a block; the next entry that can be written says how many were lost. Keys and
//! private keys never get into it.

mod entry;
mod redact;
mod rotation;
mod verify;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Transport};
use crate::clock::Clock;
use crate::files::FileError;
use crate::identity::Identity;
pub use verify::{Broken, Flaw, Verified, verify, verify_all};
use writer::Writer;

/// Longest `object` and reason in bytes; the rest is cut off and its length said.
pub const OBJECT_MAX: usize = 512;
/// Longest `before` and `after` in bytes; the rest is cut off and its length said.
pub const VALUE_MAX: usize = 4096;

/// Where the log is and how large it may get.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// The file; default `/var/lib/repute/audit.jsonl`. Older ones lie beside it, named by the number of
    /// their first entry.
    pub path: PathBuf,
    /// Its largest size in bytes; then it is put aside and another begun. Default 64 MiB, at least 1 MiB.
    pub bytes_max: u64,
    /// How many older ones are kept; then the oldest goes. Default 16.
    pub keep: usize,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { path: "/var/lib/repute/audit.jsonl".into(), bytes_max: 64 << 20, keep: 16 }
    }
}

/// Who changed something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// Somebody through the API.
    Caller(Caller),
    /// Somebody who was kept from it.
    Refused {
        /// Who it is, as far as they can show.
        identity: Identity,
        /// By which way they came.
        transport: Transport,
    },
    /// The box by itself: a policy that was not confirmed in time, a lease that ran out, SIGHUP.
    Itself,
}

/// What became of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is in force.
    Done,
    /// It was not allowed or not valid.
    Refused(String),
    /// It was tried and did not work.
    Failed(String),
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Who.
    pub who: Who,
    /// The method's path, or what the box calls it (`rollback`).
    pub method: String,
    /// What was changed: a source, a policy version, a feed, a key's id.
    pub object: String,
    /// As it was.
    pub before: Option<String>,
    /// As it is now.
    pub after: Option<String>,
    /// Digest of the policy in force.
    pub policy: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Why the log cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody else writes it.
    #[error("{}: another process writes it; stop that one, or name another file", .0.display())]
    Taken(PathBuf),
    /// Too small.
    #[error("`bytes_max` is {0}; expected at least 1048576")]
    Size(u64),
    /// The entry cannot be put into words.
    #[error("the entry cannot be encoded: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Entries since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AuditCounts {
    /// On the disk.
    pub written: u64,
    /// Lost: the disk was full or gone. Worth an alert.
    pub failed: u64,
}

/// The log.
#[derive(Debug)]
pub struct Audit {
    clock: Clock,
    writer: Mutex<Writer>,
    written: AtomicU64,
    failed: AtomicU64,
}

impl Audit {
    /// Opens the log and goes on with its chain; makes it (mode 0600) if it is missing. Blocks on the disk.
    ///
    /// A last line that a crash left unfinished is taken out. A last line that is damaged puts the whole file
    /// aside (`….damaged-SECONDS`) and begins a new chain. Both are the first entry of what follows.
    ///
    /// # Errors
    /// The file cannot be opened or read, or another process has it.
    pub fn open(config: AuditConfig, clock: Clock) -> Result<Arc<Self>, AuditError> {
        if config.bytes_max < 1 << 20 {
            return Err(AuditError::Size(config.bytes_max));
        }
        let (writer, found) = Writer::open(config, clock.now())?;
        let audit =
            Self { clock, writer: Mutex::new(writer), written: AtomicU64::new(0), failed: AtomicU64::new(0) };
        if let Some(found) = found {
            tracing::error!("audit log: {found}");
            audit.append(&Change {
                who: Who::Itself,
                method: "audit".to_owned(),
                object: found,
                before: None,
                after: None,
                policy: None,
                outcome: Outcome::Done,
            });
        }
        Ok(Arc::new(audit))
    }

    /// Writes one entry, off this thread, and returns when it is on the disk or has failed.
    pub async fn record(self: &Arc<Self>, change: Change) {
        let audit = Arc::clone(self);
        // A panic there is counted by nobody, but there is nothing in it that panics.
        let _ = tokio::task::spawn_blocking(move || audit.append(&change)).await;
    }

    /// The same on this thread. Blocks on the disk.
    pub fn append(&self, change: &Change) {
        match self.lock().append(change, self.clock.now()) {
            Ok(()) => {
                self.written.fetch_add(1, Ordering::Relaxed);
            }
            Err(lost) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(error = %lost.error, entry = lost.entry, "an entry of the audit log is lost");
            }
        }
    }

    /// Number and hash of the last entry: to be kept elsewhere and compared with [`verify`].
    pub fn head(&self) -> (u64, String) {
        self.lock().head()
    }

    /// Entries since the start.
    pub fn counts(&self) -> AuditCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        AuditCounts { written: read(&self.written), failed: read(&self.failed) }
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
