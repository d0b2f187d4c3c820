//! Why the store did not do what it was asked, with the way out.

use std::io;
use std::path::PathBuf;

/// Any failure of the store. Nothing of it stops the box: it goes on without what could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made or used.
    #[error(
        "{}: {cause}; the folder must exist and be writable for reputed (`StateDirectory=` of its unit makes it)",
        path.display()
    )]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process has the store open.
    #[error(
        "{}: held by {}; two daemons cannot share one store: stop the other one or name another folder",
        path.display(),
        holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where that can be told.
        holder: Option<u32>,
    },
    /// The file was written by another release and cannot be read by this one.
    #[error(
        "{}: format {found}, this release knows {known}; start the release that wrote it, or move the file away to \
         begin with an empty store",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The format of this release.
        known: u64,
    },
    /// There is no room: the disk, a quota or [`crate::Limits::file_bytes`]. Nothing was changed; the next call tries
    /// again.
    #[error(
        "{}: no room ({cause}); what was stored before is intact and the next write tries again: free space on the \
         disk or raise the limit",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The system failed to read or write. The next call opens the file anew and tries again.
    #[error("{}: {cause}; the next call opens the file anew: look at the disk (`dmesg`)", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// What is stored does not match its checksum or makes no sense.
    #[error("{}: damaged ({what}); a restart sets the file aside if it cannot be trusted", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// More than the store keeps. Nothing was changed.
    #[error("{what}: {found} is more than the {max} that the store keeps; {way_out}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there would be.
        found: u64,
        /// How many there may be.
        max: u64,
        /// What can be done.
        way_out: &'static str,
    },
    /// A round was given up: a later one has begun or finished.
    #[error("round {0} of snapshots is over: another one has begun since; begin a new round")]
    RoundOver(u64),
    /// What redb says that none of the above is.
    #[error("{}: {what}; nothing was changed", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What redb said.
        what: String,
    },
}
