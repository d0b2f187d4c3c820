//! The file of keys: TOML, mode 0600, replaced whole.
//!
//! ```toml
//! version = 1
//! [[key]]
//! id = "00f1…"             # 16 digits
//! sha256 = "9c1e…"         # of the secret; 64 digits
//! role = "operator"        # or purpose = "lift 192.0.2.7"
//! label = "dashboard"
//! created = 1764403200     # seconds since 1970
//! expires = 1795939200     # absent = never
//! uses_left = 3            # absent = without limit
//! ```

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Grant, KEYS_MAX, KeyId, KeyInfo, KeysError, LABEL_MAX, Record};
use crate::clock::{from_unix_seconds, unix_seconds};
use crate::files::{self, FileError};
use crate::hex;
use crate::role::Role;

/// The only version there is.
const VERSION: u32 = 1;
/// Largest file in bytes: [`KEYS_MAX`] keys with the longest labels are below.
const FILE_MAX: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    #[serde(default, rename = "key")]
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    sha256: String,
    role: Option<Role>,
    purpose: Option<String>,
    #[serde(default)]
    label: String,
    created: u64,
    expires: Option<u64>,
    uses_left: Option<NonZeroU32>,
}

/// All keys of the file; none if it is missing.
pub(super) fn read(path: &Path) -> Result<BTreeMap<KeyId, Record>, KeysError> {
    let wrong = |why: String| KeysError::Content { path: path.to_owned(), why };
    match files::others_may(path) {
        Ok(0) => {}
        Ok(mode) => return Err(KeysError::Exposed { path: path.to_owned(), mode }),
        Err(FileError { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(error.into()),
    }
    let bytes = files::read_bounded(path, FILE_MAX)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| wrong(error.to_string()))?;
    let stored: Stored = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if stored.version != VERSION {
        return Err(wrong(format!("version {}, and only {VERSION} is known", stored.version)));
    }
    if stored.keys.len() > KEYS_MAX {
        return Err(wrong(format!("{} keys, at most {KEYS_MAX}", stored.keys.len())));
    }
    let mut records = BTreeMap::new();
    for (number, key) in (1..).zip(stored.keys) {
        let record = key.record().map_err(|why| wrong(format!("key {number}: {why}")))?;
        if let Some(twice) = records.insert(record.info.id, record) {
            return Err(wrong(format!("key {number}: id {} is there twice", twice.info.id)));
        }
    }
    Ok(records)
}

/// Replaces the file.
pub(super) fn write(path: &Path, records: &BTreeMap<KeyId, Record>) -> Result<(), FileError> {
    let stored = Stored { version: VERSION, keys: records.values().map(StoredKey::of).collect() };
    let text = toml::to_string(&stored).map_err(std::io::Error::other);
    let text = text.map_err(files::failed("write it", path))?;
    files::replace(path, text.as_bytes(), files::PRIVATE)
}

impl StoredKey {
    fn of(record: &Record) -> Self {
        let Record { info, hash } = record;
        let (role, purpose) = match info.grant {
            Grant::Role(role) => (Some(role), None),
            Grant::Purpose(purpose) => (None, Some(purpose.to_string())),
        };
        Self {
            id: info.id.to_string(),
            sha256: hex::encode(hash),
            role,
            purpose,
            label: info.label.clone(),
            created: unix_seconds(info.created),
            expires: info.expires.map(unix_seconds),
            uses_left: info.uses_left,
        }
    }

    fn record(self) -> Result<Record, String> {
        let grant = match (self.role, self.purpose) {
            (Some(role), None) => Grant::Role(role),
            (None, Some(purpose)) => Grant::Purpose(purpose.parse()?),
            _ => return Err("it needs either `role` or `purpose`".to_owned()),
        };
        if self.label.chars().count() > LABEL_MAX {
            return Err(format!("its label has more than {LABEL_MAX} characters"));
        }
        let info = KeyInfo {
            id: self.id.parse()?,
            grant,
            label: self.label,
            created: from_unix_seconds(self.created),
            expires: self.expires.map(from_unix_seconds),
            uses_left: self.uses_left,
        };
        let hash = hex::decode(&self.sha256).ok_or("`sha256` needs 64 hexadecimal digits in lower case")?;
        Ok(Record { info, hash })
    }
}
