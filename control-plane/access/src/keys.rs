//! API keys and one-purpose tokens: who holds one may do what it says, for as long and as often as it says.
//!
//! [`Access`](crate::Access) checks what requests present; the API and the command line issue, list and
//! revoke. The text is shown once and kept nowhere: the file has its SHA-256. A fast hash is enough because
//! the secret is 256 random bits, not a password: nobody can try them out, however fast the hash is, so
//! stretching (Argon2, bcrypt) would only cost time with every request.
//!
//! **Always holds:** what is in memory is what is in the file; a change that cannot be written does not
//! happen. A counted use is written before it is granted, so that no restart gives it back.

mod error;
mod file;
mod secret;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use repute_model::Source;
use rustls::crypto::aws_lc_rs;

use crate::clock::Clock;
use crate::role::Role;
pub use error::{KeyRefused, KeysError};
pub(crate) use secret::PREFIX;
pub use secret::{KeyId, Secret};

/// Most keys and tokens at a time; when there are so many, the next is refused until one is revoked or has
/// expired.
pub const KEYS_MAX: usize = 1024;
/// Longest label in characters.
pub const LABEL_MAX: usize = 100;

/// What a key or token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// Everything that the role may do.
    Role(Role),
    /// One thing.
    Purpose(Purpose),
}

/// The one thing that a token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Raise the score of this source, and of no other.
    Lift(Source),
}

/// What is known of a key; never its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyInfo {
    /// Its name: the part of the text that is no secret.
    pub id: KeyId,
    /// What it is good for.
    pub grant: Grant,
    /// What people call it.
    pub label: String,
    /// When it was issued, in whole seconds.
    pub created: SystemTime,
    /// From when on it is refused, in whole seconds; none = never.
    pub expires: Option<SystemTime>,
    /// How often it may still be used; none = without limit.
    pub uses_left: Option<NonZeroU32>,
}

/// What is kept of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record {
    info: KeyInfo,
    hash: [u8; 32],
}

/// A key as it is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKey {
    /// What it is to be good for.
    pub grant: Grant,
    /// What people call it: at most [`LABEL_MAX`] printable characters.
    pub label: String,
    /// From when on it is refused; none = never.
    pub expires: Option<SystemTime>,
    /// How often it may be used; none = without limit.
    pub uses: Option<NonZeroU32>,
}

/// All keys and tokens, and their file.
#[derive(Debug)]
pub struct Keys {
    /// None = there is no file, and so no key.
    path: Option<PathBuf>,
    clock: Clock,
    records: Mutex<BTreeMap<KeyId, Record>>,
}

impl Keys {
    /// Reads the file; one that is missing has no keys. It is made (mode 0600) when the first is issued.
    ///
    /// # Errors
    /// Unreadable, open to others, or with content that makes no sense.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, KeysError> {
        let records = Mutex::new(file::read(path)?);
        Ok(Self { path: Some(path.to_owned()), clock, records })
    }

    /// Nobody has a key, and none can be issued: there is nowhere to keep it.
    pub fn none() -> Self {
        Self { path: None, clock: Clock::system(), records: Mutex::default() }
    }

    fn write(&self, records: &BTreeMap<KeyId, Record>) -> Result<(), KeysError> {
        let path = self.path.as_ref().ok_or(KeysError::NoFile)?;
        Ok(file::write(path, records)?)
    }

    /// Makes a key and returns it with its text, which is not kept. Blocks on the disk. Expired ones make room.
    ///
    /// # Errors
    /// No room, an unusable label or time; a file that cannot be written. Nothing was issued then.
    pub fn issue(&self, wanted: NewKey) -> Result<(KeyInfo, Secret), KeysError> {
        let now = self.clock.now();
        if wanted.label.chars().count() > LABEL_MAX || wanted.label.chars().any(char::is_control) {
            return Err(KeysError::Label);
        }
        if wanted.expires.is_some_and(|expires| expires <= now) {
            return Err(KeysError::Expired);
        }
        let mut random = [0; 40];
        aws_lc_rs::default_provider().secure_random.fill(&mut random).map_err(|_| KeysError::Random)?;
        let (id, secret, hash) = secret::draw(&random);
        let whole = |at| crate::clock::from_unix_seconds(crate::clock::unix_seconds(at));
        let info = KeyInfo {
            id,
            grant: wanted.grant,
            label: wanted.label,
            created: whole(now),
            expires: wanted.expires.map(whole),
            uses_left: wanted.uses,
        };
        let mut records = self.lock();
        let mut changed = records.clone();
        changed.retain(|_, record| !record.info.is_expired(now));
        if changed.len() >= KEYS_MAX {
            return Err(KeysError::Full);
        }
        changed.insert(id, Record { info: info.clone(), hash });
        self.write(&changed)?;
        *records = changed;
        Ok((info, secret))
    }

    /// Takes a key back; false if there is none of this id. Blocks on the disk.
    ///
    /// # Errors
    /// The file cannot be written; the key is still good then.
    pub fn revoke(&self, id: KeyId) -> Result<bool, KeysError> {
        let mut records = self.lock();
        let mut changed = records.clone();
        if changed.remove(&id).is_none() {
            return Ok(false);
        }
        self.write(&changed)?;
        *records = changed;
        Ok(true)
    }

    /// All keys, by id, expired ones included.
    pub fn list(&self) -> Vec<KeyInfo> {
        self.lock().values().map(|record| record.info.clone()).collect()
    }

    /// Whose text this is. Uses are not counted yet.
    ///
    /// # Errors
    /// Nobody's, or its time is over.
    pub fn verify(&self, text: &str) -> Result<KeyInfo, KeyRefused> {
        let (id, hash) = secret::read(text).ok_or(KeyRefused::Form)?;
        let records = self.lock();
        let record = records.get(&id).filter(|record| secret::is_same(&record.hash, &hash));
        let info = &record.ok_or(KeyRefused::Unknown)?.info;
        if info.is_expired(self.clock.now()) {
            return Err(KeyRefused::Expired(id));
        }
        Ok(info.clone())
    }

    /// Counts one use, if uses of this key are counted; the last one removes it. Blocks on the disk then.
    ///
    /// # Errors
    /// It is gone by now, or the use cannot be written down.
    pub fn redeem(&self, id: KeyId) -> Result<(), KeyRefused> {
        let mut records = self.lock();
        let Some(left) = records.get(&id).ok_or(KeyRefused::Unknown)?.info.uses_left else { return Ok(()) };
        let mut changed = records.clone();
        match NonZeroU32::new(left.get() - 1) {
            None => drop(changed.remove(&id)),
            rest => {
                if let Some(record) = changed.get_mut(&id) {
                    record.info.uses_left = rest;
                }
            }
        }
        self.write(&changed).map_err(|error| KeyRefused::Unrecorded { id, error: Box::new(error) })?;
        *records = changed;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<KeyId, Record>> {
        // Changes are made whole or not at all, so a panic elsewhere leaves nothing half done.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyInfo {
    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lift(source) => write!(f, "lift {source}"),
        }
    }
}

impl FromStr for Purpose {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            Some(("lift", source)) => source.parse().map(Self::Lift).map_err(|error| format!("{error}")),
            _ => Err(format!("`{text}` is no purpose; expected `lift 192.0.2.7`")),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => role.fmt(f),
            Self::Purpose(purpose) => purpose.fmt(f),
        }
    }
}
