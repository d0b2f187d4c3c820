//! The tower layer before every method: asks [`Access`], hands on what is admitted, answers what is not.
//!
//! Put on the server with `Server::builder().layer(access.layer())`. It finds the other end in the request's
//! extensions: a [`Peer`] of [`TlsIncoming`](crate::TlsIncoming), or tonic's `UdsConnectInfo` of the unix
//! socket; and a key in `authorization: Bearer rpt_…`, which it takes out, so that no method can log it. What
//! is admitted carries a [`Caller`] in its extensions.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::server::UdsConnectInfo;
use tower_layer::Layer;
use tower_service::Service;

use crate::access::{Access, Admission, Refusal};
use crate::caller::{Caller, Transport};
use crate::keys::{KeyId, KeyRefused};
use crate::tls::Peer;

/// Makes [`Guard`]s.
#[derive(Clone, Debug)]
pub struct GuardLayer {
    access: Arc<Access>,
}

/// Stands before a service.
#[derive(Clone, Debug)]
pub struct Guard<S> {
    access: Arc<Access>,
    inner: S,
}

impl GuardLayer {
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self { access }
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { access: Arc::clone(&self.access), inner }
    }
}

type Answer<B> = Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>> + Send>>;

impl<S, I, O> Service<Request<I>> for Guard<S>
where
    S: Service<Request<I>, Response = Response<O>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    I: Send + 'static,
    O: Default,
{
    type Response = Response<O>;
    type Error = Infallible;
    type Future = Answer<O>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<I>) -> Self::Future {
        // The clone that was polled ready serves; the other waits its turn.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let access = Arc::clone(&self.access);
        Box::pin(async move {
            let came = came(&request);
            let judged = judge(&access, came.as_ref(), &mut request);
            let admitted = match judged {
                Ok(admission) => count_use(&access, admission).await,
                Err(refusal) => Err(refusal),
            };
            access.count(admitted.as_ref().map(|_| ()));
            match admitted {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(refusal) => {
                    let method = request.uri().path();
                    tracing::debug!(method, %refusal, "refused");
                    if let Some(came) = came {
                        access.refusals.note(came, method, &refusal, Instant::now().into_std());
                    }
                    Ok(Status::from(&refusal).into_http())
                }
            }
        })
    }
}

fn judge<I>(
    access: &Access,
    came: Option<&Transport>,
    request: &mut Request<I>,
) -> Result<Admission, Refusal> {
    let transport = came.ok_or(Refusal::Nobody)?;
    still_accepted(request)?;
    let key = bearer(request.headers()).map(|key| key.map(str::to_owned));
    request.headers_mut().remove(AUTHORIZATION);
    access.judge(transport.clone(), key?.as_deref(), request.uri().path(), Instant::now().into_std())
}

/// By which way the request came; `None` = nobody is known there.
fn came<I>(request: &Request<I>) -> Option<Transport> {
    let extensions = request.extensions();
    if let Some(peer) = extensions.get::<Peer>() {
        return Some(Transport::Tls { address: peer.address(), name: peer.identity().clone() });
    }
    let credentials = extensions.get::<UdsConnectInfo>()?.peer_cred?;
    Some(Transport::Unix { uid: credentials.uid(), pid: credentials.pid() })
}

/// A certificate is judged anew: it may have expired or been revoked since the connection began.
fn still_accepted<I>(request: &Request<I>) -> Result<(), Refusal> {
    let Some(peer) = request.extensions().get::<Peer>() else { return Ok(()) };
    peer.still_accepted().map_err(|why| Refusal::Certificate { identity: peer.identity().clone(), why })
}

/// The key that is presented, if one is.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let (scheme, key) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
            if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(key)) } else { Err(KeyRefused::Form.into()) }
        }
        (Some(_), Some(_)) => Err(KeyRefused::Form.into()),
    }
}

/// Counts the use of the key where uses are counted: on the disk, so off this thread.
async fn count_use(access: &Access, admission: Admission) -> Result<Caller, Refusal> {
    let Admission { caller, counted } = admission;
    if let Some(id) = counted {
        redeem(access, id).await?;
    }
    Ok(caller)
}

async fn redeem(access: &Access, id: KeyId) -> Result<(), KeyRefused> {
    let keys = Arc::clone(access.keys());
    let redeemed = tokio::task::spawn_blocking(move || keys.redeem(id)).await;
    // Only the end of the runtime or a panic leave a task without its result: not granted.
    redeemed.unwrap_or(Err(KeyRefused::Unknown))
}
