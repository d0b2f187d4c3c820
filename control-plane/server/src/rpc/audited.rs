//! Changes through the API: each is in the audit log before its caller has the answer.
//!
//! **Always holds:** a caller that goes away, or a method that panics, takes no change out of the log: both run on
//! tasks of their own.

use repute_access::{Caller, Change, Outcome, Who};
use tonic::{Request, Status};

use super::Api;
use crate::record::outcome;

/// Who asked for what.
pub(super) struct Asked {
    who: Who,
    method: String,
    /// What is to change: a source, a policy version, a feed, a key's id.
    object: String,
    before: Option<String>,
}

/// A change that was made: the answer, and what there is now.
pub(super) struct Changed<T> {
    pub answer: T,
    /// As it was, where the change itself tells.
    pub before: Option<String>,
    pub after: Option<String>,
}

impl<T> Changed<T> {
    pub fn to(after: impl Into<String>, answer: T) -> Self {
        Self { answer, before: None, after: Some(after.into()) }
    }
}

impl Asked {
    /// For a change of `object` by a method (`/repute.v1.Scores/Nudge`); who asks stands in the request.
    pub fn by<T>(request: &Request<T>, method: &str, object: impl Into<String>) -> Self {
        let who = request.extensions().get::<Caller>().cloned().map_or(Who::Itself, Who::Caller);
        Self { who, method: method.to_owned(), object: object.into(), before: None }
    }

    /// What is to change, where that is known later.
    pub fn about(self, object: String) -> Self {
        Self { object, ..self }
    }

    /// What there was before.
    pub fn from(self, before: Option<String>) -> Self {
        Self { before, ..self }
    }
}

impl Api {
    /// Makes a change and writes it down, or that it was refused.
    pub(super) async fn audited<T: Send + 'static>(
        &self,
        asked: Asked,
        change: impl Future<Output = Result<Changed<T>, Status>> + Send + 'static,
    ) -> Result<T, Status> {
        let hub = self.hub.clone();
        let written = tokio::spawn(async move {
            let Asked { who, method, object, before } = asked;
            let done = tokio::spawn(change).await;
            let done =
                done.unwrap_or_else(|_| Err(Status::internal("the request failed; see the log of reputed")));
            let (before, after, outcome, answer) = match done {
                Ok(changed) => (changed.before.or(before), changed.after, Outcome::Done, Ok(changed.answer)),
                Err(status) => {
                    (before, None, outcome(status.code(), status.message().to_owned()), Err(status))
                }
            };
            hub.record(Change { who, method, object, before, after, policy: None, outcome }).await;
            answer
        });
        written
            .await
            .unwrap_or_else(|_| Err(Status::internal("the audit log failed; see the log of reputed")))
    }
}
