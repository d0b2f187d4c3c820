//! What TLS is made of: certificate chain, key, client CA and revocation lists, read and checked together.
//!
//! Made by [`LiveTls`](super::LiveTls) at start and at every change of a file. **Always holds:** what was made
//! could serve at the time it was made.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig, version};
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use super::pem;
use crate::clock::{Clock, from_unix_seconds};
use crate::files::FileError;

/// Where the parts are: PEM files, watched for changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The server's certificate, then those that lead to its CA.
    pub certificate: PathBuf,
    /// Its private key; mode 0600.
    pub key: PathBuf,
    /// Certificates of the CAs whose clients may connect.
    pub client_ca: PathBuf,
    /// Revocation lists, one of every CA that issues; absent = nothing is revoked. Their `nextUpdate` is not
    /// enforced: a list that was not renewed would otherwise lock everybody out.
    pub crl: Option<PathBuf>,
}

impl TlsFiles {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Path> {
        let files = [Some(&self.certificate), Some(&self.key), Some(&self.client_ca), self.crl.as_ref()];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}

/// Why TLS cannot be made of the files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not what it should be.
    #[error("{}: {why}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and the way out.
        why: String,
    },
    /// Others could read the key.
    #[error(
        "{}: others may use it (mode {mode:03o}); `chmod 600` it, and issue another if anybody did",
        path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// The bits for group and others.
        mode: u32,
    },
    /// Its time is over.
    #[error("{}: `{subject}` has expired; issue another", path.display())]
    Expired {
        /// Which file.
        path: PathBuf,
        /// Whose certificate.
        subject: String,
    },
    /// Its time has not come.
    #[error("{}: `{subject}` is not valid yet; check the clock of this machine and of its CA", path.display())]
    NotYetValid {
        /// Which file.
        path: PathBuf,
        /// Whose certificate.
        subject: String,
    },
    /// The certificates do not lead from one to the next.
    #[error(
        "{}: certificate {number} (`{subject}`) did not issue the one before it; the order is: the server's, \
         then each its issuer's",
        path.display()
    )]
    Order {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        /// Whose certificate.
        subject: String,
    },
    /// Key and certificate are of different pairs.
    #[error("{}: it is not the key of the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
}

impl TlsError {
    pub(super) fn content(path: &Path, why: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), why: why.into() }
    }
}

/// What TLS is made of.
#[derive(Debug)]
pub(super) struct Material {
    /// For new connections.
    pub config: Arc<ServerConfig>,
    /// Judges client certificates, again and again.
    pub verifier: Arc<dyn ClientCertVerifier>,
    /// The file of the certificate that expires first, and when.
    pub expires: (PathBuf, SystemTime),
}

impl Material {
    /// Reads and checks everything, as of the clock's now. Blocks on the disk.
    pub fn load(files: &TlsFiles, clock: &Clock) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let now = clock.now();
        let chain = pem::certificates(&files.certificate)?;
        let chain_end = check_chain(&files.certificate, &chain, now)?;
        let certified = certify(files, chain, &provider)?;
        let (roots, roots_end) = read_roots(&files.client_ca, now)?;
        let verifier = client_verifier(files, roots, &provider)?;
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(clock.clone()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| TlsError::content(&files.certificate, error.to_string()))?
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let ends = [(files.certificate.clone(), chain_end), (files.client_ca.clone(), roots_end)];
        let [first, second] = ends;
        let expires = if second.1 < first.1 { second } else { first };
        Ok(Self { config: Arc::new(config), verifier, expires })
    }
}

/// The chain leads from the server's certificate upwards and is valid; until when.
fn check_chain(path: &Path, chain: &[CertificateDer<'_>], now: SystemTime) -> Result<SystemTime, TlsError> {
    let parsed = chain.iter().map(|der| parse(path, der)).collect::<Result<Vec<_>, _>>()?;
    for (number, pair) in (2..).zip(parsed.windows(2)) {
        if let [below, above] = pair
            && below.issuer().as_raw() != above.subject().as_raw()
        {
            let subject = above.subject().to_string();
            return Err(TlsError::Order { path: path.to_owned(), number, subject });
        }
    }
    if let [first, ..] = parsed.as_slice()
        && first.is_ca()
    {
        let why = format!("`{}` is the certificate of a CA; the server's comes first", first.subject());
        return Err(TlsError::content(path, why));
    }
    valid_until(path, &parsed, now)
}

/// Until when all of them are valid.
fn valid_until(path: &Path, all: &[X509Certificate<'_>], now: SystemTime) -> Result<SystemTime, TlsError> {
    let time = |seconds: i64| from_unix_seconds(u64::try_from(seconds).unwrap_or(0));
    let mut until = from_unix_seconds(u64::MAX);
    for certificate in all {
        let (path, subject) = (path.to_owned(), certificate.subject().to_string());
        let validity = certificate.validity();
        if now < time(validity.not_before.timestamp()) {
            return Err(TlsError::NotYetValid { path, subject });
        }
        let end = time(validity.not_after.timestamp());
        if now > end {
            return Err(TlsError::Expired { path, subject });
        }
        until = until.min(end);
    }
    Ok(until)
}

fn parse<'a>(path: &Path, der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, TlsError> {
    let parsed = X509Certificate::from_der(der);
    let (_, certificate) = parsed.map_err(|error| TlsError::content(path, format!("unreadable: {error}")))?;
    Ok(certificate)
}

/// Joins the chain with its key.
fn certify(
    files: &TlsFiles,
    chain: Vec<CertificateDer<'static>>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let key = provider
        .key_provider
        .load_private_key(pem::key(&files.key)?)
        .map_err(|error| TlsError::content(&files.key, format!("unusable: {error}")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // A key that does not tell its public half cannot be compared; the handshake will.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { key: files.key.clone(), certificate: files.certificate.clone() })
        }
        Err(error) => Err(TlsError::content(&files.certificate, error.to_string())),
    }
}

/// The client CAs, and until when they are valid: the verifier itself does not look at that.
fn read_roots(path: &Path, now: SystemTime) -> Result<(RootCertStore, SystemTime), TlsError> {
    let certificates = pem::certificates(path)?;
    let parsed = certificates.iter().map(|der| parse(path, der)).collect::<Result<Vec<_>, _>>()?;
    if let Some(other) = parsed.iter().find(|certificate| !certificate.is_ca()) {
        let why = format!("`{}` is no certificate of a CA; name the CA's file here", other.subject());
        return Err(TlsError::content(path, why));
    }
    let until = valid_until(path, &parsed, now)?;
    let mut roots = RootCertStore::empty();
    for der in &certificates {
        roots.add(der.clone()).map_err(|error| TlsError::content(path, format!("unusable: {error}")))?;
    }
    Ok((roots, until))
}

fn client_verifier(
    files: &TlsFiles,
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let path = files.crl.as_deref().unwrap_or(&files.client_ca);
    let crls = files.crl.as_deref().map(pem::crls).transpose()?.unwrap_or_default();
    for der in &crls {
        let parsed = CertificateRevocationList::from_der(der);
        parsed.map_err(|error| TlsError::content(path, format!("unreadable: {error}")))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(crls)
        .build()
        .map_err(|error| TlsError::content(path, format!("unusable: {error}")))
}
