//! The audit log: nothing can be changed in it unseen, and nothing stops it but for an entry.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use repute_access::{
    Audit, AuditConfig, AuditError, Change, Clock, Flaw, Outcome, VALUE_MAX, Verified, Who, verify,
    verify_all,
};

struct Log {
    dir: tempfile::TempDir,
}

impl Log {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("audit.jsonl")
    }

    fn open(&self) -> Arc<Audit> {
        self.open_with(AuditConfig::default())
    }

    fn open_with(&self, config: AuditConfig) -> Arc<Audit> {
        let clock = Clock::new(|| UNIX_EPOCH + Duration::from_secs(1_795_939_200));
        Audit::open(AuditConfig { path: self.path(), ..config }, clock).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.path()).unwrap().lines().map(str::to_owned).collect()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> = names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn change(object: impl Into<String>) -> Change {
    Change {
        who: Who::Itself,
        method: "/repute.v1.Scores/Nudge".into(),
        object: object.into(),
        before: Some("score 3100".into()),
        after: Some("score 5100".into()),
        policy: Some("9f2c".into()),
        outcome: Outcome::Done,
    }
}

fn changed(path: &Path, bytes: &[u8]) -> (u64, String) {
    fs::write(path, bytes).unwrap();
    let broken = verify(path).unwrap_err();
    (broken.line, broken.to_string())
}

#[test]
fn written_and_verified() {
    let log = Log::new();
    let audit = log.open();
    for number in 1..=5 {
        audit.append(&change(format!("192.0.2.{number}")));
    }
    let (seq, hash) = audit.head();
    let expected = Verified { entries: 5, first: 1, last: seq, head: hash };
    assert_eq!(verify(&log.path()).unwrap(), expected);
    assert_eq!(fs::metadata(log.path()).unwrap().mode() & 0o777, 0o600);
    // The next start goes on with the same chain.
    drop(audit);
    let audit = log.open();
    assert_eq!(audit.head(), (5, expected.head));
    audit.append(&change("192.0.2.6"));
    assert_eq!(verify(&log.path()).unwrap().entries, 6);
    let third: serde_json::Value = serde_json::from_str(&log.lines()[2]).unwrap();
    assert_eq!(third["object"], "192.0.2.3");
    assert_eq!((audit.counts().written, audit.counts().failed), (1, 0));
}

#[test]
fn any_byte_of_any_line() {
    let log = Log::new();
    let audit = log.open();
    for number in 1..=3 {
        audit.append(&change(format!("192.0.2.{number}")));
    }
    let good = fs::read(log.path()).unwrap();
    let other = log.dir.path().join("changed");
    for at in 0..good.len() {
        let line = 1 + good[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        // Every bit; 0x20 also turns the case of hexadecimal digits.
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let (found, why) = changed(&other, &bytes);
            assert_eq!(found, line, "byte {at}, bit {bit}: {why}");
        }
    }
}

#[test]
fn lines_taken_out_put_in_and_moved() {
    let log = Log::new();
    let audit = log.open();
    for number in 1..=4 {
        audit.append(&change(format!("192.0.2.{number}")));
    }
    let lines: Vec<_> = log.lines().into_iter().map(|line| line + "\n").collect();
    let other = log.dir.path().join("changed");
    let join = |order: &[usize]| order.iter().map(|at| lines[*at].as_str()).collect::<String>().into_bytes();
    for (order, line, why) in [
        (&[0, 2, 3][..], 2, "entries are missing"),
        (&[0, 1, 1, 2, 3], 3, "were put in"),
        (&[0, 2, 1, 3], 2, "it is entry 3, and 2 comes here"),
    ] {
        let (found, text) = changed(&other, &join(order));
        assert_eq!(found, line, "{text}");
        assert!(text.contains(why), "{text}");
    }
    // An entry that somebody made anew has a hash of its own, but the next one follows another.
    let forged = Log::new();
    let audit = forged.open();
    audit.append(&change("192.0.2.1"));
    audit.append(&change("203.0.113.9"));
    let text = format!("{}{}\n{}", lines[0], forged.lines()[1], lines[2]);
    let (found, text) = changed(&other, text.as_bytes());
    assert_eq!(found, 3, "{text}");
    assert!(text.contains("follows another entry"), "{text}");
    // What was cut off the end shows by the head that was kept elsewhere.
    fs::write(&other, join(&[0, 1, 2])).unwrap();
    assert_ne!(verify(&other).unwrap().head, verify(&log.path()).unwrap().head);
    assert!(matches!(verify(&log.dir.path().join("none")).unwrap_err().why, Flaw::File(_)));
    fs::write(&other, "").unwrap();
    assert!(matches!(verify(&other).unwrap_err().why, Flaw::Empty));
    fs::write(&other, vec![b'x'; 1 << 20]).unwrap();
    assert!(matches!(verify(&other).unwrap_err().why, Flaw::TooLong));
}

#[test]
fn files_follow_each_other() {
    let log = Log::new();
    let config = || AuditConfig { bytes_max: 1 << 20, keep: 2, ..AuditConfig::default() };
    let large = || Change { after: Some("x".repeat(VALUE_MAX)), ..change("192.0.2.1") };
    let mut audit = log.open_with(config());
    for number in 0..1200 {
        if number % 250 == 0 {
            drop(audit);
            audit = log.open_with(config());
        }
        audit.append(&large());
    }
    let names = log.names();
    assert_eq!(names.len(), 3, "two older ones are kept: {names:?}");
    for name in &names {
        assert!(fs::metadata(log.dir.path().join(name)).unwrap().len() <= 1 << 20);
    }
    let whole = verify_all(&log.path()).unwrap();
    assert_eq!((whole.last, whole.head.as_str()), (1200, audit.head().1.as_str()));
    assert_eq!(whole.entries, 1201 - whole.first);
    assert!(whole.first > 1, "the oldest are gone");
    // A crash between two files: the chain goes on.
    drop(audit);
    fs::rename(log.path(), log.dir.path().join("audit.jsonl.1199")).unwrap();
    let audit = log.open_with(config());
    audit.append(&large());
    assert_eq!(verify_all(&log.path()).unwrap().last, 1201);
    // A file taken out of the middle.
    fs::remove_file(log.dir.path().join("audit.jsonl.1199")).unwrap();
    let broken = verify_all(&log.path()).unwrap_err();
    assert!(matches!(broken.why, Flaw::Number { .. }), "{broken}");
}

#[test]
fn after_a_crash_in_the_middle_of_a_line() {
    let log = Log::new();
    log.open().append(&change("192.0.2.1"));
    let good = fs::read(log.path()).unwrap();
    for cut in 0..good.len() {
        let torn = [good.as_slice(), &good[..cut]].concat();
        fs::write(log.path(), torn).unwrap();
        let audit = log.open();
        audit.append(&change("192.0.2.2"));
        let entries = if cut == 0 { 2 } else { 3 };
        assert_eq!(verify(&log.path()).unwrap().entries, entries);
        if cut > 0 {
            assert!(log.lines()[1].contains(&format!("an unfinished line of {cut} bytes was taken out")));
        }
    }
}

#[test]
fn a_damaged_file_is_put_aside() {
    let log = Log::new();
    log.open().append(&change("192.0.2.1"));
    for garbage in [b"no entry\n".to_vec(), b"\0\n\n".to_vec(), vec![b'x'; 1 << 20]] {
        fs::write(log.path(), &garbage).unwrap();
        let audit = log.open();
        audit.append(&change("192.0.2.2"));
        assert_eq!(verify(&log.path()).unwrap().entries, 2);
        assert!(log.lines()[0].contains("was damaged"), "{}", log.lines()[0]);
        assert_eq!(fs::read(log.dir.path().join("audit.jsonl.damaged-1795939200")).unwrap(), garbage);
    }
}

#[test]
fn one_writer_at_a_time() {
    let log = Log::new();
    let _audit = log.open();
    let config = AuditConfig { path: log.path(), ..AuditConfig::default() };
    let taken = Audit::open(config.clone(), Clock::system()).unwrap_err();
    assert!(matches!(taken, AuditError::Taken(_)), "{taken}");
    let small = Audit::open(AuditConfig { bytes_max: 1, ..config }, Clock::system()).unwrap_err();
    assert!(small.to_string().contains("expected at least 1048576"), "{small}");
}

#[test]
fn a_full_disk_costs_entries_and_nothing_else() {
    let log = Log::new();
    symlink("/dev/full", log.path()).unwrap();
    let audit = log.open();
    audit.append(&change("192.0.2.1"));
    audit.append(&change("192.0.2.2"));
    assert_eq!((audit.counts().written, audit.counts().failed), (0, 2));
    fs::remove_file(log.path()).unwrap();
    audit.append(&change("192.0.2.3"));
    audit.append(&change("192.0.2.4"));
    assert_eq!((audit.counts().written, audit.counts().failed), (2, 2));
    assert_eq!(verify(&log.path()).unwrap().entries, 2);
    let lines = log.lines();
    assert!(lines[0].contains("\"lost\":2"), "{}", lines[0]);
    assert!(!lines[1].contains("lost"), "{}", lines[1]);
}

#[tokio::test]
async fn many_at_once_and_no_secrets() {
    let log = Log::new();
    let audit = log.open();
    let key = format!("rpt_{}_{}", "0".repeat(16), "5ec2e7".repeat(11).get(..64).unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (audit, text) = (audit.clone(), format!("{number} {key}"));
        let outcome = Outcome::Refused(text.clone());
        let change =
            Change { before: Some(text.clone()), method: text.clone(), outcome, ..change(text.clone()) };
        tasks.spawn(async move { audit.record(change).await });
    }
    tasks.join_all().await;
    assert_eq!(verify(&log.path()).unwrap().entries, 50);
    assert!(!fs::read_to_string(log.path()).unwrap().contains("5ec2e7"));
}
