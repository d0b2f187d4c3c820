//! The files of a log: the current one, and older ones beside it, named by the number of their first entry:
//! `audit.jsonl`, `audit.jsonl.1`, `audit.jsonl.40213`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{self, FileError, failed};

/// Older files with the number of their first entry, the oldest first.
pub(super) fn older(path: &Path) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed("list the folder", folder))? {
        let other = entry.map_err(failed("list the folder", folder))?.path();
        let number = other
            .file_name()
            .and_then(|other| other.to_str())
            .and_then(|other| other.strip_prefix(name)?.strip_prefix('.')?.parse().ok());
        found.extend(number.map(|number: u64| (number, other)));
    }
    found.sort();
    Ok(found)
}

/// Puts the current file aside, which begins with entry `first`, and removes the oldest beyond `keep`.
pub(super) fn put_aside(path: &Path, first: u64, keep: usize) -> Result<(), FileError> {
    fs::rename(path, beside(path, &first.to_string())).map_err(failed("put it aside", path))?;
    files::sync_folder(path)?;
    let older = older(path)?;
    for (_, oldest) in older.iter().take(older.len().saturating_sub(keep)) {
        fs::remove_file(oldest).map_err(failed("remove it", oldest))?;
    }
    Ok(())
}

/// The path with something added to its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}
