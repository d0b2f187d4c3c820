//! The connection to reputed over its unix socket, and errors in words.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use repute_proto::v1::events_client::EventsClient;
use repute_proto::v1::mitigations_client::MitigationsClient;
use repute_proto::v1::policies_client::PoliciesClient;
use repute_proto::v1::scores_client::ScoresClient;
use repute_proto::v1::status_client::StatusClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// Largest answer in bytes: a policy's text and some more.
const ANSWER_MAX: usize = 17 << 20;

/// Where reputed is.
#[derive(Args, Debug)]
pub struct Server {
    /// Unix socket of reputed [default: /run/repute/repute.sock as root,
    /// $XDG_RUNTIME_DIR/repute/repute.sock otherwise]
    #[arg(long, env = "REPUTE_SOCKET", value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
}

impl Server {
    fn path(&self) -> anyhow::Result<PathBuf> {
        let path = self.socket.clone().or_else(repute_proto::default_socket);
        path.context("where is reputed? XDG_RUNTIME_DIR is not set: name its socket with --socket PATH")
    }
}

/// An open connection.
#[derive(Clone, Debug)]
pub struct Connection {
    channel: Channel,
}

impl Connection {
    /// Connects, or says why not and what to do.
    pub async fn open(server: &Server) -> anyhow::Result<Self> {
        let path = server.path()?;
        // The plain attempt has the plain error.
        UnixStream::connect(&path).map_err(|error| unreachable(&path, &error))?;
        let text = path.to_str().context("the socket's path is not UTF-8: choose another one")?;
        let endpoint = Endpoint::try_from(format!("unix:{text}"))?;
        let channel = endpoint.connect().await.with_context(|| format!("{text}: cannot connect"))?;
        Ok(Self { channel })
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

    pub fn events(&self) -> EventsClient<Channel> {
        EventsClient::new(self.channel.clone())
    }

    pub fn policies(&self) -> PoliciesClient<Channel> {
        PoliciesClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_MAX)
    }
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
