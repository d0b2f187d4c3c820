//! Whatever a file holds, the store opens: with a state that was once written, or empty with the file set aside.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;
use std::path::Path;

use common::{Random, at, explained, open, sources, write_round};
use redb::{Database, ReadableDatabase, TableDefinition};
use repute_store::{FILE, Limits, Opened, Store, StoreError};

/// A small store of two rounds and some explanations, as bytes.
fn sample() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    write_round(&store, 0..1500, 1);
    write_round(&store, 0..1500, 2);
    (0..20).for_each(|ms| store.add_explanations(&[explained(1, ms)]).unwrap());
    drop(store);
    fs::read(folder.path().join(FILE)).unwrap()
}

/// Opens a folder whose file holds these bytes. Returns whether it was set aside.
fn survives(folder: &Path, bytes: &[u8], what: &str) -> bool {
    fs::write(folder.join(FILE), bytes).unwrap();
    let Opened { store, set_aside } = Store::open(folder, Limits::default(), at(0)).unwrap();
    let (found, explained) = (sources(&store), store.explanations_len().unwrap());
    match &set_aside {
        Some(set_aside) => {
            assert!(found.is_empty() && explained == 0, "{what}: {set_aside}");
            assert_eq!(
                fs::read(&set_aside.to).unwrap().len() as u64,
                fs::metadata(&set_aside.to).unwrap().len()
            );
            assert!(set_aside.to_string().contains("set aside as"), "{set_aside}");
        }
        None => {
            // The last commit, or the one before it.
            assert!(
                found.len() == 1500 && (19..=20).contains(&explained),
                "{what}: {} {explained}",
                found.len()
            );
            assert!(found.values().all(|record| record.packets_mean == 2.0), "{what}");
        }
    }
    write_round(&store, 0..10, 3);
    assert_eq!(sources(&store).len(), 10, "{what}: it works");
    set_aside.is_some()
}

#[test]
fn flipped_bytes_are_noticed_or_mean_nothing() {
    let (folder, good, mut random) = (tempfile::tempdir().unwrap(), sample(), Random(7));
    assert!(!survives(folder.path(), &good, "nothing"));
    let head = (0..320).step_by(3);
    let anywhere: Vec<usize> = (0..250).map(|_| random.below(good.len() as u64) as usize).collect();
    let mut set_aside = 0;
    for position in head.chain(anywhere) {
        let mut bad = good.clone();
        bad[position] ^= 1 << random.below(8);
        set_aside += usize::from(survives(folder.path(), &bad, &format!("byte {position}")));
    }
    println!("{set_aside} files set aside");
    assert!(set_aside > 10);
}

#[test]
fn overwritten_pages_are_noticed_or_mean_nothing() {
    let (folder, good, mut random) = (tempfile::tempdir().unwrap(), sample(), Random(9));
    for page in 0..good.len() / 4096 {
        for fill in [0x00, 0xff, random.below(256) as u8] {
            let mut bad = good.clone();
            bad[page * 4096..][..4096].fill(fill);
            survives(folder.path(), &bad, &format!("page {page} of {fill}"));
        }
    }
}

#[test]
fn truncated_and_extended_files_are_noticed() {
    let (folder, good, mut random) = (tempfile::tempdir().unwrap(), sample(), Random(11));
    let lengths = [0, 1, 8, 9, 63, 64, 319, 320, 4095, 4096, 4097, 8192, good.len() - 4096, good.len() - 1];
    let anywhere: Vec<usize> = (0..60).map(|_| random.below(good.len() as u64) as usize).collect();
    for len in lengths.into_iter().chain(anywhere) {
        survives(folder.path(), &good[..len], &format!("{len} bytes"));
    }
    for more in [1, 4096, 1 << 20] {
        let mut long = good.clone();
        long.resize(good.len() + more, 0xa5);
        survives(folder.path(), &long, &format!("{more} bytes more"));
    }
}

#[test]
fn what_never_was_a_store_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(13);
    let noise: Vec<u8> = (0..100_000).map(|_| random.below(256) as u8).collect();
    let mut magic = noise.clone();
    magic[..9].copy_from_slice(b"redb\x1A\x0A\xA9\x0D\x0A");
    for (what, bytes) in [
        ("empty", &[][..]),
        ("a text", b"[ports]\n"),
        ("zeros", &[0; 70_000]),
        ("noise", &noise),
        ("magic", &magic),
    ] {
        assert!(survives(folder.path(), bytes, what), "{what}");
    }
    let kept = fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("damaged"));
    assert_eq!(kept.count(), 3, "only the latest are kept");
}

#[test]
fn a_folder_in_its_place_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(FILE)).unwrap();
    assert!(Store::open(folder.path(), Limits::default(), at(0)).unwrap().set_aside.is_some());
}

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

fn foreign(folder: &Path, format: Option<u64>) {
    let database = Database::create(folder.join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    if let Some(format) = format {
        transaction.open_table(META).unwrap().insert("format", format).unwrap();
    } else {
        let other: TableDefinition<u64, u64> = TableDefinition::new("meta");
        transaction.open_table(other).unwrap().insert(1, 1).unwrap();
    }
    transaction.commit().unwrap();
}

#[test]
fn a_file_of_somebody_else_is_set_aside() {
    // A table of our name and other types; our format number and none of our tables.
    for format in [None, Some(1)] {
        let folder = tempfile::tempdir().unwrap();
        foreign(folder.path(), format);
        let set_aside = Store::open(folder.path(), Limits::default(), at(0)).unwrap().set_aside.unwrap();
        println!("{set_aside}");
    }
}

#[test]
fn a_file_of_another_release_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    foreign(folder.path(), Some(99));
    let error = Store::open(folder.path(), Limits::default(), at(0)).unwrap_err();
    assert!(matches!(error, StoreError::Format { found: 99, known: 1, .. }), "{error}");
    assert!(error.to_string().contains("start the release that wrote it"));
    let database = Database::open(folder.path().join(FILE)).unwrap();
    let transaction = database.begin_read().unwrap();
    assert!(transaction.open_table(META).is_ok());
}

#[test]
fn sources_survive_a_restore_of_damaged_rows() {
    // Rows that are wrong although redb's pages are right: what a bad memory would have written.
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Limits::default());
    write_round(&store, 0..3000, 1);
    drop(store);
    {
        let rows: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("sources");
        let database = Database::open(folder.path().join(FILE)).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut table = transaction.open_table(rows).unwrap();
            for (chunk, at) in [(0, 3), (1, 16 + 64 * 5 + 20)] {
                let mut bytes =
                    redb::ReadableTable::get(&table, (1, chunk)).unwrap().unwrap().value().to_vec();
                bytes[at] ^= 1;
                table.insert((1, chunk), bytes.as_slice()).unwrap();
            }
            let rounds: TableDefinition<u64, &[u8]> = TableDefinition::new("rounds");
            transaction.open_table(rounds).unwrap().insert(1, &[1, 2, 3][..]).unwrap();
        }
        transaction.commit().unwrap();
    }
    let store = open(folder.path(), Limits::default());
    let (sound, damaged): (Vec<_>, Vec<_>) = store.restore_sources(at(0)).unwrap().partition(Result::is_ok);
    assert_eq!((sound.len(), damaged.len()), (1999, 2), "one record, and one chunk whose head is wrong");
    assert!(damaged.iter().all(|error| matches!(error, Err(StoreError::Damaged { .. }))));
    write_round(&store, 0..10, 2);
    assert_eq!(sources(&store).len(), 10);
}
