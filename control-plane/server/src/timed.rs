//! A tower layer that notes how long every admitted request took until its answer began.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use repute_metrics::RequestLatency;
use tokio::time::Instant;
use tonic::{Code, Status};
use tower_layer::Layer;
use tower_service::Service;

/// The package before every service of ours.
const PACKAGE: &str = "/repute.v1.";

/// Makes [`Timed`] services; stands inside the guard, so that nobody without a role invents methods.
#[derive(Clone, Debug)]
pub(crate) struct TimedLayer(pub Arc<RequestLatency>);

/// Watches a service.
#[derive(Clone, Debug)]
pub(crate) struct Timed<S> {
    latency: Arc<RequestLatency>,
    inner: S,
}

impl<S> Layer<S> for TimedLayer {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { latency: Arc::clone(&self.0), inner }
    }
}

type Answer<B> = Pin<Box<dyn Future<Output = Result<Response<B>, Infallible>> + Send>>;

impl<S, I, O> Service<Request<I>> for Timed<S>
where
    S: Service<Request<I>, Response = Response<O>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<O>;
    type Error = Infallible;
    type Future = Answer<O>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        let path = request.uri().path();
        let method = path.strip_prefix(PACKAGE).unwrap_or("other").to_owned();
        let (latency, begun) = (Arc::clone(&self.latency), Instant::now());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            latency.observe(&method, code(&answer), begun.elapsed());
            Ok(answer)
        })
    }
}

/// `OK`, or the name of the code with which it failed at once. How a stream ends is not known yet.
fn code<B>(answer: &Response<B>) -> &'static str {
    match Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code()) {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::Unknown => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use super::*;

    #[derive(Clone)]
    struct Answers(fn() -> Response<()>);

    impl Service<Request<()>> for Answers {
        type Response = Response<()>;
        type Error = Infallible;
        type Future = Ready<Result<Response<()>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            ready(Ok((self.0)()))
        }
    }

    #[tokio::test]
    async fn methods_and_codes_have_their_names() {
        let latency = Arc::new(RequestLatency::default());
        let layer = TimedLayer(Arc::clone(&latency));
        let good = || Response::new(());
        let bad = || Status::not_found("none").into_http();
        for (path, answers) in [
            ("/repute.v1.Scores/Get", good as fn() -> Response<()>),
            ("/repute.v1.Scores/Get", bad),
            ("/grpc.health.v1.Health/Check", good),
        ] {
            let request = Request::builder().uri(path).body(()).unwrap();
            layer.layer(Answers(answers)).call(request).await.unwrap();
        }
        let seen: Vec<_> =
            latency.series().into_iter().map(|series| (series.key.method, series.key.code)).collect();
        let of = |method: &str, code: &str| (method.to_owned(), code.to_owned());
        assert_eq!(seen, [of("Scores/Get", "NOT_FOUND"), of("Scores/Get", "OK"), of("other", "OK")]);
    }
}
