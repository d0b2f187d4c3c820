//! The services of `repute.v1` over the hub: the only place where proto types and the product's own meet.

mod access;
mod audited;
mod convert;
mod crowds;
mod dns;
mod events;
mod feeds;
mod honeypots;
mod listed;
mod mitigations;
mod past;
mod policies;
mod refuse;
mod scores;
mod services;
mod status;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use repute_access::Access;
use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::Hub;

/// All services: they share the hub.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub hub: Hub,
    /// Who may do what; its keys.
    pub access: Arc<Access>,
    /// Becomes true when the server ends.
    pub end: watch::Receiver<bool>,
}

type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Where a producer puts its messages; an error means that the caller has gone away.
type Sink<T> = mpsc::Sender<Result<T, Status>>;

/// The caller has gone away.
#[derive(Debug)]
struct CallerGone;

/// Messages made ahead of a slow caller at most.
const AHEAD: usize = 4;

impl Api {
    /// Runs `produce` on a task of its own and streams what it makes, until the server ends. Its error
    /// ends the stream.
    fn stream<T, F>(&self, produce: impl FnOnce(Sink<T>) -> F) -> Streamed<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<(), Status>> + Send + 'static,
    {
        let (sink, messages) = mpsc::channel(AHEAD);
        let work = produce(sink.clone());
        let mut end = self.end.clone();
        tokio::spawn(async move {
            let outcome = tokio::select! {
                outcome = work => outcome,
                _ = end.wait_for(|ended| *ended) => Err(Status::unavailable("reputed is ending")),
            };
            if let Err(status) = outcome {
                // The caller may have gone away.
                let _ = sink.send(Err(status)).await;
            }
        });
        Box::pin(ReceiverStream::new(messages))
    }
}

/// How often a watch looks: 0 = every second, otherwise clamped to 0.1 s to a minute.
fn interval(interval_ms: u32) -> Duration {
    let ms = if interval_ms == 0 { 1000 } else { interval_ms.clamp(100, 60_000) };
    Duration::from_millis(ms.into())
}

async fn send<T>(sink: &Sink<T>, message: T) -> Result<(), CallerGone> {
    sink.send(Ok(message)).await.map_err(|_| CallerGone)
}

/// Waits until the next look; an error if the caller goes away first.
async fn pause<T>(sink: &Sink<T>, interval: Duration) -> Result<(), CallerGone> {
    tokio::select! {
        () = sink.closed() => Err(CallerGone),
        () = tokio::time::sleep(interval) => Ok(()),
    }
}

impl From<CallerGone> for Status {
    fn from(CallerGone: CallerGone) -> Self {
        Self::cancelled("the caller has gone away")
    }
}
