//! Where alerts come in: a growing file, a unix socket, syslog over UDP and TCP.
//!
//! The daemon starts inputs and reads one bounded channel of [`Received`] alerts. **Always holds:** an input that is
//! flooded, or read too slowly, slows its own sender down where the transport can (file, streams) and counts what
//! it drops where it cannot (datagrams); memory is bounded by connections and record size.

mod clients;
mod counts;
mod file;
mod frames;
mod output;
mod syslog;
mod tail;
mod unix;

use std::sync::Arc;

use tokio::task::AbortHandle;

use crate::alert::Alert;

pub(crate) use counts::Counts;
pub use counts::IntakeCounts;
pub use file::{FileConfig, FileInput};
pub(crate) use output::Output;
pub use syslog::SyslogConfig;
pub use tail::Position;
pub use unix::{UnixConfig, UnixKind};

/// Alerts that the daemon's channel should hold.
pub const RECEIVED_MAX: usize = 4096;

/// An alert and the input it came through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// The input's name.
    pub input: Arc<str>,
    /// The alert.
    pub alert: Alert,
}

/// Why an input cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The socket cannot be opened.
    #[error("input {input}: cannot listen on {at}: {error}")]
    Listen {
        /// Its name.
        input: String,
        /// Address or path.
        at: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// A path that holds something else than a socket of ours.
    #[error("input {input}: {at} exists and is {what}; remove it or choose another path")]
    Occupied {
        /// Its name.
        input: String,
        /// The path.
        at: String,
        /// What is there.
        what: &'static str,
    },
}

/// A running input. Dropping it ends the input and its connections.
#[derive(Debug)]
pub struct Input {
    counts: Arc<Counts>,
    tasks: Vec<AbortHandle>,
    /// Where a listener listens, as it was bound.
    address: Option<std::net::SocketAddr>,
}

impl Input {
    /// What came in so far.
    pub fn counts(&self) -> IntakeCounts {
        self.counts.get()
    }

    /// The address that a syslog input listens on: the port is known even where the config says 0.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.address
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
