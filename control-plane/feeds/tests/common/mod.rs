//! Where the test material is.

#![allow(dead_code, clippy::unwrap_used)] // every test file uses a part of it; helpers of tests are tests

pub mod server;

use std::path::PathBuf;

/// A folder of the corpus, or `None` with a message where there is no corpus.
pub fn corpus(folder: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus =
        std::env::var_os("REPUTE_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let found = corpus.join(folder);
    if !found.is_dir() {
        println!("skipped: no corpus at {} (set REPUTE_CORPUS)", found.display());
        return None;
    }
    Some(found)
}

/// The files of a folder, sorted.
pub fn files(folder: &PathBuf) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}
