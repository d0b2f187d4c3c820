//! The unix socket of the API: who may connect is who may open the file (owner and group, mode 0660).

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Why the socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers on it.
    #[error("another reputed is running on {}; stop it, or choose another path (`[api] socket`)", .0.display())]
    Taken(PathBuf),
    /// The path is something else.
    #[error("{} is there and is no socket; remove it, or choose another path (`[api] socket`)", .0.display())]
    NotASocket(PathBuf),
    /// The system refused.
    #[error("{}: cannot {what}: {error}; the folder must exist and be writable, the path shorter than \
             108 bytes; another path can be chosen (`[api] socket`)", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// A listening socket; its file goes away with it.
#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
    id: Option<(u64, u64)>,
}

impl Socket {
    /// Listens on `path`. A socket that nobody answers on is replaced.
    pub fn bind(path: &Path) -> Result<(Self, UnixListener), SocketError> {
        let failed = |what| move |error| SocketError::Io { what, path: path.to_owned(), error };
        remove_stale(path)?;
        // Born in a folder of its own, so that it is never reachable with wider permissions.
        let nursery = path.with_file_name(format!(".repute-{}", std::process::id()));
        let born = nursery.join("s");
        DirBuilder::new().mode(0o700).create(&nursery).map_err(failed("create a folder beside it"))?;
        let listener = UnixListener::bind(&born).and_then(|listener| {
            fs::set_permissions(&born, Permissions::from_mode(0o660))?;
            fs::rename(&born, path)?;
            Ok(listener)
        });
        // Empty after the rename; a left-over would do no harm.
        let _ = fs::remove_file(&born);
        let _ = fs::remove_dir(&nursery);
        let listener = listener.map_err(failed("listen"))?;
        let id = fs::symlink_metadata(path).ok().as_ref().map(id);
        Ok((Self { path: path.to_owned(), id }, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).ok().as_ref().map(id) == self.id;
        if ours {
            // Nothing can be done about a failure here; the next start removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let failed = |what| move |error| SocketError::Io { what, path: path.to_owned(), error };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("look at it")(error)),
        Ok(file) if !file.file_type().is_socket() => return Err(SocketError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed("remove the stale socket"))
        }
        Err(error) => Err(failed("connect to the socket that is there")(error)),
        Ok(_) => Err(SocketError::Taken(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn mode_owner_and_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("repute.sock");
        let (socket, listener) = Socket::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert!(matches!(Socket::bind(&path), Err(SocketError::Taken(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(listener);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn stale_sockets_go_other_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("repute.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let (socket, _listener) = Socket::bind(&path).unwrap();
        // Somebody else's file under the same name is not ours to remove.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "x").unwrap();
        drop(socket);
        assert!(path.exists());
        assert!(matches!(Socket::bind(&path), Err(SocketError::NotASocket(_))));
        let error = Socket::bind(&dir.path().join("no/such/folder")).unwrap_err();
        assert!(error.to_string().contains("must exist"), "{error}");
    }
}
