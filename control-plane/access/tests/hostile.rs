//! Whatever certificates, lists, keys and logs hold: an answer or an error, never a panic.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use common::{Hands, days, files, names};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;
use repute_access::pki::Pki;
use repute_access::{Bindings, BindingsConfig, Identity, Keys, LiveTls, SpiffeId, verify};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;

/// A CA that all cases share and none writes to.
static CA: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    Pki::init(dir.path(), &names(), days(0)).unwrap();
    dir
});

/// Some bytes changed, and a piece taken out.
fn spoil(bytes: &mut Vec<u8>, changes: &[(Index, u8)], cut: (Index, usize)) {
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] ^= byte;
    }
    let from = cut.0.index(bytes.len());
    let to = (from + cut.1).min(bytes.len());
    bytes.drain(from..to);
}

fn changes() -> impl Strategy<Value = (Vec<(Index, u8)>, (Index, usize))> {
    (prop::collection::vec((any::<Index>(), 1u8..), 0..6), (any::<Index>(), prop_oneof![Just(0), 0usize..40]))
}

fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(0x5eed),
        cases: 500,
        failure_persistence: None,
        ..Default::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn certificates((changes, cut) in changes()) {
        let mut der = CertificateDer::from_pem_file(CA.path().join("operator-alice.pem")).unwrap().to_vec();
        spoil(&mut der, &changes, cut);
        if let Ok(identity) = Identity::of_certificate(&der) {
            prop_assert!(!identity.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn files_of_tls(name in prop::sample::select(vec!["server.pem", "server.key", "ca.pem", "crl.pem"]), (changes, cut) in changes()) {
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(CA.path()).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, dir.path().join(from.file_name().unwrap())).unwrap();
        }
        let path: PathBuf = dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        spoil(&mut bytes, &changes, cut);
        fs::write(&path, bytes).unwrap();
        // Spoiled or not, an error names the file.
        if let Err(error) = LiveTls::open(files(dir.path()), Hands::default().clock()) {
            prop_assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
        }
        let _ = Pki::open(dir.path()).map(|pki| pki.revoke(&dir.path().join("server.pem"), days(0)));
    }

    #[test]
    fn texts(text in ".{0,200}") {
        let keys = Keys::open(&CA.path().join("none.toml"), Hands::default().clock()).unwrap();
        prop_assert!(keys.verify(&text).is_err());
        if let Ok(id) = text.parse::<SpiffeId>() {
            prop_assert_eq!(id.as_str(), text.as_str());
        }
        if let Ok(config) = toml::from_str::<BindingsConfig>(&text) {
            let _ = Bindings::new(&config, 0);
        }
    }

    #[test]
    fn logs(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        fs::write(&path, bytes).unwrap();
        prop_assert!(verify(&path).is_err());
    }
}
