//! The gRPC server over a unix socket: the services of `repute.v1`, health and reflection.

use std::path::Path;
use std::time::Duration;

use repute_proto::v1::events_server::EventsServer;
use repute_proto::v1::mitigations_server::MitigationsServer;
use repute_proto::v1::policies_server::PoliciesServer;
use repute_proto::v1::scores_server::ScoresServer;
use repute_proto::v1::status_server::StatusServer;
use tokio::sync::watch;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_reflection::server::Builder as Reflection;

use crate::rpc::Api;
use crate::socket::Socket;
use crate::{Hub, SocketError};

/// Largest request in bytes; policies have a limit of their own.
const REQUEST_MAX: usize = 64 << 10;
/// Largest request with a policy in it, in bytes.
const POLICY_MAX: usize = 16 << 20;
/// Requests of one connection at a time.
const REQUESTS_AT_ONCE: usize = 64;
/// How long requests under way may go on after the end.
const GRACE: Duration = Duration::from_millis(500);

/// Why the server ended or never began.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The descriptors of the API are broken.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the API ended: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves the API on a unix socket at `path` (mode 0660) until `shutdown` is done; requests under way then
/// have half a second. The socket file is removed at the end.
///
/// # Errors
/// Another reputed answers on the socket, or it cannot be opened; a failing transport.
pub async fn serve(
    hub: Hub,
    path: &Path,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let (ended, end) = watch::channel(false);
    let routes = routes(Api { hub, end: end.clone() }).await?;
    let (_socket, listener) = Socket::bind(path)?;
    let server = Server::builder()
        .concurrency_limit_per_connection(REQUESTS_AT_ONCE)
        .add_routes(routes)
        .serve_with_incoming_shutdown(UnixListenerStream::new(listener), ending(end));
    let last = async {
        shutdown.await;
        ended.send_replace(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = server => served.map_err(ServeError::from),
        () = last => Ok(()),
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
    health.set_serving::<PoliciesServer<Api>>().await;
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
        .add_service(MitigationsServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(EventsServer::new(api.clone()).max_decoding_message_size(REQUEST_MAX))
        .add_service(PoliciesServer::new(api).max_decoding_message_size(POLICY_MAX));
    Ok(routes.routes())
}
