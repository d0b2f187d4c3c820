//! Who somebody is: read from a client certificate, the other end of the unix socket, or a key.
//!
//! Written the same in bindings, messages and the audit log: `spiffe://…`, `cn:…`, `uid:…`, `key:…`.

use std::fmt;

use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;

use crate::keys::KeyId;
use crate::spiffe::{SpiffeError, SpiffeId};

/// Longest common name in characters (RFC 5280, `ub-common-name`).
pub const COMMON_NAME_MAX: usize = 64;

/// Who somebody is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Identity {
    /// The SPIFFE ID of a client certificate.
    Spiffe(SpiffeId),
    /// The common name of a client certificate without a SPIFFE ID.
    CommonName(String),
    /// The user at the other end of the unix socket.
    Uid(u32),
    /// The holder of an API key or a one-purpose token.
    Key(KeyId),
}

/// Why a certificate names nobody.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdentityError {
    /// It is none.
    #[error("the client certificate cannot be read: {0}")]
    Unreadable(String),
    /// More than one SPIFFE ID.
    #[error("the client certificate has {0} `spiffe://` names; X.509-SVIDs have exactly one")]
    ManyNames(usize),
    /// A SPIFFE ID that is none.
    #[error("the client certificate names `{text}`: {why}")]
    Spiffe {
        /// The name, shortened.
        text: String,
        /// What is wrong with it.
        why: SpiffeError,
    },
    /// No usable name at all.
    #[error(
        "the client certificate has neither a `spiffe://` name nor exactly one common name of 1 to \
         {COMMON_NAME_MAX} printable characters; issue one with a name (`repute pki issue`)"
    )]
    NoName,
}

impl Identity {
    /// Whom a client certificate (DER) names: its one SPIFFE ID, or else its one common name. The caller has
    /// verified the certificate.
    ///
    /// # Errors
    /// The certificate is unreadable, or names nobody or several.
    pub fn of_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        let (_, certificate) =
            parse_x509_certificate(der).map_err(|error| IdentityError::Unreadable(error.to_string()))?;
        let names = spiffe_names(&certificate)?;
        match names.as_slice() {
            [] => common_name(&certificate).map(Self::CommonName),
            [name] => name
                .parse()
                .map(Self::Spiffe)
                .map_err(|why| IdentityError::Spiffe { text: name.chars().take(100).collect(), why }),
            several => Err(IdentityError::ManyNames(several.len())),
        }
    }
}

/// URIs that mean to be SPIFFE IDs, in whatever case their scheme is.
fn spiffe_names<'a>(certificate: &'a X509Certificate<'_>) -> Result<Vec<&'a str>, IdentityError> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|error| IdentityError::Unreadable(format!("its alternative names: {error}")))?;
    let names = extension.map(|found| found.value.general_names.as_slice()).unwrap_or_default();
    let is_spiffe = |uri: &&str| uri.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"));
    let uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    Ok(uris.filter(is_spiffe).collect())
}

fn common_name(certificate: &X509Certificate<'_>) -> Result<String, IdentityError> {
    let mut names = certificate.subject().iter_common_name().map(|name| name.as_str());
    match (names.next(), names.next()) {
        (Some(Ok(name)), None) if is_common_name(name) => Ok(name.to_owned()),
        _ => Err(IdentityError::NoName),
    }
}

/// Whether it can be the common name of somebody here.
pub(crate) fn is_common_name(name: &str) -> bool {
    (1..=COMMON_NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spiffe(id) => write!(f, "{id}"),
            Self::CommonName(name) => write!(f, "cn:{name}"),
            Self::Uid(uid) => write!(f, "uid:{uid}"),
            Self::Key(id) => write!(f, "key:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn identity(uris: &[&str], names: &[&str]) -> Result<Identity, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let [name] = names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Identity::of_certificate(certificate.der())
    }

    #[test]
    fn one_spiffe_id_else_the_common_name() {
        let alice = identity(&["spiffe://td/operator/alice"], &["somebody"]).unwrap();
        assert_eq!(alice.to_string(), "spiffe://td/operator/alice");
        let other = identity(&["https://example.org/", "spiffe://td/a"], &[]).unwrap();
        assert_eq!(other.to_string(), "spiffe://td/a");
        assert_eq!(identity(&["https://example.org/"], &["bob"]).unwrap().to_string(), "cn:bob");
    }

    #[test]
    fn no_name_and_too_many() {
        let two = identity(&["spiffe://td/a", "spiffe://td/b"], &["bob"]);
        assert_eq!(two, Err(IdentityError::ManyNames(2)));
        // A broken SPIFFE ID never falls back to the common name.
        for broken in ["spiffe://td/", "SPIFFE://td/a", "spiffe:td"] {
            assert!(matches!(identity(&[broken], &["bob"]), Err(IdentityError::Spiffe { .. })), "{broken}");
        }
        assert_eq!(identity(&[], &[]), Err(IdentityError::NoName));
        assert_eq!(identity(&[], &["a\nb"]), Err(IdentityError::NoName));
        assert_eq!(identity(&[], &[&"x".repeat(65)]), Err(IdentityError::NoName));
        assert!(matches!(Identity::of_certificate(b"x"), Err(IdentityError::Unreadable(_))));
    }
}
