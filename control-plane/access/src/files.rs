//! Small files with secrets or proofs in them: read with a bound, written whole or not at all, for the owner
//! alone.
//!
//! Used by keys, TLS and the PKI. **Always holds:** a file that is replaced is never seen half-written, and
//! never exists with wider permissions than it ends up with.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Mode of files that hold secrets.
pub(crate) const PRIVATE: u32 = 0o600;
/// Mode of files that everybody may read, such as certificates.
pub(crate) const PUBLIC: u32 = 0o644;

/// What the system said about a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {what}: {error}", path.display())]
pub struct FileError {
    /// What was tried.
    pub what: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub error: io::Error,
}

/// For `map_err`: says what was tried, and where.
pub(crate) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |error| FileError { what, path, error }
}

/// The whole file, which may have at most `max` bytes.
pub(crate) fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed("open it", path))?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(failed("read it", path))?;
    if bytes.len() as u64 > max {
        let error = io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {max} bytes"));
        return Err(failed("read it", path)(error));
    }
    Ok(bytes)
}

/// Replaces the file, or makes it; after a crash at any moment there is the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let born = path.with_file_name(name);
    // Left over from a crash.
    match fs::remove_file(&born) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove a left-over", &born)(error));
        }
        _ => {}
    }
    create(&born, bytes, mode)?;
    fs::rename(&born, path).map_err(failed("put the new file in place", path))?;
    sync_folder(path)
}

/// Makes the file; one that is there is left alone and is an error.
pub(crate) fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let options = OpenOptions::new().write(true).create_new(true).mode(mode).to_owned();
    let mut file = options.open(path).map_err(failed("create it", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("write it", path))
}

/// Makes renames and new names in the file's folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync the folder of", path))
}

/// What tells two versions of a file apart without reading them; `None` where there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Print(Option<[i128; 4]>);

impl Print {
    /// Of the file as it is now; links are followed.
    pub fn of(path: &Path) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        // The change time moves even where a copy keeps the modification time.
        Self(fs::metadata(path).ok().map(|file| {
            [
                i128::from(file.dev()) << 64 | i128::from(file.ino()),
                i128::from(file.size()),
                nanoseconds(file.mtime(), file.mtime_nsec()),
                nanoseconds(file.ctime(), file.ctime_nsec()),
            ]
        }))
    }
}

/// The permission bits of a file that others than its owner have; 0 is what secrets need.
pub(crate) fn others_may(path: &Path) -> Result<u32, FileError> {
    fs::metadata(path).map(|file| file.mode() & 0o077).map_err(failed("look at it", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_whole_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        // What a crash may leave.
        fs::write(dir.path().join("keys.new"), "half").unwrap();
        replace(&path, b"one", PRIVATE).unwrap();
        let first = Print::of(&path);
        replace(&path, b"two", PRIVATE).unwrap();
        assert_ne!(Print::of(&path), first);
        assert_eq!(read_bounded(&path, 3).unwrap(), b"two");
        assert_eq!(others_may(&path).unwrap(), 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.key");
        create(&path, b"one", PRIVATE).unwrap();
        let error = create(&path, b"two", PRIVATE).unwrap_err();
        assert!(error.to_string().contains("ca.key: cannot create it"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn too_large_and_missing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        assert_eq!(Print::of(&path), Print(None));
        assert!(read_bounded(&path, 9).unwrap_err().to_string().contains("cannot open it"));
        fs::write(&path, [0; 10]).unwrap();
        assert!(read_bounded(&path, 9).unwrap_err().to_string().contains("more than 9 bytes"));
    }
}
