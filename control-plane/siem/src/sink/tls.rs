//! TLS towards syslog receivers: rustls with aws-lc-rs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Whom to trust, and who we are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TlsConfig {
    /// PEM file of the authorities that the receiver's certificate must come from.
    pub ca: PathBuf,
    /// PEM files of our own certificate chain and its key, where the receiver asks for one.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// The name that the receiver's certificate must have, if it is not the host of the address.
    #[serde(default)]
    pub server_name: Option<String>,
}

/// A client certificate and its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The chain, our own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What is wrong with certificates or keys.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no such thing.
    #[error("{path}: {error}; expected PEM with a {what}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// Why it is not.
        error: rustls::pki_types::pem::Error,
    },
    /// No certificate in the file.
    #[error("{0} has no certificate that can be trusted")]
    NoAuthority(PathBuf),
    /// Key and certificate do not fit, or are of a kind that is not supported.
    #[error("{path}: {error}")]
    Identity {
        /// The certificate's file.
        path: PathBuf,
        /// What rustls says.
        error: rustls::Error,
    },
    /// Not a host name.
    #[error("`{0}` is neither a host name nor an address that a certificate could name")]
    Name(String),
    /// The provider lacks what TLS needs.
    #[error("TLS cannot be used: {0}")]
    Provider(rustls::Error),
}

/// A connector to `host:port` that trusts as `config` says, and the name it expects there.
pub fn connector(config: &TlsConfig, to: &str) -> Result<(TlsConnector, ServerName<'static>), TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Provider)?
        .with_root_certificates(authorities(&config.ca)?);
    let client = match &config.identity {
        None => builder.with_no_client_auth(),
        Some(Identity { cert, key }) => {
            let chain = certificates(cert)?;
            let pem = |error| TlsError::Pem { path: key.clone(), what: "private key", error };
            let key = PrivateKeyDer::from_pem_file(key).map_err(pem)?;
            let identity = |error| TlsError::Identity { path: cert.clone(), error };
            builder.with_client_auth_cert(chain, key).map_err(identity)?
        }
    };
    let name = config.server_name.as_deref().unwrap_or_else(|| host(to));
    let name = ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))?;
    Ok((TlsConnector::from(Arc::new(client)), name))
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host(to: &str) -> &str {
    let host = to.rsplit_once(':').map_or(to, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(path)?);
    if added == 0 { Err(TlsError::NoAuthority(path.to_owned())) } else { Ok(roots) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = |error| TlsError::Pem { path: path.to_owned(), what: "certificate", error };
    CertificateDer::pem_file_iter(path).map_err(pem)?.collect::<Result<_, _>>().map_err(pem)
}
