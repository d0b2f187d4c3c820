//! The CA: what it writes, what it refuses, and what OpenSSL makes of it.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use common::{days, names};
use repute_access::pki::{Pki, PkiError, PkiNames};
use repute_access::{Identity, Role};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

fn modes(folder: &Path) -> Vec<(String, u32)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mode = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().mode() & 0o777)
    };
    let mut modes: Vec<_> = entries.map(mode).collect();
    modes.sort();
    modes
}

#[test]
fn files_and_modes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pki");
    Pki::init(&folder, &names(), days(0)).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    for (name, mode) in modes(&folder) {
        assert_eq!(mode, if name.ends_with(".key") { 0o600 } else { 0o644 }, "{name}");
    }
    let expected = [
        "ca.key",
        "ca.pem",
        "crl.pem",
        "operator-alice.key",
        "operator-alice.pem",
        "server.key",
        "server.pem",
        "viewer-victor.key",
        "viewer-victor.pem",
    ];
    assert_eq!(modes(&folder).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), expected);
    let alice = CertificateDer::from_pem_file(folder.join("operator-alice.pem")).unwrap();
    let alice = Identity::of_certificate(&alice).unwrap();
    assert_eq!(alice.to_string(), "spiffe://example.org/operator/alice");
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    Pki::init(dir.path(), &names(), days(0)).unwrap();
    let read = || modes(dir.path()).into_iter().map(|(name, _)| fs::read(dir.path().join(name)).unwrap());
    let before: Vec<_> = read().collect();
    assert!(matches!(Pki::init(dir.path(), &names(), days(0)), Err(PkiError::Exists(_))));
    let pki = Pki::open(dir.path()).unwrap();
    assert!(matches!(pki.issue(Role::Operator, "alice", days(0)), Err(PkiError::Exists(_))));
    assert!(matches!(pki.issue_server("server", &["a".into()], &[], days(0)), Err(PkiError::Exists(_))));
    assert_eq!(read().collect::<Vec<_>>(), before);
}

#[test]
fn bad_names_write_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pki");
    let client = |name: &str| vec![(Role::Viewer, name.to_owned())];
    for wrong in [
        PkiNames { trust_domain: "Example.org".into(), ..names() },
        PkiNames { trust_domain: "example.org/x".into(), ..names() },
        PkiNames { trust_domain: String::new(), ..names() },
        PkiNames { dns: vec![], ips: vec![], ..names() },
        PkiNames { dns: vec!["é".into()], ..names() },
        PkiNames { clients: client("../../etc/x"), ..names() },
        PkiNames { clients: client(".hidden"), ..names() },
        PkiNames { clients: client("a b"), ..names() },
        PkiNames { clients: client(&"x".repeat(64)), ..names() },
        PkiNames { clients: client(""), ..names() },
        PkiNames { clients: [client("a"), client("a")].concat(), ..names() },
    ] {
        let error = Pki::init(&folder, &wrong, days(0)).unwrap_err();
        assert!(matches!(error, PkiError::Name { .. }), "{error}");
        assert!(!folder.exists());
    }
}

#[test]
fn what_is_not_its_own() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let pki = Pki::init(dir.path(), &names(), days(0)).unwrap();
    Pki::init(elsewhere.path(), &names(), days(0)).unwrap();
    let other = pki.revoke(&elsewhere.path().join("operator-alice.pem"), days(0)).unwrap_err();
    assert!(other.to_string().contains("it is no certificate of this CA"), "{other}");
    assert!(matches!(pki.revoke(&dir.path().join("none.pem"), days(0)), Err(PkiError::File(_))));
    assert!(matches!(pki.revoke(&dir.path().join("ca.key"), days(0)), Err(PkiError::Content { .. })));
    fs::write(dir.path().join("crl.pem"), "x").unwrap();
    let list = pki.revoke(&dir.path().join("operator-alice.pem"), days(0)).unwrap_err();
    assert!(list.to_string().contains("crl.pem"), "{list}");
    assert!(Pki::open(&dir.path().join("none")).is_err());
}

/// `openssl verify` with the revocation list; `None` where there is no OpenSSL.
fn openssl(folder: &Path, name: &str, purpose: &str) -> Option<String> {
    let at = common::BEGIN.to_string();
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["verify", "-x509_strict", "-crl_check", "-attime", &at]);
    command.args(["-CAfile", "ca.pem", "-CRLfile", "crl.pem", "-purpose", purpose, name]);
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn as_openssl_sees_it() {
    let dir = tempfile::tempdir().unwrap();
    Pki::init(dir.path(), &names(), days(0)).unwrap();
    let Some(server) = openssl(dir.path(), "server.pem", "sslserver") else {
        println!("skipped: there is no openssl here");
        return;
    };
    assert_eq!(server, "server.pem: OK\n");
    assert_eq!(openssl(dir.path(), "operator-alice.pem", "sslclient").unwrap(), "operator-alice.pem: OK\n");
    // Opened again, as `repute pki revoke` does; two, so that the list is also read back.
    for name in ["operator-alice.pem", "viewer-victor.pem"] {
        let pki = Pki::open(dir.path()).unwrap();
        assert!(pki.revoke(&dir.path().join(name), days(0)).unwrap());
        let after = openssl(dir.path(), name, "sslclient").unwrap();
        assert!(after.contains("certificate revoked"), "{after}");
    }
    let bob = Pki::open(dir.path()).unwrap().issue(Role::Peer, "bob", days(0)).unwrap();
    let bob = bob.certificate.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(openssl(dir.path(), &bob, "sslclient").unwrap(), format!("{bob}: OK\n"));
    let again = openssl(dir.path(), "operator-alice.pem", "sslclient").unwrap();
    assert!(again.contains("certificate revoked"), "{again}");
}
