//! What goes wrong inside a transaction, before it is known which file it was about.
//!
//! Used by every table's code; [`crate::Store`] turns faults into errors that name the file, and decides by
//! [`Fault::spoils`] whether the file has to be opened anew.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};
use rustix::io::Errno;

use crate::StoreError;

/// One failure.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What redb returned.
    Redb(Box<redb::Error>),
    /// redb panicked.
    Panic(String),
    /// A row is not what it should be.
    Damaged(String),
    /// An error that names its place already.
    Other(StoreError),
}

macro_rules! from_redb {
    ($($error:ty),+) => {
        $(impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Redb(Box::new(error.into()))
            }
        })+
    };
}
from_redb!(CommitError, DatabaseError, StorageError, TableError, TransactionError);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Other(error)
    }
}

impl Fault {
    /// Runs what reads a file that may hold anything. redb promises errors, and asserts in debug builds; a panic of
    /// its own is damage like any other.
    pub fn contain<R>(work: impl FnOnce() -> Result<R, Self>) -> Result<R, Self> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Self::Panic(words_of(&*panic))))
    }

    /// Whether the open file is of no use any more.
    pub fn spoils(&self) -> bool {
        match self {
            Self::Redb(error) => matches!(
                **error,
                redb::Error::Io(_)
                    | redb::Error::PreviousIo
                    | redb::Error::Corrupted(_)
                    | redb::Error::LockPoisoned(_)
            ),
            Self::Panic(_) => true,
            Self::Damaged(_) | Self::Other(_) => false,
        }
    }

    /// Whether the file itself is wrong, rather than the machine around it. `None` = it is not.
    pub fn damage(&self) -> Option<String> {
        match self {
            Self::Panic(what) | Self::Damaged(what) => Some(what.clone()),
            Self::Other(_) => None,
            Self::Redb(error) => match &**error {
                redb::Error::Io(cause) if is_content(cause) => Some(cause.to_string()),
                redb::Error::Io(_) | redb::Error::DatabaseAlreadyOpen | redb::Error::DatabaseClosed => None,
                other => Some(other.to_string()),
            },
        }
    }

    /// The error for callers.
    pub fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Other(error) => error,
            Self::Panic(what) | Self::Damaged(what) => StoreError::Damaged { path, what },
            Self::Redb(error) => match *error {
                redb::Error::Io(cause) if is_full(&cause) => StoreError::Full { path, cause },
                redb::Error::Io(cause) => StoreError::Io { path, cause },
                redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                    StoreError::Io { path, cause: io::Error::other("it failed before and was closed") }
                }
                redb::Error::Corrupted(what) => StoreError::Damaged { path, what },
                other => StoreError::Refused { path, what: other.to_string() },
            },
        }
    }
}

/// Whether the error speaks of the content: too short, or not what it should be.
fn is_content(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn is_full(cause: &io::Error) -> bool {
    let codes = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG];
    cause.kind() == io::ErrorKind::StorageFull
        || codes.iter().any(|code| cause.raw_os_error() == Some(code.raw_os_error()))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "redb panicked without a word".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_fault(cause: io::Error) -> Fault {
        StorageError::Io(cause).into()
    }

    #[test]
    fn a_full_disk_is_no_damage() {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            let fault = io_fault(errno.into());
            assert!(fault.spoils() && fault.damage().is_none());
            assert!(matches!(fault.at(Path::new("state.redb")), StoreError::Full { .. }));
        }
    }

    #[test]
    fn a_short_file_is_damage_and_a_failing_disk_is_not() {
        assert!(io_fault(io::ErrorKind::UnexpectedEof.into()).damage().is_some());
        assert!(io_fault(Errno::IO.into()).damage().is_none());
        assert!(matches!(io_fault(Errno::IO.into()).at(Path::new("x")), StoreError::Io { .. }));
    }

    #[test]
    fn a_panic_is_damage() {
        let fault = Fault::contain::<()>(|| std::panic::resume_unwind(Box::new("a page points nowhere")));
        assert_eq!(fault.unwrap_err().damage().unwrap(), "a page points nowhere");
    }
}
