//! CEF and EVE over syslog: UDP and TCP on one port.
//!
//! Syslog has no authentication and datagrams can be forged: only senders in `from` are heard, and
//! [`crate::Bounds`] limit what their alerts can do. Listen on a management network.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use repute_model::PrefixTable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;

use super::clients::{Clients, EndWith};
use super::frames::Frames;
use super::{Counts, Input, IntakeError, Output, Received};
use crate::alert::parse_line;

/// How long is waited when the system cannot accept a connection (no descriptors left).
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// Largest datagram.
const DATAGRAM: usize = 65_535;

/// Where syslog is listened for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyslogConfig {
    /// What events and rules call it.
    pub name: String,
    /// The address, for UDP and TCP.
    pub listen: SocketAddr,
    /// Connections at once; each may need 256 KiB.
    #[serde(default = "connections_default")]
    pub connections: usize,
}

const fn connections_default() -> usize {
    64
}

impl Input {
    /// Listens for syslog messages of senders in `from`. To be called in a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn syslog(
        config: SyslogConfig,
        from: PrefixTable<()>,
        alerts: mpsc::Sender<Received>,
    ) -> Result<Self, IntakeError> {
        let listen =
            |error| IntakeError::Listen { input: config.name.clone(), at: config.listen.to_string(), error };
        let tcp = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = tcp.local_addr().map_err(listen)?;
        let udp = UdpSocket::bind(address).await.map_err(listen)?;
        let output = Output::new(&config.name, parse_line, alerts);
        let (counts, from) = (Arc::clone(&output.counts), Arc::new(from));
        let tasks = vec![
            tokio::spawn(datagrams(udp, Arc::clone(&from), output.clone())).abort_handle(),
            tokio::spawn(connections(tcp, from, Clients::new(output, config.connections))).abort_handle(),
        ];
        Ok(Self { counts, tasks, address: Some(address) })
    }
}

fn is_from(from: &PrefixTable<()>, ip: IpAddr) -> bool {
    from.get(ip.to_canonical().into()).is_some()
}

async fn datagrams(socket: UdpSocket, from: Arc<PrefixTable<()>>, output: Output) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let (bytes, sender) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            Err(error) => {
                pause(&output, &error).await;
                continue;
            }
        };
        if !is_from(&from, sender.ip()) {
            Counts::add(&output.counts.refused);
            continue;
        }
        if let Some(received) = output.read(Some(&buffer[..bytes]), &sender)
            && !output.offer(received)
        {
            return;
        }
    }
}

async fn connections(listener: TcpListener, from: Arc<PrefixTable<()>>, clients: Clients) {
    let output = clients.output().clone();
    let clients = EndWith(clients);
    loop {
        match listener.accept().await {
            Ok((stream, sender)) if is_from(&from, sender.ip()) => {
                clients.0.add(stream, sender.to_string(), Frames::syslog());
            }
            Ok(_) => Counts::add(&output.counts.refused),
            Err(error) => pause(&output, &error).await,
        }
    }
}

/// Says what went wrong and waits a little.
pub async fn pause(output: &Output, error: &io::Error) {
    output.counts.error(error);
    tokio::time::sleep(AFTER_ERROR).await;
}
