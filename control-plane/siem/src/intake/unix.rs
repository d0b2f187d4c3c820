//! EVE over a unix socket that we listen on: Suricata's `unix_stream` and `unix_dgram` connect to it.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::{UnixDatagram, UnixListener};
use tokio::sync::mpsc;

use super::clients::{Clients, EndWith};
use super::frames::Frames;
use super::syslog::pause;
use super::{Input, IntakeError, Output, Received};
use crate::alert::{RECORD_MAX, parse_eve};

/// Connections at once: one per engine is usual.
const CONNECTIONS_MAX: usize = 16;

/// A unix socket for EVE records.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnixConfig {
    /// What events and rules call it.
    pub name: String,
    /// The socket; made when the input starts. Who may write to its folder may send alerts.
    pub path: PathBuf,
    /// Its type.
    pub kind: UnixKind,
}

/// Types of unix sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnixKind {
    /// Lines over connections.
    Stream,
    /// One record a datagram.
    Datagram,
}

impl Input {
    /// Listens on a unix socket. To be called in a tokio runtime.
    ///
    /// # Errors
    /// The path is occupied by something else than an abandoned socket, or cannot be bound.
    pub fn unix(config: UnixConfig, alerts: mpsc::Sender<Received>) -> Result<Self, IntakeError> {
        clear(&config)?;
        let output = Output::new(&config.name, parse_eve, alerts);
        let counts = Arc::clone(&output.counts);
        let listen = |error| IntakeError::Listen {
            input: config.name.clone(),
            at: config.path.display().to_string(),
            error,
        };
        let task = match config.kind {
            UnixKind::Stream => {
                let listener = UnixListener::bind(&config.path).map_err(listen)?;
                tokio::spawn(connections(listener, Clients::new(output, CONNECTIONS_MAX)))
            }
            UnixKind::Datagram => {
                let socket = UnixDatagram::bind(&config.path).map_err(listen)?;
                tokio::spawn(datagrams(socket, output))
            }
        };
        Ok(Self { counts, tasks: vec![task.abort_handle()], address: None })
    }
}

/// Removes a socket that an earlier run left behind.
fn clear(config: &UnixConfig) -> Result<(), IntakeError> {
    let occupied = |what| IntakeError::Occupied {
        input: config.name.clone(),
        at: config.path.display().to_string(),
        what,
    };
    let Ok(about) = std::fs::symlink_metadata(&config.path) else { return Ok(()) };
    if !about.file_type().is_socket() {
        return Err(occupied("no socket"));
    }
    if is_in_use(&config.path) {
        return Err(occupied("a socket that somebody listens on"));
    }
    std::fs::remove_file(&config.path).map_err(|error| IntakeError::Listen {
        input: config.name.clone(),
        at: config.path.display().to_string(),
        error,
    })
}

/// Whether a peer answers: then connecting succeeds, or fails otherwise than by refusal.
fn is_in_use(path: &Path) -> bool {
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    let stream = std::os::unix::net::UnixStream::connect(path);
    let datagram = std::os::unix::net::UnixDatagram::unbound().and_then(|socket| socket.connect(path));
    !(stream.is_err_and(refused) || datagram.is_err_and(refused))
}

async fn connections(listener: UnixListener, clients: Clients) {
    let output = clients.output().clone();
    let clients = EndWith(clients);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => clients.0.add(stream, "connection".to_owned(), Frames::lines()),
            Err(error) => pause(&output, &error).await,
        }
    }
}

async fn datagrams(socket: UnixDatagram, output: Output) {
    let mut buffer = vec![0; RECORD_MAX + 1];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(bytes) => {
                let record = Some(&buffer[..bytes]).filter(|record| record.len() <= RECORD_MAX);
                if let Some(received) = output.read(record, &"datagram")
                    && !output.offer(received)
                {
                    return;
                }
            }
            Err(error) => pause(&output, &error).await,
        }
    }
}
