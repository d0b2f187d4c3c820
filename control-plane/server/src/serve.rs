//! The gRPC server over a unix socket and TLS: the services of `repute.v1`, health and reflection.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use repute_access::{Change, GuardLayer, TlsIncoming, TlsLimits, TlsNotice};
use repute_proto::v1::access_server::AccessServer;
use repute_proto::v1::crowds_server::CrowdsServer;
use repute_proto::v1::dns_server::DnsServer;
use repute_proto::v1::events_server::EventsServer;
use repute_proto::v1::feeds_server::FeedsServer;
use repute_proto::v1::mitigations_server::MitigationsServer;
use repute_proto::v1::policies_server::PoliciesServer;
use repute_proto::v1::scores_server::ScoresServer;
use repute_proto::v1::services_server::ServicesServer;
use repute_proto::v1::status_server::StatusServer;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic_reflection::server::Builder as Reflection;
use tower_layer::{Identity, Stack};

use crate::rpc::Api;
use crate::socket::Socket;
use crate::timed::TimedLayer;
use crate::{Hub, Security, SocketError, TlsDoor};

/// Largest request in bytes; policies have a limit of their own.
const REQUEST_MAX: usize = 64 << 10;
/// Largest request with a policy in it, in bytes.
const POLICY_MAX: usize = 16 << 20;
/// Largest part of a feed that is pushed, in bytes, and its frame.
const PART_MAX: usize = (1 << 20) + (1 << 10);
/// Requests of one connection at a time.
const REQUESTS_AT_ONCE: usize = 64;
/// How long requests under way may go on after the end.
const GRACE: Duration = Duration::from_millis(500);
/// How often files of TLS are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// All services behind the guard.
type Guarded = Router<Stack<TimedLayer, Stack<GuardLayer, Identity>>>;

/// Why the server ended or never began.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The descriptors of the API are broken.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The TCP listener is unusable.
    #[error("the TCP listener: {0}")]
    Listener(std::io::Error),
    /// The transport failed.
    #[error("the API ended: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves the API on a unix socket at `path` by its default rule: [`Security::local`], [`serve_secured`].
///
/// # Errors
/// As [`serve_secured`].
pub async fn serve(
    hub: Hub,
    path: &Path,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    serve_secured(hub, path, Security::local(), shutdown).await
}

/// Serves the API on a unix socket at `path` (mode 0660), and by TLS where `security` has a door for it, until
/// `shutdown` is done; requests under way then have half a second. The socket file is removed at the end.
/// A TLS listener that fails is an error in the log: the socket goes on.
///
/// # Errors
/// Another reputed answers on the socket, or it cannot be opened; a failing transport.
pub async fn serve_secured(
    hub: Hub,
    path: &Path,
    security: Security,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let Security { access, audit, tls } = security;
    if let Some(audit) = audit {
        hub.audit_to(audit);
    }
    let (ended, end) = watch::channel(false);
    let timed = TimedLayer(Arc::clone(&hub.inner.latency));
    let refusals = refusals(hub.clone(), access.refused());
    let routes = routes(Api { hub, access: Arc::clone(&access), end: end.clone() }).await?;
    let (_socket, listener) = Socket::bind(path)?;
    let server = |routes| {
        let server = Server::builder().concurrency_limit_per_connection(REQUESTS_AT_ONCE);
        server.layer(access.layer()).layer(timed.clone()).add_routes(routes)
    };
    let remote = remote(tls, server(routes.clone()), end.clone());
    let local = server(routes).serve_with_incoming_shutdown(UnixListenerStream::new(listener), ending(end));
    let last = async {
        shutdown.await;
        ended.send_replace(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = local => served.map_err(ServeError::from),
        never = remote => match never {},
        never = refusals => match never {},
        () = last => Ok(()),
    }
}

/// The way for clients elsewhere, if there is one; it may end, and the socket goes on.
async fn remote(tls: Option<TlsDoor>, server: Guarded, end: watch::Receiver<bool>) -> Infallible {
    if let Some(TlsDoor { listener, live }) = tls {
        tokio::spawn(Arc::clone(&live).watch(LOOK_EVERY, tell));
        let served = match TcpListener::from_std(listener) {
            Ok(listener) => {
                let incoming = TlsIncoming::new(listener, live, TlsLimits::default());
                server.serve_with_incoming_shutdown(incoming, ending(end)).await.map_err(ServeError::from)
            }
            Err(error) => Err(ServeError::Listener(error)),
        };
        if let Err(error) = served {
            tracing::error!("the API over TLS has ended, the unix socket goes on: {error}");
        }
    }
    std::future::pending().await
}

/// Writes down who was kept from a change.
async fn refusals(hub: Hub, refused: Option<mpsc::Receiver<Change>>) -> Infallible {
    if let Some(mut refused) = refused {
        while let Some(change) = refused.recv().await {
            hub.record(change).await;
        }
    }
    std::future::pending().await
}

fn tell(notice: TlsNotice) {
    match notice {
        TlsNotice::Replaced => tracing::info!("new certificates are in force"),
        TlsNotice::Kept(error) => tracing::error!("the certificates before stay in force: {error}"),
        TlsNotice::Expires { path, at } => {
            let left = at.duration_since(SystemTime::now()).unwrap_or_default().as_secs();
            tracing::warn!(
                "{}: ends in {} h; replace it, it is read anew by itself",
                path.display(),
                left / 3600
            );
        }
    }
}

async fn ending(mut end: watch::Receiver<bool>) {
    // A sender that is gone is an end as well.
    let _ = end.wait_for(|ended| *ended).await;
}

async fn routes(api: Api) -> Result<Routes, tonic_reflection::server::Error> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<StatusServer<Api>>().await;
    health.set_serving::<ScoresServer<Api>>().await;
    health.set_serving::<MitigationsServer<Api>>().await;
    health.set_serving::<CrowdsServer<Api>>().await;
    health.set_serving::<DnsServer<Api>>().await;
    health.set_serving::<ServicesServer<Api>>().await;
    health.set_serving::<PoliciesServer<Api>>().await;
    health.set_serving::<AccessServer<Api>>().await;
    health.set_serving::<FeedsServer<Api>>().await;
    health.set_serving::<EventsServer<Api>>().await;
    let reflection = || {
        Reflection::configure()
            .register_encoded_file_descriptor_set(repute_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let mut routes = Routes::builder();
    routes
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(StatusServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(ScoresServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(AccessServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(MitigationsServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(CrowdsServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(DnsServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(ServicesServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(FeedsServer::new(api.clone()).max_decoding_message_size(PART_MAX))
        .add_service(EventsServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(PoliciesServer::new(api).max_decoding_message_size(POLICY_MAX));
    Ok(routes.routes())
}
