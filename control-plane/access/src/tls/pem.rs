//! PEM files of certificates, keys and revocation lists, with errors that name file and problem.

use std::path::Path;

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::material::TlsError;
use crate::files;

/// Largest file of certificates or keys in bytes.
const FILE_MAX: u64 = 1 << 20;
/// Largest revocation list in bytes: some 400 000 entries.
const CRL_MAX: u64 = 16 << 20;
/// Most certificates of one file.
const CERTIFICATES_MAX: usize = 100;
/// Most sections of one file, of whatever kind.
const SECTIONS_MAX: usize = 1000;

/// All sections with their kinds.
fn sections(path: &Path, max: u64) -> Result<Vec<(SectionKind, Vec<u8>)>, TlsError> {
    let bytes = files::read_bounded(path, max)?;
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(&bytes).take(SECTIONS_MAX);
    sections.collect::<Result<_, _>>().map_err(|error| TlsError::content(path, error.to_string()))
}

/// Those of one type; at least one.
fn only<T: PemObject>(path: &Path, max: u64, what: &'static str) -> Result<Vec<T>, TlsError> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for (kind, der) in sections(path, max)? {
        match T::from_pem(kind, der) {
            Some(item) => found.push(item),
            None => others.push(name(kind)),
        }
    }
    match (found.is_empty(), others.first()) {
        (false, _) => Ok(found),
        (true, Some(other)) => {
            Err(TlsError::content(path, format!("it holds {other} and no {what}; name the other file here")))
        }
        (true, None) => {
            Err(TlsError::content(path, format!("it holds no {what} in PEM (`-----BEGIN …-----`)")))
        }
    }
}

/// One to [`CERTIFICATES_MAX`] certificates.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = only::<CertificateDer<'static>>(path, FILE_MAX, "certificate")?;
    if found.len() > CERTIFICATES_MAX {
        let why = format!("it holds {} certificates, at most {CERTIFICATES_MAX}", found.len());
        return Err(TlsError::content(path, why));
    }
    Ok(found)
}

/// Exactly one private key, in a file that its owner alone may use.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    match files::others_may(path)? {
        0 => {}
        mode => return Err(TlsError::Exposed { path: path.to_owned(), mode }),
    }
    let mut keys = only::<PrivateKeyDer<'static>>(path, FILE_MAX, "private key")?;
    match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => Ok(key),
        _ => Err(TlsError::content(path, "it holds several private keys; keep the one of the certificate")),
    }
}

/// One or more revocation lists.
pub(super) fn crls(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    only::<CertificateRevocationListDer<'static>>(path, CRL_MAX, "revocation list (X509 CRL)")
}

fn name(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Certificate => "a certificate",
        SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => "a private key",
        SectionKind::Crl => "a revocation list",
        SectionKind::Csr => "a certificate request",
        _ => "something else",
    }
}
