//! The connection to reputed over its unix socket or TLS, and errors in words.

mod remote;

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use repute_proto::v1::access_client::AccessClient;
use repute_proto::v1::crowds_client::CrowdsClient;
use repute_proto::v1::dns_client::DnsClient;
use repute_proto::v1::events_client::EventsClient;
use repute_proto::v1::feeds_client::FeedsClient;
use repute_proto::v1::mitigations_client::MitigationsClient;
use repute_proto::v1::policies_client::PoliciesClient;
use repute_proto::v1::scores_client::ScoresClient;
use repute_proto::v1::services_client::ServicesClient;
use repute_proto::v1::status_client::StatusClient;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};

/// Largest answer in bytes: a policy's text and some more.
const ANSWER_MAX: usize = 17 << 20;

/// Where reputed is, and who asks.
#[derive(Args, Debug)]
pub struct Server {
    /// Unix socket of reputed [default: /run/repute/repute.sock as root,
    /// $XDG_RUNTIME_DIR/repute/repute.sock otherwise]
    #[arg(long, env = "REPUTE_SOCKET", value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    #[command(flatten)]
    remote: remote::Remote,
    /// File with an API key or token to present (REPUTE_KEY may hold the key itself)
    #[arg(long, env = "REPUTE_KEY_FILE", value_name = "FILE", global = true)]
    key_file: Option<PathBuf>,
}

impl Server {
    fn path(&self) -> anyhow::Result<PathBuf> {
        let path = self.socket.clone().or_else(repute_proto::default_socket);
        path.context("where is reputed? XDG_RUNTIME_DIR is not set: name its socket with --socket PATH")
    }

    /// What is presented beside the certificate or the socket.
    fn bearer(&self) -> anyhow::Result<Bearer> {
        let text = match &self.key_file {
            Some(path) => {
                fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?
            }
            None => std::env::var("REPUTE_KEY").unwrap_or_default(),
        };
        if text.trim().is_empty() {
            ensure!(
                self.key_file.is_none(),
                "the file of --key-file is empty; it should hold a key, `rpt_…`"
            );
            return Ok(Bearer(None));
        }
        let mut value: AsciiMetadataValue = format!("Bearer {}", text.trim())
            .parse()
            .context("the key is none: it should look like `rpt_…`")?;
        value.set_sensitive(true);
        Ok(Bearer(Some(value)))
    }
}

/// Presents a key with every request, if there is one.
#[derive(Clone, Debug)]
pub struct Bearer(Option<AsciiMetadataValue>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

/// What clients send their requests by.
pub type Channel = InterceptedService<tonic::transport::Channel, Bearer>;

/// An open connection.
#[derive(Clone, Debug)]
pub struct Connection {
    channel: Channel,
}

impl Connection {
    /// Connects, or says why not and what to do.
    pub async fn open(server: &Server) -> anyhow::Result<Self> {
        let bearer = server.bearer()?;
        let channel = match server.remote.open().await? {
            Some(channel) => channel,
            None => local(&server.path()?).await?,
        };
        Ok(Self { channel: InterceptedService::new(channel, bearer) })
    }

    pub fn status(&self) -> StatusClient<Channel> {
        StatusClient::new(self.channel.clone())
    }

    pub fn scores(&self) -> ScoresClient<Channel> {
        ScoresClient::new(self.channel.clone())
    }

    pub fn mitigations(&self) -> MitigationsClient<Channel> {
        MitigationsClient::new(self.channel.clone())
    }

    pub fn crowds(&self) -> CrowdsClient<Channel> {
        CrowdsClient::new(self.channel.clone())
    }

    pub fn dns(&self) -> DnsClient<Channel> {
        DnsClient::new(self.channel.clone())
    }

    pub fn services(&self) -> ServicesClient<Channel> {
        ServicesClient::new(self.channel.clone())
    }

    pub fn feeds(&self) -> FeedsClient<Channel> {
        FeedsClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub fn events(&self) -> EventsClient<Channel> {
        EventsClient::new(self.channel.clone())
    }

    pub fn policies(&self) -> PoliciesClient<Channel> {
        PoliciesClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }

    pub fn access(&self) -> AccessClient<Channel> {
        AccessClient::new(self.channel.clone())
    }
}

async fn local(path: &Path) -> anyhow::Result<tonic::transport::Channel> {
    // The plain attempt has the plain error.
    UnixStream::connect(path).map_err(|error| unreachable(path, &error))?;
    let text = path.to_str().context("the socket's path is not UTF-8: choose another one")?;
    let endpoint = Endpoint::try_from(format!("unix:{text}"))?;
    endpoint.connect().await.with_context(|| format!("{text}: cannot connect"))
}

fn unreachable(path: &Path, error: &io::Error) -> anyhow::Error {
    let way_out = match error.kind() {
        io::ErrorKind::PermissionDenied => "become root, or join the group that owns the socket",
        _ => "is reputed running? Start it, or name its socket with --socket PATH or REPUTE_SOCKET",
    };
    anyhow!("cannot reach reputed at {}: {error}\n  {way_out}", path.display())
}

/// An answer that is a refusal, in words.
pub fn refused(status: Status) -> anyhow::Error {
    match status.code() {
        Code::Unimplemented => anyhow!("this reputed is older than repute and does not know the request"),
        Code::Unknown | Code::Cancelled | Code::Unavailable if status.message().contains("transport") => {
            anyhow!("the connection to reputed broke: {}; is it still running?", status.message())
        }
        _ => anyhow!("{}", status.message()),
    }
}
