//! The garden's socket: HTTP/1.1, one answer a connection.
//!
//! `GET` of anything is the page, so that whatever was asked for leads to it; `POST /repute-garden` takes a solution. Always holds:
//! connections are bounded, in all and by source; none lasts longer than [`CONNECTION_LIFE`](repute_metrics::CONNECTION_LIFE), sends a
//! longer head than [`HEAD_MAX`] or a longer body than [`BODY_MAX`].

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::error::Unspecified;
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, ALLOW, HeaderMap, HeaderValue, RETRY_AFTER};
use axum::http::{Method, Request, Response, StatusCode};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use repute_metrics::Bounded;
use repute_model::{Address, Passed, Source};
use tokio::net::TcpListener;

use crate::page::common;
use crate::seats::Seats;
use crate::{Desk, Refusal, Settings};

/// Bytes of a request before its body.
const HEAD_MAX: usize = 16 * 1024;
/// Bytes of its body: a solution has some 120.
const BODY_MAX: usize = 512;
/// Connections of one source, one in so many of all.
const SHARE: usize = 8;
/// Where solutions are sent.
const SOLUTIONS: &str = "/repute-garden";
const TEXT: &str = "text/plain; charset=utf-8";
/// When to try again who was too fast, in seconds.
const RETRY_S: &str = "30";

/// The way to the worker that judges a source.
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// Tells it that somebody has solved a task at the source's address; `None` where it does not answer.
    fn pass(&self, source: Source) -> Pin<Box<dyn Future<Output = Option<Passed>> + Send + '_>>;
}

/// Why there is no garden.
#[derive(Debug, thiserror::Error)]
pub enum GardenError {
    /// The address cannot be used.
    #[error(
        "the walled garden cannot be served on {address}: {cause}; name another address or port, or free this one"
    )]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The socket cannot be waited on.
    #[error("the walled garden's socket cannot be waited on: {0}")]
    Listen(io::Error),
    /// There is no randomness for its key.
    #[error("the system has no randomness for the key of the walled garden's tasks")]
    Random,
}

/// A garden that listens.
#[derive(Debug)]
pub struct Garden {
    listener: TcpListener,
    desk: Arc<Desk>,
}

/// Takes an address. Apart from [`Garden::open`], because port 80 takes a right that the daemon gives up before it serves.
///
/// # Errors
/// [`GardenError::Bind`].
pub fn bind(address: SocketAddr) -> Result<std::net::TcpListener, GardenError> {
    let listener = std::net::TcpListener::bind(address);
    let waitless = listener.and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    waitless.map_err(|cause| GardenError::Bind { address, cause })
}

impl Garden {
    /// A garden at the address that was taken. To be called on a tokio runtime.
    ///
    /// # Errors
    /// [`GardenError`].
    pub fn open(listener: std::net::TcpListener, settings: Settings) -> Result<Self, GardenError> {
        let desk = Desk::new(settings, Instant::now()).map_err(|Unspecified| GardenError::Random)?;
        let listener = TcpListener::from_std(listener).map_err(GardenError::Listen)?;
        Ok(Self { listener, desk: Arc::new(desk) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What knows how often what happened.
    pub fn desk(&self) -> Arc<Desk> {
        Arc::clone(&self.desk)
    }

    /// Serves for ever; dropping it ends what is under way with the runtime.
    pub async fn run(self, gate: Arc<dyn Gate>) {
        let Self { listener, desk } = self;
        let connections = desk.settings().connections.max(1);
        let mut doors = Bounded::sized(listener, connections);
        let seats = Seats::new(connections.div_ceil(SHARE));
        loop {
            let (stream, peer) = doors.accept().await;
            let peer = Address::from(peer.ip());
            let seat = match desk.seated(peer) {
                Some(source) => desk.noted(seats.take(source).ok_or(Refusal::Connections)).map(Some),
                None => Ok(None),
            };
            // Whoever holds too many is not even told.
            let Ok(seat) = seat else { continue };
            let (desk, gate) = (Arc::clone(&desk), Arc::clone(&gate));
            tokio::spawn(async move {
                let _seat = seat;
                let service = service_fn(|request| answer(&desk, &*gate, peer, request));
                let mut http = http1::Builder::new();
                http.keep_alive(false).max_buf_size(HEAD_MAX);
                // A visitor that does not speak HTTP, is slow or goes away costs nobody but itself.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }
}

async fn answer(
    desk: &Desk,
    gate: &dyn Gate,
    peer: Address,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::convert::Infallible> {
    let answered = match *request.method() {
        Method::GET | Method::HEAD => page(desk, peer, request.headers()),
        Method::POST if request.uri().path() == SOLUTIONS => solution(desk, gate, peer, request).await,
        Method::POST => Ok(text(StatusCode::NOT_FOUND, "Nothing is taken here.")),
        _ => {
            let mut response =
                text(StatusCode::METHOD_NOT_ALLOWED, "This page is read, and takes solutions.");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            Ok(response)
        }
    };
    Ok(answered.unwrap_or_else(refused))
}

/// The page: for people as such, for programs with the status that says it is not what they asked for (RFC 6585, 6).
fn page(desk: &Desk, peer: Address, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
    let (now, (address, source)) = (Instant::now(), desk.visitor(peer, forwarded(headers))?);
    desk.admit(source, now)?;
    let page = desk.page(address, source, now)?;
    let reads_html = values(headers, ACCEPT.as_str()).any(|accept| accept.contains("text/html"));
    let status = if reads_html { StatusCode::OK } else { StatusCode::NETWORK_AUTHENTICATION_REQUIRED };
    Ok(response(status, page.headers(), page.html()))
}

async fn solution(
    desk: &Desk,
    gate: &dyn Gate,
    peer: Address,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (_, source) = desk.visitor(peer, forwarded(request.headers()))?;
    desk.admit(source, Instant::now())?;
    let body = to_bytes(Body::new(request.into_body()), BODY_MAX).await;
    let body = body.ok().and_then(|body| String::from_utf8(body.into()).ok());
    desk.examine(source, &desk.noted(body.ok_or(Refusal::Malformed))?, Instant::now())?;
    let word = match desk.conclude(gate.pass(source).await)? {
        Passed::Unknown => {
            "Nothing stands against your address itself. If pages still do not load, your device asks the DNS server through \
             another one (a router, a resolver): whoever runs that has to let it use TCP or DNS cookies."
        }
        _ => "Done: your DNS queries are answered again. Give your device a few seconds to forget this page.",
    };
    Ok(text(StatusCode::OK, word))
}

fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = text(refusal.status(), refusal.advice());
    if refusal.status() == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_S));
    }
    response
}

fn text(status: StatusCode, word: &'static str) -> Response<Body> {
    response(status, common(TEXT), word)
}

fn response(status: StatusCode, headers: HeaderMap, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

fn forwarded(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = &str> {
    values(headers, "x-forwarded-for")
}

/// The values of a header that are text; one that is none counts as empty.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default())
}
