//! Why a refresh brought nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::refusal::Refusal;

/// A refresh that failed; the last good import stays in force.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// What came is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A file cannot be read.
    #[error("feed `{feed}`: {}: {error}; check the path and its permissions", .path.display())]
    File {
        /// The feed's name.
        feed: String,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file was written to while it was read.
    #[error(
        "feed `{feed}`: {} changed while it was read; write it under another name and rename it", .path.display()
    )]
    Changed {
        /// The feed's name.
        feed: String,
        /// Which file.
        path: PathBuf,
    },
    /// The server said no.
    #[error("feed `{feed}`: {url} answered {status}{hint}")]
    Status {
        /// The feed's name.
        feed: String,
        /// What was asked.
        url: String,
        /// The status code (RFC 9110).
        status: u16,
        /// What that usually means.
        hint: &'static str,
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// There was no whole answer.
    #[error("feed `{feed}`: {url}: {what}; the network, the URL, or the publisher's server")]
    Http {
        /// The feed's name.
        feed: String,
        /// What was asked.
        url: String,
        /// The error with its causes.
        what: String,
    },
    /// It took too long.
    #[error("feed `{feed}`: no whole answer within {} s; raise `timeout`, or ask a nearer mirror", .after.as_secs())]
    Timeout {
        /// The feed's name.
        feed: String,
        /// The limit.
        after: Duration,
    },
    /// The answer is too long.
    #[error("feed `{feed}`: {url} sends more than {max} bytes; raise `bytes_max` if that is right")]
    TooLong {
        /// The feed's name.
        feed: String,
        /// What was asked.
        url: String,
        /// The limit.
        max: u64,
    },
    /// A server that turns pages without end.
    #[error("feed `{feed}`: {url} gives more than {max} pages; choose a smaller collection")]
    Pages {
        /// The feed's name.
        feed: String,
        /// What was asked.
        url: String,
        /// The limit.
        max: usize,
    },
    /// A header cannot be sent.
    #[error(
        "feed `{feed}`: header `{name}` has a value that cannot be sent; look for line ends or control characters"
    )]
    Header {
        /// The feed's name.
        feed: String,
        /// Which one.
        name: String,
    },
    /// The importer did not come to an end.
    #[error(
        "feed `{feed}`: the importer stopped: {error}; this is a mistake of this program, please report it"
    )]
    Stopped {
        /// The feed's name.
        feed: String,
        /// How it ended.
        error: tokio::task::JoinError,
    },
    /// The feed is one that is brought.
    #[error("feed `{0}` is pushed: nobody can be asked for it; send it through the API")]
    Pushed(String),
}

impl FetchError {
    /// How long the publisher wants to be left alone, if he said so.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
    }
}
