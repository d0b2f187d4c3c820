//! Where the API is found when nobody says otherwise: the daemon listens there, the command line asks there.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// `/run/repute/repute.sock` for root, `$XDG_RUNTIME_DIR/repute/repute.sock` for everybody else; `None` where
/// that variable is not set.
pub fn default_socket() -> Option<PathBuf> {
    let runtime = if is_root() { PathBuf::from("/run") } else { std::env::var_os("XDG_RUNTIME_DIR")?.into() };
    Some(runtime.join("repute/repute.sock"))
}

/// Whether this process belongs to root.
pub fn is_root() -> bool {
    // Root owns its own entry there.
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
