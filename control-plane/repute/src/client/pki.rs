//! `repute pki` and `repute audit`: what needs no server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::SystemTime;

use anyhow::bail;
use clap::{Args, Subcommand};
use repute_access::pki::{IssuedFiles, Pki as Authority, PkiNames};
use repute_access::{Role, verify_all};

use super::output::{Output, text};

/// Make certificates for a lab or a small site
#[derive(Subcommand, Debug)]
pub enum Pki {
    Init(Init),
    Issue(Issue),
    /// Revoke a certificate; reputed reads the list anew by itself
    Revoke {
        /// The folder of the CA
        folder: PathBuf,
        /// The certificate, PEM
        certificate: PathBuf,
    },
}

/// Make a CA, a revocation list, the box's certificate and those of the first clients
#[derive(Args, Debug)]
pub struct Init {
    /// Where they are put; made if it is missing
    folder: PathBuf,
    /// The SPIFFE trust domain of the clients
    #[arg(long, value_name = "DOMAIN", default_value = "repute.internal")]
    trust_domain: String,
    /// A name that clients call the box by; may be given several times
    #[arg(long, value_name = "NAME")]
    dns: Vec<String>,
    /// An address that clients call the box by; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<IpAddr>,
    /// A client, such as operator/alice; may be given several times
    #[arg(long, value_name = "ROLE/NAME")]
    client: Vec<Client>,
}

/// Issue another client certificate
#[derive(Args, Debug)]
pub struct Issue {
    /// The folder of the CA
    folder: PathBuf,
    /// Whose, such as operator/alice
    client: Client,
}

/// A client by its role and name.
#[derive(Clone, Debug)]
struct Client(Role, String);

impl FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('/').and_then(|(role, name)| {
            let role = Role::ALL.into_iter().find(|one| one.name() == role)?;
            Some(Self(role, name.to_owned()))
        });
        named.ok_or_else(|| format!("`{text}`: expected ROLE/NAME, such as operator/alice or viewer/wall"))
    }
}

/// Runs `repute pki`.
pub fn run(args: Pki) -> anyhow::Result<()> {
    let now = SystemTime::now();
    match args {
        Pki::Init(Init { folder, trust_domain, dns, ip, client }) => {
            let clients: Vec<_> = client.into_iter().map(|Client(role, name)| (role, name)).collect();
            let names = PkiNames { trust_domain: trust_domain.clone(), dns, ips: ip, clients };
            Authority::init(&folder, &names, now)?;
            let at = folder.display();
            text(&format!(
                "{at}: a CA, its revocation list, the box's certificate and {} of clients. For the box's config:\n\n\
                 [api]\nlisten = \"[::]:7443\"\n\n[api.tls]\ncertificate = \"{at}/server.pem\"\n\
                 key = \"{at}/server.key\"\nclient_ca = \"{at}/ca.pem\"\ncrl = \"{at}/crl.pem\"\n\n[api.access]\n\
                 bind = [\n{}]\n",
                names.clients.len(),
                bindings(&trust_domain)
            ))
        }
        Pki::Issue(Issue { folder, client: Client(role, name) }) => {
            let IssuedFiles { certificate, key } = Authority::open(&folder)?.issue(role, &name, now)?;
            text(&format!("{}\n{}\n", certificate.display(), key.display()))
        }
        Pki::Revoke { folder, certificate } => {
            let authority = Authority::open(&folder)?;
            let was_good = authority.revoke(&certificate, now)?;
            let state = if was_good { "revoked" } else { "was revoked before" };
            text(&format!("{}: {state}; the list is {}\n", certificate.display(), authority.crl().display()))
        }
    }
}

/// One line a role, for the config.
fn bindings(domain: &str) -> String {
    let line =
        |role: Role| format!("    {{ identity = \"spiffe://{domain}/{role}/*\", role = \"{role}\" }},\n");
    Role::ALL.into_iter().map(line).collect()
}

/// Look after the audit log
#[derive(Subcommand, Debug)]
pub enum Audit {
    /// Check the chain of an audit log and its older files
    Verify {
        /// The log
        file: PathBuf,
    },
}

/// Runs `repute audit`.
pub fn run_audit(args: &Audit, output: Output) -> anyhow::Result<()> {
    let Audit::Verify { file } = args;
    match verify_all(file) {
        Ok(verified) => {
            let (entries, first, last, head) =
                (verified.entries, verified.first, verified.last, &verified.head);
            let found = serde_json::json!({ "entries": entries, "first": first, "last": last, "head": head });
            output.one(&found, |_| format!("{entries} entries, {first} to {last}, unbroken; head {head}\n"))
        }
        Err(broken) => bail!("{broken}"),
    }
}
