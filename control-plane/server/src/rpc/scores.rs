//! Service `Scores`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use repute_access::Caller;
use repute_model::{Filter, Source};
use repute_proto::v1;
use repute_proto::v1::scores_server::Scores as Service;
use tonic::{Request, Response, Status};

use super::audited::{Asked, Changed};
use super::convert::{explanation, least_band, row, standing};
use super::listed::located;
use super::{Api, Sink, Streamed, interval, past, pause, send};
use crate::{Hub, HubError, PAGE_MAX, PageToken};

/// Sources of one watch at most.
const WATCHED_MAX: usize = 64;
/// Characters of a note that are kept.
const NOTE_MAX: usize = 200;

#[tonic::async_trait]
impl Service for Api {
    async fn get(&self, request: Request<v1::GetScoreRequest>) -> Result<Response<v1::Standing>, Status> {
        let source = source(&request.get_ref().source)?;
        Ok(Response::new(standing(&self.hub.explain(source).await?.answer)))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::Explanation>, Status> {
        let source = source(&request.get_ref().source)?;
        let explained = self.hub.explain(source).await?;
        let services = self.hub.services().await?;
        let mut answer = explanation(&explained.answer, explained.worker, &services);
        self.add_outside(&explained.answer, &mut answer).await?;
        self.add_held_up(&explained.answer, &mut answer).await?;
        Ok(Response::new(answer))
    }

    async fn history(
        &self,
        request: Request<v1::ScoreHistoryRequest>,
    ) -> Result<Response<v1::ScoreHistoryResponse>, Status> {
        past::history(&self.hub, request.into_inner()).await.map(Response::new)
    }

    async fn nudge(&self, request: Request<v1::NudgeRequest>) -> Result<Response<v1::NudgeResponse>, Status> {
        let caller = request.extensions().get::<Caller>().cloned();
        let asked = Asked::by(&request, "/repute.v1.Scores/Nudge", object(request.get_ref()));
        let hub = self.hub.clone();
        let nudge = async move { nudge(&hub, caller.as_ref(), &request.into_inner()).await };
        self.audited(asked, nudge).await.map(Response::new)
    }

    type ListStream = Streamed<v1::ListScoresResponse>;

    async fn list(
        &self,
        request: Request<v1::ListScoresRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let request = request.into_inner();
        let services = self.hub.services().await?;
        let filter = filter(&request, &services)?;
        let from = request.page_token.parse::<PageToken>()?;
        let left = if request.max_rows == 0 { u64::MAX } else { request.max_rows };
        let hub = self.hub.clone();
        Ok(Response::new(self.stream(move |sink| list(hub, sink, filter, services, from, left))))
    }

    type WatchStream = Streamed<v1::Standing>;

    async fn watch(
        &self,
        request: Request<v1::WatchScoresRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let v1::WatchScoresRequest { sources, interval_ms } = request.into_inner();
        if sources.is_empty() || sources.len() > WATCHED_MAX {
            let message = format!("{} sources to watch: expected 1 to {WATCHED_MAX}", sources.len());
            return Err(Status::invalid_argument(message));
        }
        let sources = sources.iter().map(|text| source(text)).collect::<Result<Vec<_>, _>>()?;
        let hub = self.hub.clone();
        Ok(Response::new(self.stream(move |sink| watch(hub, sink, sources, interval(interval_ms)))))
    }
}

/// What the audit log calls a nudge: the source, and what is asked for it.
fn object(request: &v1::NudgeRequest) -> String {
    let v1::NudgeRequest { source, delta, forgive, note } = request;
    let note: String = note.chars().take(NOTE_MAX).collect();
    let forgive = if *forgive { ", forgive" } else { "" };
    format!("{source} by {delta}{forgive}: {note}").trim_end_matches(": ").to_owned()
}

/// Who has no role but a token may raise its one source, nothing else.
async fn nudge(
    hub: &Hub,
    caller: Option<&Caller>,
    request: &v1::NudgeRequest,
) -> Result<Changed<v1::NudgeResponse>, Status> {
    let delta = request.delta;
    let points = i16::try_from(delta).ok().filter(|points| points.unsigned_abs() <= 10_000);
    let points = points.ok_or_else(|| {
        Status::invalid_argument(format!("delta {delta} is out of range: expected -10000 to 10000 points"))
    })?;
    let source = hub.locate(source(&request.source)?).await?;
    let caller = caller.ok_or_else(|| Status::unauthenticated("nobody is known at the other end"))?;
    if !caller.may_lift(source) || (caller.role().is_none() && points < 0) {
        let message = format!(
            "{} may raise its own source only, and {source} by {points} is not that",
            caller.identity()
        );
        return Err(Status::permission_denied(message));
    }
    let (source, before, after) = hub.nudge(source, points, request.forgive).await?.answer;
    let score = |score: u16| Some(format!("score {score}"));
    let (before, after) = (before.get(), after.get());
    let answer = v1::NudgeResponse { source: source.to_string(), before: before.into(), after: after.into() };
    Ok(Changed { answer, before: score(before), after: score(after) })
}

pub(super) fn source(text: &str) -> Result<Source, HubError> {
    text.trim().parse().map_err(HubError::NoSource)
}

fn filter(request: &v1::ListScoresRequest, services: &[String]) -> Result<Filter, Status> {
    let least = request.min_packets_per_s;
    if least.is_nan() || least < 0.0 {
        return Err(Status::invalid_argument(format!("min_packets_per_s {least}: expected 0 or more")));
    }
    let number =
        services.iter().zip(0..).find(|(name, _)| **name == request.service).map(|(_, number)| number);
    if number.is_none() && !request.service.is_empty() {
        let message = format!("no service `{}` in the config in force", request.service);
        return Err(Status::not_found(message));
    }
    Ok(Filter { at_least: least_band(request.band()), min_packets_per_s: least, service: number })
}

async fn list(
    hub: Hub,
    sink: Sink<v1::ListScoresResponse>,
    filter: Filter,
    services: Arc<[String]>,
    from: PageToken,
    mut left: u64,
) -> Result<(), Status> {
    let mut at = Some(from);
    while let Some(from) = at {
        let max = left.min(u64::from(PAGE_MAX)) as u16;
        let page = hub.list(filter, from, max).await?;
        left = left.saturating_sub(page.rows.len() as u64);
        at = page.next.filter(|_| left > 0);
        if page.rows.is_empty() && at.is_some() {
            continue;
        }
        let next_page_token = page.next.map(|token| token.to_string()).unwrap_or_default();
        let rows = page.rows.iter().map(|one| located(&hub, one.source, row(one, &services))).collect();
        send(&sink, v1::ListScoresResponse { rows, next_page_token }).await?;
    }
    Ok(())
}

async fn watch(
    hub: Hub,
    sink: Sink<v1::Standing>,
    sources: Vec<Source>,
    interval: Duration,
) -> Result<(), Status> {
    let mut last: HashMap<Source, v1::Standing> = HashMap::new();
    loop {
        for &source in &sources {
            let now = standing(&hub.explain(source).await?.answer);
            if last.get(&source).is_none_or(|before| differs(before, &now)) {
                last.insert(source, now.clone());
                send(&sink, now).await?;
            }
        }
        pause(&sink, interval).await?;
    }
}

fn differs(before: &v1::Standing, now: &v1::Standing) -> bool {
    (before.score, before.band, &before.treatment) != (now.score, now.band, &now.treatment)
}
