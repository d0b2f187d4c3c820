//! A certificate authority in a folder, for labs and small sites: `repute pki init | issue | revoke`.
//!
//! ```text
//! ca.pem  ca.key               the CA (P-256, ten years)
//! crl.pem                      what it has revoked: the list itself is the record
//! server.pem  server.key       the box
//! operator-alice.pem  .key     a client: spiffe://example.org/operator/alice
//! ```
//!
//! **Always holds:** private keys have mode 0600; nothing that is there is ever overwritten, but for the
//! revocation list, which is replaced whole.

mod crl;
mod issue;

use std::fs::{self, DirBuilder};
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::files::{self, FileError, PRIVATE, PUBLIC, failed};
use crate::role::Role;
use crate::spiffe::SpiffeError;
use issue::{DAY, Kind, certificate, is_name, key_pair};

/// Largest file that is read back, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// What a new CA begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PkiNames {
    /// The SPIFFE trust domain of the clients, such as `example.org`.
    pub trust_domain: String,
    /// Names that clients call the box by.
    pub dns: Vec<String>,
    /// Addresses that clients call the box by.
    pub ips: Vec<IpAddr>,
    /// The first clients.
    pub clients: Vec<(Role, String)>,
}

/// Why the CA did not do it.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is something already.
    #[error("{}: it is there already; nothing is overwritten: choose another folder or name", .0.display())]
    Exists(PathBuf),
    /// Not a trust domain or a name.
    #[error("`{name}`: {why}")]
    Name {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file of the CA is not what it should be.
    #[error("{}: {why}; it has to be as `repute pki` wrote it", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Making a certificate or list failed.
    #[error("the certificate or list could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// A certificate and its key, as files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuedFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A CA in a folder.
#[derive(Debug)]
pub struct Pki {
    folder: PathBuf,
    trust_domain: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    /// Makes a CA, an empty revocation list, the server's certificate and those of the first clients. The folder
    /// is made too (mode 0700) if it is missing. Names are checked before anything is written.
    ///
    /// # Errors
    /// Any of the files is there already; bad names; the system refuses.
    pub fn init(folder: &Path, names: &PkiNames, now: SystemTime) -> Result<Self, PkiError> {
        trust_domain(&names.trust_domain)?;
        for (at, (role, name)) in names.clients.iter().enumerate() {
            is_name(name)?;
            if names.clients.iter().take(at).any(|other| *other == (*role, name.clone())) {
                return Err(PkiError::Name {
                    name: name.clone(),
                    why: format!("this {role} is there twice"),
                });
            }
        }
        let server = server_names(&names.dns, &names.ips)?;
        DirBuilder::new().mode(0o700).recursive(true).create(folder).map_err(failed("create it", folder))?;
        let clients = names.clients.iter().map(|(role, name)| format!("{role}-{name}"));
        for stem in ["ca", "crl", "server"].map(str::to_owned).into_iter().chain(clients) {
            absent(&folder.join(format!("{stem}.pem")))?;
            absent(&folder.join(format!("{stem}.key")))?;
        }
        let (params, key) = (ca_params(&names.trust_domain, now), key_pair()?);
        let certificate = params.self_signed(&key)?;
        files::create(&folder.join("ca.key"), key.serialize_pem().as_bytes(), PRIVATE)?;
        files::create(&folder.join("ca.pem"), certificate.pem().as_bytes(), PUBLIC)?;
        let pki = Self {
            folder: folder.to_owned(),
            trust_domain: names.trust_domain.clone(),
            issuer: Issuer::new(params, key),
        };
        crl::create(&pki.crl(), &pki.issuer, now)?;
        pki.put("server", Kind::Server(server), now)?;
        for (role, name) in &names.clients {
            pki.issue(*role, name, now)?;
        }
        Ok(pki)
    }

    /// Reads a CA back.
    ///
    /// # Errors
    /// Files are missing or are not those of a CA made here.
    pub fn open(folder: &Path) -> Result<Self, PkiError> {
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca.key"));
        let wrong = |path: &Path, why: String| PkiError::Content { path: path.to_owned(), why };
        let text = |path: &Path| {
            let bytes = files::read_bounded(path, FILE_MAX)?;
            String::from_utf8(bytes).map_err(|error| wrong(path, error.to_string()))
        };
        let pair = KeyPair::from_pem(&text(&key)?).map_err(|error| wrong(&key, error.to_string()))?;
        let pem = text(&certificate)?;
        let trust_domain = issue::organization(&pem).map_err(|why| wrong(&certificate, why))?;
        let issuer =
            Issuer::from_ca_cert_pem(&pem, pair).map_err(|error| wrong(&certificate, error.to_string()))?;
        Ok(Self { folder: folder.to_owned(), trust_domain, issuer })
    }

    /// Issues a client certificate `spiffe://TRUST-DOMAIN/ROLE/NAME` for a year. The role is part of the name;
    /// what it may do is said by the box's bindings (`spiffe://TRUST-DOMAIN/ROLE/*`).
    ///
    /// # Errors
    /// One of this role and name is there; a bad name; the system refuses.
    pub fn issue(&self, role: Role, name: &str, now: SystemTime) -> Result<IssuedFiles, PkiError> {
        is_name(name)?;
        let uri = format!("spiffe://{}/{role}/{name}", self.trust_domain);
        self.put(&format!("{role}-{name}"), Kind::Client { uri, name: name.to_owned() }, now)
    }

    /// Issues a server's certificate for a year, as `NAME.pem` and `NAME.key`: for another box, or to replace the
    /// first one.
    ///
    /// # Errors
    /// One of this name is there; a bad name; the system refuses.
    pub fn issue_server(
        &self,
        name: &str,
        dns: &[String],
        ips: &[IpAddr],
        now: SystemTime,
    ) -> Result<IssuedFiles, PkiError> {
        is_name(name)?;
        self.put(name, Kind::Server(server_names(dns, ips)?), now)
    }

    /// Revokes a certificate of this CA: adds it to the revocation list. False if it was there already.
    ///
    /// # Errors
    /// Not a certificate of this CA; a damaged list; the system refuses.
    pub fn revoke(&self, certificate: &Path, now: SystemTime) -> Result<bool, PkiError> {
        let serial =
            issue::serial(certificate, &files::read_bounded(&self.folder.join("ca.pem"), FILE_MAX)?)?;
        crl::add(&self.crl(), &self.issuer, &serial, now)
    }

    /// Where the revocation list is.
    pub fn crl(&self) -> PathBuf {
        self.folder.join("crl.pem")
    }

    fn put(&self, stem: &str, kind: Kind, now: SystemTime) -> Result<IssuedFiles, PkiError> {
        let made = IssuedFiles {
            certificate: self.folder.join(format!("{stem}.pem")),
            key: self.folder.join(format!("{stem}.key")),
        };
        for path in [&made.certificate, &made.key] {
            absent(path)?;
        }
        let (pem, key) = certificate(&self.issuer, kind, now)?;
        files::create(&made.key, key.as_bytes(), PRIVATE)?;
        files::create(&made.certificate, pem.as_bytes(), PUBLIC)?;
        files::sync_folder(&made.key)?;
        Ok(made)
    }
}

/// Nothing is overwritten.
fn absent(path: &Path) -> Result<(), PkiError> {
    if fs::symlink_metadata(path).is_ok() { Err(PkiError::Exists(path.to_owned())) } else { Ok(()) }
}

fn trust_domain(name: &str) -> Result<(), PkiError> {
    let id = format!("spiffe://{name}");
    let why = match id.parse::<crate::spiffe::SpiffeId>() {
        Ok(id) if id.trust_domain() == name => return Ok(()),
        Ok(_) => SpiffeError::TrustDomain,
        Err(error) => error,
    };
    Err(PkiError::Name { name: name.to_owned(), why: why.to_string() })
}

fn server_names(dns: &[String], ips: &[IpAddr]) -> Result<Vec<SanType>, PkiError> {
    let dns = dns.iter().map(|name| {
        let wrong =
            |_| PkiError::Name { name: name.clone(), why: "a DNS name has only ASCII characters".into() };
        name.as_str().try_into().map(SanType::DnsName).map_err(wrong)
    });
    let ips = ips.iter().map(|ip| Ok(SanType::IpAddress(*ip)));
    let all: Vec<_> = dns.chain(ips).collect::<Result<_, _>>()?;
    if all.is_empty() {
        let why = "its certificate needs a DNS name or an address that clients call it by".to_owned();
        return Err(PkiError::Name { name: "server".to_owned(), why });
    }
    Ok(all)
}

fn ca_params(trust_domain: &str, now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, trust_domain);
    params.distinguished_name.push(DnType::CommonName, "repute CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    issue::set_validity(&mut params, now, 3650 * DAY);
    params
}

impl Kind {
    /// What the certificate is good for.
    fn usage(&self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Server(_) => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Client { .. } => ExtendedKeyUsagePurpose::ClientAuth,
        }
    }
}
