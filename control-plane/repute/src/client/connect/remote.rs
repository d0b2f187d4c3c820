//! The way to a reputed elsewhere: TLS with a client certificate.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A reputed elsewhere.
#[derive(Args, Debug)]
pub struct Remote {
    /// Address of a reputed elsewhere, https://HOST:PORT; in place of the socket
    #[arg(long, env = "REPUTE_API", value_name = "URL", global = true)]
    api: Option<String>,
    /// With --api: the CA of the box, PEM
    #[arg(long, env = "REPUTE_TLS_CA", value_name = "FILE", global = true)]
    tls_ca: Option<PathBuf>,
    /// With --api: the client certificate, PEM
    #[arg(long, env = "REPUTE_TLS_CERT", value_name = "FILE", global = true)]
    tls_cert: Option<PathBuf>,
    /// With --api: its private key, PEM
    #[arg(long, env = "REPUTE_TLS_KEY", value_name = "FILE", global = true)]
    tls_key: Option<PathBuf>,
    /// With --api: the name in the box's certificate [default: the host of --api]
    #[arg(long, env = "REPUTE_TLS_NAME", value_name = "NAME", global = true)]
    tls_name: Option<String>,
}

impl Remote {
    /// Connects; none if no address is given.
    pub async fn open(&self) -> anyhow::Result<Option<Channel>> {
        let Some(api) = &self.api else { return Ok(None) };
        ensure!(
            api.starts_with("https://"),
            "--api {api}: expected https://HOST:PORT; reputed speaks TLS only"
        );
        let endpoint =
            Endpoint::try_from(api.clone()).with_context(|| format!("--api {api}: not an address"))?;
        let endpoint = endpoint.tls_config(self.tls()?)?.connect_timeout(CONNECT_WITHIN);
        let channel = endpoint.connect().await.map_err(|error| {
            anyhow!(
                "cannot reach reputed at {api}: {}\n  is it listening there (`[api] listen`), and do its CA and \
                 this certificate belong together?",
                root_cause(&error)
            )
        })?;
        Ok(Some(channel))
    }

    fn tls(&self) -> anyhow::Result<ClientTlsConfig> {
        let needed = "--api needs --tls-ca, --tls-cert and --tls-key (or REPUTE_TLS_CA, REPUTE_TLS_CERT, REPUTE_TLS_KEY)";
        let pem = |path: &Option<PathBuf>| read(path.as_deref().context(needed)?);
        let ca = Certificate::from_pem(pem(&self.tls_ca)?);
        let identity = Identity::from_pem(pem(&self.tls_cert)?, pem(&self.tls_key)?);
        let tls = ClientTlsConfig::new().ca_certificate(ca).identity(identity);
        Ok(match &self.tls_name {
            Some(name) => tls.domain_name(name),
            None => tls,
        })
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{}: cannot read", path.display()))
}

/// What the innermost error says: transports wrap it in words that help nobody.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
