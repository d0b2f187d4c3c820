//! How long many sources take to write, open and restore: printed, never judged.
//!
//! `REPUTE_STORE_SOURCES=1000000 cargo test -p repute-store --release --test many -- --nocapture`

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::time::Instant;

use common::{at, open, write_round};
use repute_store::Limits;

const SOURCES: &str = "REPUTE_STORE_SOURCES";

#[test]
fn many_sources_come_back() {
    let count = std::env::var(SOURCES).map_or(20_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    write_round(&store, 0..count, 1);
    let begun = Instant::now();
    write_round(&store, 0..count, 2);
    let written = begun.elapsed();
    let bytes = store.file_bytes().unwrap();
    drop(store);

    let begun = Instant::now();
    let store = open(folder.path(), Limits::default());
    let opened = begun.elapsed();
    let restored = store.restore_sources(at(0)).unwrap().map(Result::unwrap).count();
    let in_all = begun.elapsed();
    assert_eq!(restored, count as usize);
    println!(
        "{count} sources: a round written in {written:.2?}, file of {} MB opened in {opened:.2?}, restored {:.2?} later",
        bytes / 1_000_000,
        in_all - opened
    );
}
