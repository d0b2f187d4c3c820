//! The revocation list (RFC 5280, section 5): made empty, then replaced whole with one entry more.

use std::path::Path;
use std::time::SystemTime;

use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevocationReason, RevokedCertParams,
    SerialNumber,
};
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::issue::DAY;
use super::{FILE_MAX, PkiError};
use crate::files::{self, PUBLIC};

/// Most entries: a list of so many is as large as the box reads.
const ENTRIES_MAX: usize = 200_000;

/// An empty list.
pub(super) fn create(path: &Path, issuer: &Issuer<'_, KeyPair>, now: SystemTime) -> Result<(), PkiError> {
    let pem = signed(issuer, 1, Vec::new(), now)?;
    Ok(files::create(path, pem.as_bytes(), PUBLIC)?)
}

/// Adds a serial number; false if it is there already.
pub(super) fn add(
    path: &Path,
    issuer: &Issuer<'_, KeyPair>,
    serial: &[u8],
    now: SystemTime,
) -> Result<bool, PkiError> {
    let wrong = |why: String| PkiError::Content { path: path.to_owned(), why };
    let bytes = files::read_bounded(path, FILE_MAX)?;
    let der =
        CertificateRevocationListDer::from_pem_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let (_, list) = CertificateRevocationList::from_der(&der).map_err(|error| wrong(error.to_string()))?;
    let number = list.crl_number().and_then(|number| u64::try_from(number).ok());
    let number = number.ok_or_else(|| wrong("it has no number".to_owned()))?;
    let mut revoked = Vec::new();
    for entry in list.iter_revoked_certificates() {
        if entry.raw_serial() == serial {
            return Ok(false);
        }
        let at = OffsetDateTime::from_unix_timestamp(entry.revocation_date.timestamp());
        let at = at.map_err(|error| wrong(error.to_string()))?;
        revoked.push(revocation(entry.raw_serial(), at));
    }
    if revoked.len() >= ENTRIES_MAX {
        return Err(wrong(format!("it has {ENTRIES_MAX} entries; make a new CA")));
    }
    revoked.push(revocation(serial, now.into()));
    let pem = signed(issuer, number + 1, revoked, now)?;
    files::replace(path, pem.as_bytes(), PUBLIC)?;
    Ok(true)
}

fn revocation(serial: &[u8], at: OffsetDateTime) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: at,
        reason_code: Some(RevocationReason::Unspecified),
        invalidity_date: None,
    }
}

fn signed(
    issuer: &Issuer<'_, KeyPair>,
    number: u64,
    revoked_certs: Vec<RevokedCertParams>,
    now: SystemTime,
) -> Result<String, PkiError> {
    let list = CertificateRevocationListParams {
        this_update: now.into(),
        // As long as the CA: the list changes when something is revoked, not by the calendar.
        next_update: (now + 3650 * DAY).into(),
        crl_number: number.into(),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(list.signed_by(issuer)?.pem()?)
}
