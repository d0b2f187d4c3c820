//! What threads share, in every order of events that the memory model allows.
//!
//! Runs only under the model checker:
//! `RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p repute-engine --test loom --release`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use repute_engine::SeqLock;

/// Two words that belong together: a version and what it says.
fn pair(version: u64) -> [u64; 2] {
    [version, version * 10]
}

fn is_whole([version, said]: [u64; 2]) -> bool {
    said == version * 10
}

/// A copy that counts was written as a whole, and later copies are never older.
#[test]
fn copies_are_whole_and_never_go_back() {
    loom::model(|| {
        let lock = Arc::new(SeqLock::<2>::default());
        let writer = Arc::clone(&lock);
        let writing = thread::spawn(move || (1..=2).for_each(|version| writer.write(&pair(version))));
        let mut last = 0;
        for _ in 0..2 {
            let mut words = [0; 2];
            if lock.try_read(&mut words) {
                assert!(is_whole(words), "torn: {words:?}");
                assert!(words[0] >= last, "{} after {last}", words[0]);
                last = words[0];
            }
        }
        writing.join().unwrap();
    });
}

/// Whoever tries again until the copy is whole ends with the last words once the writer has ended.
#[test]
fn trying_again_ends() {
    loom::model(|| {
        let lock = Arc::new(SeqLock::<2>::default());
        let writer = Arc::clone(&lock);
        let writing = thread::spawn(move || writer.write(&pair(1)));
        let mut words = [0; 2];
        lock.read(&mut words);
        assert!(is_whole(words), "torn: {words:?}");
        writing.join().unwrap();
        lock.read(&mut words);
        assert_eq!(words, pair(1));
    });
}
