//! What can be wrong with keys, with the way out.

use std::path::PathBuf;

use super::{KEYS_MAX, KeyId, LABEL_MAX};
use crate::files::FileError;

/// Why keys cannot be read, issued or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others could read it.
    #[error("{}: others may use it (mode {mode:03o}); `chmod 600` it, and issue new keys if anybody did", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// The bits for group and others.
        mode: u32,
    },
    /// Its content makes no sense.
    #[error("{}: {why}; correct it, or move it away and issue new keys", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with its place.
        why: String,
    },
    /// Nowhere to keep them.
    #[error("this box keeps no keys: name a file for them (`[api] keys`) and restart reputed")]
    NoFile,
    /// Too many.
    #[error("there are {KEYS_MAX} keys already; revoke one first")]
    Full,
    /// An unusable label.
    #[error("a label has at most {LABEL_MAX} printable characters")]
    Label,
    /// It would be dead from the start.
    #[error("the key would have expired before it was issued; name a time in the future")]
    Expired,
    /// No randomness.
    #[error("the system gives no random numbers; nothing was issued")]
    Random,
}

/// Why a key is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    /// Not the form of a key.
    #[error("this is no key of a repute box; keys look like `rpt_…_…`")]
    Form,
    /// Unknown, revoked or used up: not told apart, so that nobody learns which ids exist.
    #[error("this key is not known here; it may have been revoked or used up: ask an admin for another")]
    Unknown,
    /// Its time is over.
    #[error("key {0} has expired; ask an admin for another")]
    Expired(KeyId),
    /// The use could not be written down.
    #[error("the use of key {id} could not be recorded, so it was not granted: {error}")]
    Unrecorded {
        /// Which key.
        id: KeyId,
        /// Why.
        error: Box<KeysError>,
    },
}
