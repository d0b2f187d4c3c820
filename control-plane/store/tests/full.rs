//! No room: the call says so, what was stored stays, and the next call tries again.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use common::{at, open, record, sources, write_round};
use repute_store::{Limits, Store, StoreError};

/// Writes a round of so many batches of 4000.
fn fill(store: &Store, rows: u32) -> Result<(), StoreError> {
    let mut round = store.begin_round(at(0))?;
    for batch in 0..rows {
        let records: Vec<_> = (0..4000).map(|number| record(batch * 4000 + number, 9)).collect();
        round.add(&records, at(0))?;
    }
    round.finish()
}

/// The round is too big for the room; what was there before is there after, and smaller rounds go on.
fn runs_full_and_goes_on(store: &Store) {
    write_round(store, 0..2000, 1);
    let before = sources(store);
    for _ in 0..3 {
        let error = fill(store, 64).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert!(error.to_string().contains("intact"), "{error}");
        assert_eq!(sources(store), before);
    }
    write_round(store, 0..2000, 2);
    assert!(sources(store).values().all(|record| record.packets_mean == 2.0));
    assert_eq!(sources(store).len(), 2000);
}

#[test]
fn the_limit_of_the_file_is_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { file_bytes: 4 << 20, ..Limits::default() };
    runs_full_and_goes_on(&open(folder.path(), limits));
    assert!(std::fs::metadata(folder.path().join(repute_store::FILE)).unwrap().len() <= 4 << 20);
    let store = open(folder.path(), limits);
    assert_eq!(sources(&store).len(), 2000);
}

#[test]
fn more_sources_than_the_limit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits { sources: 100, ..Limits::default() });
    let mut round = store.begin_round(at(0)).unwrap();
    let records: Vec<_> = (0..101).map(|number| record(number, 1)).collect();
    assert!(matches!(round.add(&records, at(0)), Err(StoreError::TooMany { found: 101, max: 100, .. })));
    round.add(&records[..100], at(0)).unwrap();
    assert!(round.add(&records[..1], at(0)).is_err());
    round.finish().unwrap();
    assert_eq!(sources(&store).len(), 100);
}

/// Tells a process of this test program that it has a small disk of its own here.
const SMALL_DISK: &str = "REPUTE_STORE_SMALL_DISK";

#[test]
fn on_a_small_disk() {
    let Some(disk) = std::env::var_os(SMALL_DISK) else { return };
    let disk = Path::new(&disk);
    let store = open(&disk.join("store"), Limits::default());
    runs_full_and_goes_on(&store);

    // Somebody else takes all the room there is left.
    let mut other = File::create(disk.join("other")).unwrap();
    while other.write_all(&[1; 4096]).is_ok() {}
    assert!(fill(&store, 64).is_err());
    assert_eq!(sources(&store).len(), 2000, "it can still be read");
    drop(store);
    let store = open(&disk.join("store"), Limits::default());
    assert_eq!(sources(&store).len(), 2000, "and opened");
    write_round(&store, 0..2000, 2);
    drop(other);
    std::fs::remove_file(disk.join("other")).unwrap();
    write_round(&store, 0..2000, 3);
    assert!(sources(&store).values().all(|record| record.packets_mean == 3.0));
    println!("a small disk was full");
}

#[test]
fn a_full_disk_leaves_the_store_intact() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        "mount -t tmpfs -o size=6m tmpfs \"$1\" || exit 77; exec \"$2\" --exact on_a_small_disk --nocapture";
    let run = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .args([folder.path(), &std::env::current_exe().unwrap()])
        .env(SMALL_DISK, folder.path())
        .output();
    let Ok(run) = run else { return println!("skipped: there is no unshare") };
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    if run.status.code() == Some(77) || err.contains("unshare failed") {
        return println!("skipped: a mount of one's own takes root");
    }
    assert!(run.status.success() && out.contains("a small disk was full"), "{out}{err}");
}
