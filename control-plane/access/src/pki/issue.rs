//! One certificate: what goes into it, and what is read back out of it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{FILE_MAX, PkiError};
use crate::files;

pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long the certificates of servers and clients are good.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// Clocks of others may be so far behind.
const BEHIND: Duration = Duration::from_secs(3600);
/// Longest name of a client in characters.
const NAME_MAX: usize = 63;

/// Whose certificate.
pub(super) enum Kind {
    /// The box, by its names.
    Server(Vec<SanType>),
    /// Somebody.
    Client { uri: String, name: String },
}

/// A new key pair on P-256.
pub(super) fn key_pair() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

/// A certificate and its key, both PEM.
pub(super) fn certificate(
    issuer: &Issuer<'_, KeyPair>,
    kind: Kind,
    now: SystemTime,
) -> Result<(String, String), PkiError> {
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![kind.usage()];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name = rcgen::DistinguishedName::new();
    match kind {
        Kind::Server(names) => {
            params.distinguished_name.push(DnType::CommonName, "repute");
            params.subject_alt_names = names;
        }
        Kind::Client { uri, name } => {
            params.distinguished_name.push(DnType::CommonName, name);
            params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into()?)];
        }
    }
    set_validity(&mut params, now, YEAR);
    let key = key_pair()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// From a little before now on, for so long.
pub(super) fn set_validity(params: &mut CertificateParams, now: SystemTime, span: Duration) {
    params.not_before = OffsetDateTime::from(now.checked_sub(BEHIND).unwrap_or(now));
    params.not_after = OffsetDateTime::from(now + span);
}

/// Whether it can be the name of a client, and of its files.
pub(super) fn is_name(name: &str) -> Result<(), PkiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if (1..=NAME_MAX).contains(&name.len()) && name.chars().all(allowed) && !name.starts_with('.') {
        return Ok(());
    }
    let why = format!(
        "a name has 1 to {NAME_MAX} characters of a-z, A-Z, 0-9, `.`, `-` and `_` and does not begin with a dot"
    );
    Err(PkiError::Name { name: name.chars().take(100).collect(), why })
}

/// The organization in a certificate's subject: the trust domain of a CA made here.
pub(super) fn organization(pem: &str) -> Result<String, String> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| error.to_string())?;
    let mut names = certificate.subject().iter_organization();
    let name = names.next().and_then(|name| name.as_str().ok());
    name.map(str::to_owned).ok_or_else(|| "it names no trust domain (organization)".to_owned())
}

/// The serial number of a certificate of this CA.
pub(super) fn serial(path: &Path, ca_pem: &[u8]) -> Result<Vec<u8>, PkiError> {
    let wrong = |why: String| PkiError::Content { path: path.to_owned(), why };
    let bytes = files::read_bounded(path, FILE_MAX)?;
    let der = CertificateDer::from_pem_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| wrong(error.to_string()))?;
    let ca = CertificateDer::from_pem_slice(ca_pem).map_err(|error| wrong(format!("the CA: {error}")))?;
    let (_, ca) = X509Certificate::from_der(&ca).map_err(|error| wrong(format!("the CA: {error}")))?;
    let ours = certificate.verify_signature(Some(ca.public_key())).is_ok();
    if !ours {
        return Err(wrong("it is no certificate of this CA".to_owned()));
    }
    Ok(certificate.raw_serial().to_vec())
}
