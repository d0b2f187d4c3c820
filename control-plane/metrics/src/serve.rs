//! `GET /metrics` and `GET /healthz`, on loopback: who may see numbers of the box is who is on it.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::connection::Bounded;
use crate::{BoxSnapshot, Format, render};

/// How the box is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// Packets are judged, everything is as it should be.
    Well,
    /// Something is not; one sentence for people.
    Ill(String),
}

/// Where the numbers come from. Both are asked on the server's task and have to answer at once.
pub trait Probe: fmt::Debug + Send + Sync + 'static {
    /// Everything as of now.
    fn snapshot(&self) -> BoxSnapshot;

    /// Whether the box does what it is there for.
    fn health(&self) -> Health;
}

/// Why metrics are not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could connect.
    #[error(
        "metrics are served on loopback only, not on {0}; use 127.0.0.1 or [::1], and a proxy with TLS for others"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be used.
    #[error("metrics cannot be served on {address}: {cause}; name another port or free this one")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
}

/// Listens on a loopback address.
///
/// # Errors
/// [`ServeError`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|cause| ServeError::Bind { address, cause })
}

/// Serves until `end` comes, one answer a connection, at most [`crate::CONNECTIONS_MAX`] of them for at most
/// [`crate::CONNECTION_LIFE`].
///
/// # Errors
/// None that a caller could do anything about.
pub async fn serve(
    listener: TcpListener,
    probe: Arc<dyn Probe>,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(Bounded::new(listener), router(probe)).with_graceful_shutdown(end).await
}

/// The two pages, for a server of one's own.
pub fn router(probe: Arc<dyn Probe>) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).with_state(probe)
}

async fn metrics(State(probe): State<Arc<dyn Probe>>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    let format = Format::wanted(accept);
    ([(CONTENT_TYPE, format.content_type()), (CONNECTION, "close")], render(&probe.snapshot(), format))
}

async fn healthz(State(probe): State<Arc<dyn Probe>>) -> impl IntoResponse {
    let (status, text) = match probe.health() {
        Health::Well => (StatusCode::OK, "well\n".to_owned()),
        Health::Ill(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    };
    (status, [(CONNECTION, "close")], text)
}
