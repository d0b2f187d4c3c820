//! Decisions for bouncers that speak to CrowdSec's local API: `GET /v1/decisions` and `/v1/decisions/stream`.
//!
//! Called by the daemon. A source that is dropped, or a prefix of the config's deny list, is a decision `ban`.
//! **Always holds:** without a key nothing is answered; connections, decisions and what is kept of past ones are
//! bounded; a bouncer that misses a deletion forgets the decision by itself within [`board::LIFE`].

mod board;
mod decision;
mod follow;
mod keys;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use repute_metrics::Bounded;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::Hub;
use board::Board;
use decision::{Decision, Query};
use keys::Keys;
pub use keys::KeysError;

/// The header that carries the key.
const KEY: &str = "x-api-key";

/// Why decisions are not served.
#[derive(Debug, thiserror::Error)]
pub enum CrowdsecError {
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The address cannot be used.
    #[error("decisions cannot be served on {address}: {cause}; name another port or free this one")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
}

/// The server, not running yet.
#[derive(Debug)]
pub struct Crowdsec {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    keys: Keys,
    board: Mutex<Board>,
    /// What each bouncer has seen of the board.
    seen: Mutex<HashMap<String, u64>>,
}

impl Crowdsec {
    /// Reads the keys and listens.
    ///
    /// # Errors
    /// [`CrowdsecError`].
    pub async fn open(address: SocketAddr, keys: &Path) -> Result<Self, CrowdsecError> {
        let keys = Keys::read(keys)?;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|cause| CrowdsecError::Bind { address, cause })?;
        let shared = Shared { keys, board: Mutex::default(), seen: Mutex::default() };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves what the hub decides, until the hub is gone.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn run(self, hub: Hub) -> io::Result<()> {
        let Self { listener, shared } = self;
        let router = Router::new()
            .route("/v1/decisions", get(live))
            .route("/v1/decisions/stream", get(stream))
            .with_state(Arc::clone(&shared));
        let end = async move { follow::follow(hub, &shared.board).await };
        axum::serve(Bounded::new(listener), router).with_graceful_shutdown(end).await
    }
}

/// What changed.
#[derive(Serialize)]
struct Changes {
    deleted: Option<Vec<Decision>>,
    new: Option<Vec<Decision>>,
}

async fn stream(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(bouncer) = shared.caller(&headers) else { return forbidden() };
    let (query, now) = (Query::parse(query.as_deref().unwrap_or("")), SystemTime::now());
    let board = locked(&shared.board);
    let seen = locked(&shared.seen).insert(bouncer.to_owned(), board.sequence());
    let after = seen.filter(|_| !query.startup);
    let some = |decisions: Vec<Decision>| (!decisions.is_empty()).then_some(decisions);
    let new = board.begun(after.unwrap_or(0), now).filter(|one| query.takes(one)).collect();
    let deleted = after.map(|after| board.ended(after, now).filter(|one| query.takes(one)).collect());
    json(StatusCode::OK, &Changes { deleted: deleted.and_then(some), new: some(new) })
}

async fn live(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if shared.caller(&headers).is_none() {
        return forbidden();
    }
    let query = Query::parse(query.as_deref().unwrap_or(""));
    let board = locked(&shared.board);
    let found: Vec<_> = board.begun(0, SystemTime::now()).filter(|one| query.takes(one)).collect();
    json(StatusCode::OK, &(!found.is_empty()).then_some(found))
}

impl Shared {
    /// The name of the bouncer whose key it is.
    fn caller(&self, headers: &HeaderMap) -> Option<&str> {
        self.keys.name(headers.get(KEY)?.as_bytes())
    }
}

fn forbidden() -> Response {
    #[derive(Serialize)]
    struct Refusal {
        message: &'static str,
    }
    json(StatusCode::FORBIDDEN, &Refusal { message: "access forbidden" })
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Texts and numbers: writing them cannot fail.
    let text = serde_json::to_string(value).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json"), (CONNECTION, "close")], text).into_response()
}

/// Nothing that holds these locks can panic; if it did, what they hold would still be whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
