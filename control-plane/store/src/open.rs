//! Opening: who may have the store, what is done with a file that cannot be trusted.
//!
//! A lock file beside the store keeps two daemons apart, also while a file is made or set aside. A new file is made
//! under another name and renamed when it is complete. On every start redb reads the whole file and compares the
//! checksum of every page; where one is wrong it falls back to the commit before, and where that is wrong too, the
//! file is set aside.

use std::fmt;
use std::fs::{self, DirBuilder, DirEntry, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use redb::{Builder, Database, ReadableDatabase};

use crate::backend::ReservedFile;
use crate::fault::Fault;
use crate::store::Store;
use crate::tables::{self, FORMAT};
use crate::time::to_ms;
use crate::{Limits, StoreError};

/// Name of the file in its folder.
pub const FILE: &str = "state.redb";

const LOCK_FILE: &str = "state.lock";
const NEW_FILE: &str = "state.redb.new";
/// What the names of files that were set aside begin with; the time in ms since 1970 follows.
const DAMAGED: &str = "state.redb.damaged-";
/// Files set aside that are kept; the oldest go.
const DAMAGED_MAX: usize = 3;
/// Bytes of the file that redb may keep in memory, and of a transaction before it is written to the file.
const CACHE_BYTES: usize = 32 << 20;

/// An open store, and what happened on the way.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// The file that could not be trusted, if there was one: the store is empty then.
    pub set_aside: Option<SetAside>,
}

/// A file that could not be trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetAside {
    /// Its old name.
    pub from: PathBuf,
    /// Its new name.
    pub to: PathBuf,
    /// What was wrong.
    pub why: String,
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, why } = self;
        let (from, to) = (from.display(), to.display());
        write!(
            f,
            "{from} is damaged ({why}); it was set aside as {to} and the box starts with an empty store"
        )
    }
}

impl Store {
    /// Opens the store in `folder`, or makes a new one. `now` names the file that is set aside, if one is.
    ///
    /// Reads the whole file: about a second for a million sources.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Locked`], [`StoreError::Format`]; [`StoreError::Full`] and
    /// [`StoreError::Io`] where the machine fails. Never because of what a file contains: such a file is set aside.
    pub fn open(folder: &Path, limits: Limits, now: SystemTime) -> Result<Opened, StoreError> {
        let lock = take(folder)?;
        let path = folder.join(FILE);
        let (database, set_aside) = match load_if_there(&path, &limits) {
            Ok(Some(database)) => (database, None),
            Ok(None) => (create(folder, &limits)?, None),
            Err(fault) => {
                let why = fault.damage().ok_or(fault).map_err(|fault| fault.at(&path))?;
                let to = set_aside(folder, now).map_err(|cause| failed(folder, cause))?;
                (create(folder, &limits)?, Some(SetAside { from: path.clone(), to, why }))
            }
        };
        Ok(Opened { store: Self::new(path, limits, database, lock), set_aside })
    }
}

fn failed(folder: &Path, cause: io::Error) -> StoreError {
    StoreError::Folder { path: folder.to_owned(), cause }
}

/// The lock of the folder; it is held as long as the file is open.
fn take(folder: &Path) -> Result<File, StoreError> {
    let here = |cause| failed(folder, cause);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(here)?;
    let path = folder.join(LOCK_FILE);
    let mut file = ours().create(true).truncate(false).open(&path).map_err(here)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(cause)) => return Err(here(cause)),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.take(32).read_to_string(&mut text);
            let holder = read.ok().and_then(|_| text.trim().parse().ok());
            return Err(StoreError::Locked { path, holder });
        }
    }
    // Who holds it is a help for people only: a full disk must not keep the box from starting.
    let note = |file: &mut File| -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    let _ = note(&mut file);
    Ok(file)
}

/// What is written is for reputed alone: it names addresses.
fn ours() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn load_if_there(path: &Path, limits: &Limits) -> Result<Option<Database>, Fault> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(Fault::Damaged("it is no regular file".to_owned())),
        Ok(found) if found.len() == 0 => Err(Fault::Damaged("it is empty".to_owned())),
        Ok(_) => load(path, limits).map(Some),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => Ok(None),
        Err(cause) => Err(redb::StorageError::Io(cause).into()),
    }
}

/// Opens a file that is there, with every checksum compared.
pub(crate) fn load(path: &Path, limits: &Limits) -> Result<Database, Fault> {
    Fault::contain(|| {
        let file = ours().open(path).map_err(redb::StorageError::Io)?;
        let database = builder().create_with_backend(ReservedFile::new(file, limits.file_bytes))?;
        let found = tables::check(&database.begin_read()?)?;
        if found == FORMAT {
            Ok(database)
        } else {
            Err(StoreError::Format { path: path.to_owned(), found, known: FORMAT }.into())
        }
    })
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// Makes an empty store; under its name there is a complete one or none.
fn create(folder: &Path, limits: &Limits) -> Result<Database, StoreError> {
    let (new, path) = (folder.join(NEW_FILE), folder.join(FILE));
    let make = || {
        let file = ours().create(true).truncate(true).open(&new).map_err(redb::StorageError::Io)?;
        let database = builder().create_with_backend(ReservedFile::new(file, limits.file_bytes))?;
        let transaction = database.begin_write()?;
        tables::create(&transaction)?;
        transaction.commit()?;
        Ok(database)
    };
    let database = Fault::contain(make).map_err(|fault| fault.at(&new))?;
    let name = || -> io::Result<()> {
        fs::rename(&new, &path)?;
        File::open(folder)?.sync_all()
    };
    name().map_err(|cause| failed(folder, cause))?;
    Ok(database)
}

/// Renames the file, and removes what was set aside long ago.
fn set_aside(folder: &Path, now: SystemTime) -> io::Result<PathBuf> {
    let name = |entry: io::Result<DirEntry>| entry.ok()?.file_name().into_string().ok();
    let number = |name: String| name.strip_prefix(DAMAGED)?.parse::<u64>().ok();
    let mut kept: Vec<u64> = fs::read_dir(folder)?.filter_map(name).filter_map(number).collect();
    kept.sort_unstable();
    // Later than all that are there, whatever the clock says.
    let next = kept.last().map_or(0, |last| last.saturating_add(1)).max(to_ms(now));
    let path = |number: u64| folder.join(format!("{DAMAGED}{number:013}"));
    fs::rename(folder.join(FILE), path(next))?;
    for &old in kept.iter().rev().skip(DAMAGED_MAX - 1) {
        // Whatever stays is in nobody's way.
        let _ = fs::remove_file(path(old));
    }
    Ok(path(next))
}
