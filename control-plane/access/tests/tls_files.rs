//! What can be wrong with the files of TLS: every error names file and problem.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Hands, days, files, names};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use repute_access::pki::Pki;
use repute_access::{LiveTls, TlsFiles};

/// A good set, spoiled.
fn error(spoil: impl FnOnce(&Path, &Hands)) -> String {
    error_of(spoil, |_| {})
}

fn error_of(spoil: impl FnOnce(&Path, &Hands), change: impl FnOnce(&mut TlsFiles)) -> String {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    Pki::init(dir.path(), &names(), hands.now()).unwrap();
    spoil(dir.path(), &hands);
    let mut files = files(dir.path());
    change(&mut files);
    LiveTls::open(files, hands.clock()).unwrap_err().to_string()
}

fn says(error: &str, file: &str, problem: &str) {
    assert!(error.contains(file) && error.contains(problem), "{error}");
}

#[test]
fn missing_and_empty() {
    for name in ["server.pem", "server.key", "ca.pem", "crl.pem"] {
        says(&error(|dir, _| fs::remove_file(dir.join(name)).unwrap()), name, "cannot");
        let emptied = error(|dir, _| fs::write(dir.join(name), "").unwrap());
        says(&emptied, name, "it holds no");
        let huge = error(|dir, _| fs::write(dir.join(name), vec![b'x'; 17 << 20]).unwrap());
        says(&huge, name, "it has more than");
    }
}

#[test]
fn one_for_another() {
    let key = error_of(|_, _| {}, |files| files.certificate = files.key.clone());
    says(&key, "server.key", "it holds a private key and no certificate");
    let certificate = error_of(
        |dir, _| fs::set_permissions(dir.join("server.pem"), Permissions::from_mode(0o600)).unwrap(),
        |files| files.key = files.certificate.clone(),
    );
    says(&certificate, "server.pem", "it holds a certificate and no private key");
    let client_ca = error_of(|_, _| {}, |files| files.client_ca = files.certificate.clone());
    says(&client_ca, "server.pem", "is no certificate of a CA");
    let ca = error_of(|_, _| {}, |files| files.certificate = files.client_ca.clone());
    says(&ca, "ca.pem", "is the certificate of a CA");
}

#[test]
fn open_to_others() {
    for mode in [0o604, 0o640, 0o660] {
        let open = error(|dir, _| {
            fs::set_permissions(dir.join("server.key"), Permissions::from_mode(mode)).unwrap()
        });
        says(&open, "server.key", &format!("mode {:03o}", mode & 0o077));
    }
}

#[test]
fn the_key_of_another() {
    let other = error(|dir, _| {
        fs::rename(dir.join("operator-alice.key"), dir.join("server.key")).unwrap();
    });
    says(&other, "server.key", "it is not the key of the certificate");
}

#[test]
fn too_late_and_too_early() {
    let late = error(|_, hands| hands.forward(400 * common::DAY));
    says(&late, "server.pem", "has expired");
    let ca = error(|dir, hands| {
        let elsewhere = tempfile::tempdir().unwrap();
        Pki::init(elsewhere.path(), &names(), days(-3700)).unwrap();
        fs::copy(elsewhere.path().join("ca.pem"), dir.join("ca.pem")).unwrap();
        assert_eq!(hands.now(), days(0));
    });
    says(&ca, "ca.pem", "has expired");
    let early = error(|dir, _| {
        for name in ["server.pem", "server.key"] {
            fs::remove_file(dir.join(name)).unwrap();
        }
        Pki::open(dir).unwrap().issue_server("server", &["a".into()], &[], days(2)).unwrap();
    });
    says(&early, "server.pem", "is not valid yet");
}

/// A server's certificate below an intermediate below a root, in both orders.
#[test]
fn the_order_of_a_chain() {
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let keys: Vec<_> = (0..3).map(|_| KeyPair::generate().unwrap()).collect();
    let root = Issuer::from_params(&ca("root"), &keys[0]).key().serialize_pem();
    let root = Issuer::new(ca("root"), KeyPair::from_pem(&root).unwrap());
    let between = ca("between").signed_by(&keys[1], &root).unwrap().pem();
    let issuer = Issuer::new(ca("between"), KeyPair::from_pem(&keys[1].serialize_pem()).unwrap());
    let mut server = CertificateParams::new(["localhost".to_owned()]).unwrap();
    server.distinguished_name.push(DnType::CommonName, "server");
    let server = server.signed_by(&keys[2], &issuer).unwrap().pem();
    let put = |dir: &Path, chain: String| {
        fs::write(dir.join("server.pem"), chain).unwrap();
        fs::write(dir.join("server.key"), keys[2].serialize_pem()).unwrap();
    };
    let wrong = error(|dir, _| put(dir, format!("{between}{server}")));
    says(&wrong, "server.pem", "certificate 2 (`CN=server`) did not issue the one before it");
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    Pki::init(dir.path(), &names(), hands.now()).unwrap();
    put(dir.path(), format!("{server}{between}"));
    LiveTls::open(files(dir.path()), hands.clock()).unwrap();
}

#[test]
fn garbage_in_pem() {
    for name in ["server.pem", "ca.pem", "crl.pem"] {
        let garbage = error(|dir, _| {
            let path = dir.join(name);
            let text = fs::read_to_string(&path).unwrap();
            let begin = text.lines().next().unwrap().to_owned();
            let end = text.lines().last().unwrap();
            fs::write(&path, format!("{begin}\nAAAA\n{end}\n")).unwrap();
        });
        says(&garbage, name, "unreadable");
    }
}

#[test]
fn without_a_revocation_list() {
    let (dir, hands) = (tempfile::tempdir().unwrap(), Hands::default());
    Pki::init(dir.path(), &names(), hands.now()).unwrap();
    let live = LiveTls::open(TlsFiles { crl: None, ..files(dir.path()) }, hands.clock()).unwrap();
    let (path, at) = live.expires();
    assert_eq!((path, at), (dir.path().join("server.pem"), days(365)));
}
