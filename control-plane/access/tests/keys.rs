//! API keys and one-purpose tokens: their file, their time, their uses, and what they open.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs::{self, Permissions};
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use common::{ADMITTED, APPLY, Hands, NUDGE, STATUS, Site, call, call_with};
use repute_access::{
    Grant, KEYS_MAX, KeyInfo, KeyRefused, Keys, KeysError, NewKey, Purpose, RateConfig, Role, Secret,
    TlsLimits,
};
use tonic::Code;

fn new_key(grant: Grant) -> NewKey {
    NewKey { grant, label: "test".into(), expires: None, uses: None }
}

fn role(role: Role) -> NewKey {
    new_key(Grant::Role(role))
}

fn lift(source: &str, uses: u32) -> NewKey {
    NewKey { uses: NonZeroU32::new(uses), ..new_key(Grant::Purpose(Purpose::Lift(source.parse().unwrap()))) }
}

fn open(dir: &Path, hands: &Hands) -> Keys {
    Keys::open(&dir.join("keys.toml"), hands.clock()).unwrap()
}

fn issue(keys: &Keys, wanted: NewKey) -> (KeyInfo, Secret) {
    keys.issue(wanted).unwrap()
}

#[test]
fn shown_once_and_kept_hashed() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let keys = open(dir.path(), &hands);
    let (info, secret) = issue(&keys, role(Role::Operator));
    let (token, lifting) = issue(&keys, lift("2001:db8:0:1::/64", 3));
    let path = dir.path().join("keys.toml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("purpose = \"lift 2001:db8:0:1::/64\""), "{text}");
    for secret in [&secret, &lifting] {
        assert!(!text.contains(secret.reveal().rsplit('_').next().unwrap()));
    }
    // The next start knows the same.
    let again = open(dir.path(), &hands);
    assert_eq!(again.list(), keys.list());
    assert_eq!(again.verify(secret.reveal()).unwrap(), info);
    assert_eq!(again.verify(lifting.reveal()).unwrap(), token);
    assert!(again.revoke(info.id).unwrap());
    assert!(!again.revoke(info.id).unwrap());
    assert!(matches!(again.verify(secret.reveal()), Err(KeyRefused::Unknown)));
    assert!(matches!(open(dir.path(), &hands).verify(secret.reveal()), Err(KeyRefused::Unknown)));
}

#[test]
fn the_wrong_secret_of_a_known_id() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let keys = open(dir.path(), &hands);
    let (_, secret) = issue(&keys, role(Role::Admin));
    let (id, _) = secret.reveal().rsplit_once('_').unwrap();
    assert!(matches!(keys.verify(&format!("{id}_{}", "0".repeat(64))), Err(KeyRefused::Unknown)));
    for wrong in ["", "rpt_", "admin", id] {
        assert!(matches!(keys.verify(wrong), Err(KeyRefused::Form)), "{wrong}");
    }
}

#[test]
fn time_and_uses_run_out() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let keys = open(dir.path(), &hands);
    let expires = Some(hands.now() + std::time::Duration::from_secs(60));
    let (info, secret) = issue(&keys, NewKey { expires, ..role(Role::Viewer) });
    hands.forward(59);
    assert!(keys.verify(secret.reveal()).is_ok());
    hands.forward(1);
    assert!(matches!(keys.verify(secret.reveal()), Err(KeyRefused::Expired(id)) if id == info.id));
    assert!(matches!(keys.issue(NewKey { expires, ..role(Role::Viewer) }), Err(KeysError::Expired)));
    let (token, secret) = issue(&keys, lift("192.0.2.7", 2));
    assert_eq!(keys.list().len(), 1, "expired ones make room");
    keys.redeem(token.id).unwrap();
    // A restart gives no use back.
    let keys = open(dir.path(), &hands);
    assert_eq!(keys.verify(secret.reveal()).unwrap().uses_left, NonZeroU32::new(1));
    keys.redeem(token.id).unwrap();
    assert!(matches!(keys.redeem(token.id), Err(KeyRefused::Unknown)));
    assert!(matches!(keys.verify(secret.reveal()), Err(KeyRefused::Unknown)));
}

#[test]
fn one_use_is_one_use() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let keys = Arc::new(open(dir.path(), &hands));
    let (token, _) = issue(&keys, lift("192.0.2.7", 1));
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let keys = Arc::clone(&keys);
            std::thread::spawn(move || keys.redeem(token.id).is_ok())
        })
        .collect();
    assert_eq!(
        threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|granted| *granted).count(),
        1
    );
}

#[test]
fn bounded() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let keys = open(dir.path(), &hands);
    let (mut text, (first, _)) = (String::from("version = 1\n"), issue(&keys, role(Role::Viewer)));
    for number in 0..KEYS_MAX {
        text += &format!(
            "[[key]]\nid = \"{number:016x}\"\nsha256 = \"{:064x}\"\nrole = \"viewer\"\ncreated = 0\n",
            number
        );
    }
    let path = dir.path().join("keys.toml");
    fs::write(&path, &text).unwrap();
    let full = open(dir.path(), &hands);
    assert_eq!(full.list().len(), KEYS_MAX);
    assert!(matches!(full.issue(role(Role::Viewer)), Err(KeysError::Full)));
    fs::write(
        &path,
        text + &format!(
            "[[key]]\nid = \"{}\"\nsha256 = \"{:064x}\"\nrole = \"viewer\"\ncreated = 0\n",
            first.id, 1
        ),
    )
    .unwrap();
    let error = Keys::open(&path, hands.clock()).unwrap_err();
    assert!(error.to_string().contains("1025 keys, at most 1024"), "{error}");
    for label in ["x".repeat(101), "a\nb".into()] {
        assert!(matches!(keys.issue(NewKey { label, ..role(Role::Viewer) }), Err(KeysError::Label)));
    }
}

#[test]
fn files_that_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let hash = "0".repeat(64);
    let key = |lines: &str| format!("version = 1\n[[key]]\nid = \"0123456789abcdef\"\ncreated = 1\n{lines}");
    let good = key(&format!("sha256 = \"{hash}\"\nrole = \"viewer\"\n"));
    let (_, entry) = good.split_once('\n').unwrap();
    for (text, why) in [
        ("version = 2", "version 2, and only 1 is known".to_owned()),
        ("", "missing field `version`".to_owned()),
        ("\u{0}", "keys.toml".to_owned()),
        ("version = 1\nextra = 1", "unknown field".to_owned()),
        (&key(&format!("sha256 = \"{hash}\"")), "key 1: it needs either `role` or `purpose`".to_owned()),
        (&key(&format!("sha256 = \"{hash}\"\nrole = \"root\"")), "unknown variant `root`".to_owned()),
        (&key(&format!("sha256 = \"{hash}\"\npurpose = \"lift all\"")), "key 1: ".to_owned()),
        (&key(&format!("sha256 = \"{hash}\"\npurpose = \"ban 192.0.2.7\"")), "is no purpose".to_owned()),
        (&key("sha256 = \"00\"\nrole = \"viewer\""), "needs 64 hexadecimal digits".to_owned()),
        (&format!("{good}{entry}"), "key 2: id 0123456789abcdef is there twice".to_owned()),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let error = Keys::open(&path, Hands::default().clock()).unwrap_err();
        assert!(matches!(error, KeysError::Content { .. }) && error.to_string().contains(&why), "{error}");
    }
    fs::write(&path, good).unwrap();
    assert_eq!(Keys::open(&path, Hands::default().clock()).unwrap().list().len(), 1);
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let error = Keys::open(&path, Hands::default().clock()).unwrap_err();
    assert!(error.to_string().contains("others may use it (mode 040)"), "{error}");
}

/// What cannot be written down does not happen.
#[test]
fn a_folder_that_is_gone() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    let keys = open(dir.path(), &hands);
    let (token, secret) = issue(&keys, lift("192.0.2.7", 1));
    dir.close().unwrap();
    assert!(matches!(keys.issue(role(Role::Admin)), Err(KeysError::File(_))));
    assert!(keys.revoke(token.id).is_err());
    assert!(matches!(keys.redeem(token.id), Err(KeyRefused::Unrecorded { .. })));
    assert_eq!(keys.list().len(), 1);
    assert!(keys.verify(secret.reveal()).is_ok());
}

#[tokio::test]
async fn keys_open_what_they_say() {
    let site = Site::new().await;
    let victor = site.connect("viewer-victor").await;
    let keys = site.access.keys();
    let (_, operator) = issue(keys, role(Role::Operator));
    assert_eq!(call(&victor, APPLY).await.code(), Code::PermissionDenied);
    assert_eq!(call_with(&victor, APPLY, Some(operator.reveal())).await.code(), ADMITTED);
    let (token, once) = issue(keys, lift("192.0.2.7", 1));
    for method in [APPLY, STATUS, common::HEALTH] {
        let refused = call_with(&victor, method, Some(once.reveal())).await;
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(refused.message().contains("one purpose only: lift 192.0.2.7"), "{refused}");
    }
    assert_eq!(call_with(&victor, NUDGE, Some(once.reveal())).await.code(), ADMITTED);
    let used = call_with(&victor, NUDGE, Some(once.reveal())).await;
    assert_eq!(used.code(), Code::Unauthenticated);
    assert!(!used.message().contains(&token.id.to_string()));
    // A wrong key is never overlooked in favour of the certificate.
    assert_eq!(call_with(&victor, STATUS, Some("rpt_x")).await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn each_has_a_rate() {
    let rate = RateConfig { requests_per_s: 1, burst: 3 };
    let site = Site::with(TlsLimits::default(), rate).await;
    let (alice, victor) = (site.connect("operator-alice").await, site.connect("viewer-victor").await);
    // Handshakes are over: nothing waits for a time that the paused clock could leap to.
    site.until(|counts| counts.established == 2).await;
    tokio::time::pause();
    let mut answers = Vec::new();
    // Guesses count, too.
    for key in [None, Some("rpt_x"), Some("rpt_y"), None] {
        answers.push(call_with(&alice, STATUS, key).await.code());
    }
    let refused = Code::Unauthenticated;
    assert_eq!(answers, [ADMITTED, refused, refused, Code::ResourceExhausted]);
    assert_eq!(call(&victor, STATUS).await.code(), ADMITTED);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(call(&alice, STATUS).await.code(), ADMITTED);
    let counts = site.access.counts();
    assert_eq!((counts.admitted, counts.unauthenticated, counts.limited), (3, 2, 1));
}
