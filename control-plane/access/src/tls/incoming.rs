//! From a TCP listener to a stream of TLS connections for `serve_with_incoming`, with limits.
//!
//! | limit | when it is reached |
//! |---|---|
//! | handshakes under way | the oldest of the address with the most ends |
//! | time of a handshake | it ends |
//! | open connections | the new one is closed after its handshake |
//!
//! **Always holds:** a slow or silent client holds up nobody else; only connections with a verified client
//! certificate that names somebody come out.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;

use super::connection::TlsConnection;
use super::live::LiveTls;
use super::peer::Peer;
use super::waiting::Waiting;

/// Connections that are ready and wait for the server to take them.
const READY_MAX: usize = 16;
/// How long accepting rests after the system refused (out of descriptors, say).
const REST: Duration = Duration::from_millis(100);

/// How much strangers may take up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsLimits {
    /// Open connections; default 256.
    pub connections: usize,
    /// Handshakes under way; default 128.
    pub handshakes: usize,
    /// How long a handshake may take, in seconds; default 10.
    pub handshake_s: u64,
}

impl Default for TlsLimits {
    fn default() -> Self {
        Self { connections: 256, handshakes: 128, handshake_s: 10 }
    }
}

/// Connections since the start, by what became of them: accepted = established + all others + under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TlsCounts {
    /// By the system.
    pub accepted: u64,
    /// Handed to the server.
    pub established: u64,
    /// No TLS, no certificate, a wrong one.
    pub failed: u64,
    /// Too slow.
    pub timed_out: u64,
    /// Had to make room for another handshake.
    pub evicted: u64,
    /// Found all connections taken.
    pub full: u64,
    /// The certificate names nobody.
    pub nameless: u64,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    established: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    evicted: AtomicU64,
    full: AtomicU64,
    nameless: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A stream of TLS connections. Accepting ends when it is dropped.
#[derive(Debug)]
pub struct TlsIncoming {
    ready: mpsc::Receiver<io::Result<TlsConnection>>,
    accepting: JoinHandle<()>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    live: Arc<LiveTls>,
    places: Arc<Semaphore>,
    within: Duration,
    counts: Counters,
}

impl TlsIncoming {
    /// Begins to accept, on a task of the runtime that this is called in.
    pub fn new(listener: TcpListener, live: Arc<LiveTls>, limits: TlsLimits) -> Self {
        let shared = Arc::new(Shared {
            live,
            places: Arc::new(Semaphore::new(limits.connections.clamp(1, Semaphore::MAX_PERMITS))),
            within: Duration::from_secs(limits.handshake_s.max(1)),
            counts: Counters::default(),
        });
        let (sender, ready) = mpsc::channel(READY_MAX);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), limits.handshakes, sender));
        Self { ready, accepting, shared }
    }

    /// What became of connections; goes on counting after the stream was handed to a server.
    pub fn counts(&self) -> impl Fn() -> TlsCounts + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || {
            let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let counts = &shared.counts;
            TlsCounts {
                accepted: read(&counts.accepted),
                established: read(&counts.established),
                failed: read(&counts.failed),
                timed_out: read(&counts.timed_out),
                evicted: read(&counts.evicted),
                full: read(&counts.full),
                nameless: read(&counts.nameless),
            }
        }
    }
}

impl Stream for TlsIncoming {
    type Item = io::Result<TlsConnection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ready.poll_recv(context)
    }
}

impl Drop for TlsIncoming {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Ready = mpsc::Sender<io::Result<TlsConnection>>;

/// Accepts and starts handshakes until the stream is gone.
async fn accept(listener: TcpListener, shared: Arc<Shared>, handshakes: usize, ready: Ready) {
    let mut waiting = Waiting::<AbortHandle>::new(handshakes);
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            Some(ended) = tasks.join_next() => {
                match ended {
                    Ok(id) => waiting.remove(id),
                    // It made room, so it is no longer in the list.
                    Err(_) => count(&shared.counts.evicted),
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((tcp, from)) => {
                    count(&shared.counts.accepted);
                    if let Some(oldest) = waiting.make_room() {
                        oldest.abort();
                    }
                    let work = welcome(tcp, from, Arc::clone(&shared), ready.clone());
                    waiting.add(from.ip(), |id| tasks.spawn(async move { work.await; id }));
                }
                Err(error) => {
                    tracing::warn!(%error, "the API's listener cannot accept; it tries again");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

/// One connection from its first byte until the server has it.
async fn welcome(tcp: TcpStream, from: SocketAddr, shared: Arc<Shared>, ready: Ready) {
    let counts = &shared.counts;
    // Answers are small; without it a lost packet more would be all there is to see.
    let _ = tcp.set_nodelay(true);
    let (config, generation) = shared.live.config();
    let handshake = TlsAcceptor::from(config).accept(tcp);
    let tls = match tokio::time::timeout(shared.within, handshake).await {
        Err(_) => return count(&counts.timed_out),
        Ok(Err(error)) => {
            tracing::debug!(%from, %error, "TLS handshake failed");
            return count(&counts.failed);
        }
        Ok(Ok(tls)) => tls,
    };
    let chain = tls.get_ref().1.peer_certificates().unwrap_or_default();
    let chain = chain.iter().map(|der| der.clone().into_owned()).collect();
    let peer = match Peer::new(chain, from, Arc::clone(&shared.live), generation) {
        Ok(peer) => peer,
        Err(error) => {
            tracing::debug!(%from, %error, "a client without a name");
            return count(&counts.nameless);
        }
    };
    let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
        tracing::debug!(%from, "all connections of the API are taken");
        return count(&counts.full);
    };
    if ready.send(Ok(TlsConnection::new(tls, peer, place))).await.is_ok() {
        count(&counts.established);
    }
}
