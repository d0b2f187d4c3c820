//! Service `Feeds`.

use std::sync::Arc;

use repute_feeds::{Action, Entry, FeedConfig, Found, Import, NameEntry, Origin, Until};
use repute_policy::config::PLACES;
use repute_proto::v1;
use repute_proto::v1::feeds_server::Feeds as Service;
use tokio_stream::StreamExt;
use tonic::{Request, Response, Status, Streaming};

use super::audited::{Asked, Changed};
use super::convert::unix_ms;
use super::listed::listed;
use super::{Api, Sink, Streamed, send};
use crate::feeds::{ALERTS, Shown};
use crate::{ANSWER_WITHIN, HubError};

/// Entries of a message at most.
const ROWS_MAX: usize = 256;

#[tonic::async_trait]
impl Service for Api {
    async fn list(
        &self,
        _: Request<v1::ListFeedsRequest>,
    ) -> Result<Response<v1::ListFeedsResponse>, Status> {
        let feeds = self.hub.inner.shelf.shown(None).iter().map(feed).collect();
        Ok(Response::new(v1::ListFeedsResponse { feeds }))
    }

    type ShowStream = Streamed<v1::ShowFeedResponse>;

    async fn show(
        &self,
        request: Request<v1::ShowFeedRequest>,
    ) -> Result<Response<Self::ShowStream>, Status> {
        let v1::ShowFeedRequest { name, max_rows } = request.into_inner();
        let Shown { config, latest, .. } = self.one(&name)?;
        let latest = latest.unwrap_or_default();
        let count = if max_rows == 0 { u64::MAX } else { max_rows };
        let count = latest.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        Ok(Response::new(self.stream(move |sink| show(sink, config, latest, count))))
    }

    async fn refresh(
        &self,
        request: Request<v1::RefreshFeedsRequest>,
    ) -> Result<Response<v1::ListFeedsResponse>, Status> {
        let name = request.get_ref().name.clone();
        let names = if name.is_empty() { self.hub.inner.shelf.askable() } else { vec![name.clone()] };
        let object = if name.is_empty() { "all feeds".to_owned() } else { bounded(&name) };
        let asked = Asked::by(&request, "/repute.v1.Feeds/Refresh", object);
        let api = self.clone();
        self.audited(asked, async move { api.refresh_all(&names).await }).await.map(Response::new)
    }

    async fn push(
        &self,
        request: Request<Streaming<v1::PushFeedRequest>>,
    ) -> Result<Response<v1::Feed>, Status> {
        let asked = Asked::by(&request, "/repute.v1.Feeds/Push", "");
        let mut parts = request.into_inner();
        let first = parts.next().await.transpose()?;
        let object = first.as_ref().map_or("no feed named".to_owned(), |first| bounded(&first.name));
        let api = self.clone();
        let push = async move {
            let nothing = "nothing was sent; the first part names the feed";
            api.take_push(first.ok_or_else(|| Status::invalid_argument(nothing))?, parts).await
        };
        self.audited(asked.about(object), push).await.map(Response::new)
    }
}

impl Api {
    async fn refresh_all(&self, names: &[String]) -> Result<Changed<v1::ListFeedsResponse>, Status> {
        let shelf = &self.hub.inner.shelf;
        let all = || names.iter().flat_map(|name| shelf.shown(Some(name.as_str()))).collect::<Vec<_>>();
        let before = all();
        let (places, feeds): (Vec<_>, Vec<_>) =
            names.iter().partition(|name| PLACES.contains(&name.as_str()));
        if let Some(place) = places.first() {
            self.one(place)?;
            self.hub.refresh_places().await?;
        }
        let mut asked = tokio::task::JoinSet::new();
        for name in feeds {
            let (config, handle) = shelf.handle(name).ok_or_else(|| unknown(name))?;
            if matches!(config.origin, Origin::Pushed) {
                let message =
                    format!("feed {name} is pushed: nobody can be asked for it; `repute feed push`");
                return Err(Status::failed_precondition(message));
            }
            asked.spawn(async move { handle.refresh().await });
        }
        // What each of them says stands in its status.
        while asked.join_next().await.is_some() {}
        self.catch_up().await?;
        let now = all();
        Ok(Changed {
            answer: v1::ListFeedsResponse { feeds: now.iter().map(feed).collect() },
            before: Some(described(&before)),
            after: Some(described(&now)),
        })
    }

    /// Takes what comes in parts, up to the feed's limit.
    async fn take_push(
        &self,
        first: v1::PushFeedRequest,
        mut parts: Streaming<v1::PushFeedRequest>,
    ) -> Result<Changed<v1::Feed>, Status> {
        let shelf = &self.hub.inner.shelf;
        let found = shelf.handle(&first.name).ok_or_else(|| unknown(&first.name))?;
        let (config, handle) = found;
        if !matches!(config.origin, Origin::Pushed) {
            let message = format!(
                "feed {} is fetched from {}; set `push = true` to bring it",
                config.name,
                origin(&config)
            );
            return Err(Status::failed_precondition(message));
        }
        let _turn = shelf.pushes.try_acquire().map_err(|_| {
            Status::resource_exhausted("other feeds are being pushed; try again when they are done")
        })?;
        let mut body = first.part;
        while let Some(next) = parts.next().await.transpose()? {
            if (body.len() + next.part.len()) as u64 > config.bytes_max {
                let message = format!("more than {} bytes; raise the feed's `bytes_max`", config.bytes_max);
                return Err(Status::resource_exhausted(message));
            }
            body.extend_from_slice(&next.part);
        }
        let before = described(&[self.one(&config.name)?]);
        let status = handle.push(body).await.ok_or(HubError::Gone)?;
        if let Some(error) = status.error {
            return Err(Status::invalid_argument(format!("{error}\nthe last good one stays in force")));
        }
        self.catch_up().await?;
        let now = self.one(&config.name)?;
        Ok(Changed { answer: feed(&now), before: Some(before), after: Some(described(&[now])) })
    }

    fn one(&self, name: &str) -> Result<Shown, HubError> {
        let found = self.hub.inner.shelf.shown(Some(name)).pop();
        found.ok_or_else(|| unknown(name))
    }

    /// Waits until workers judge by what has come.
    pub(super) async fn catch_up(&self) -> Result<(), Status> {
        if self.hub.inner.shelf.caught_up(2 * ANSWER_WITHIN).await {
            return Ok(());
        }
        Err(Status::deadline_exceeded(
            "what came is kept, but workers do not judge by it yet; see the log of reputed and `repute status`",
        ))
    }
}

async fn show(
    sink: Sink<v1::ShowFeedResponse>,
    config: Arc<FeedConfig>,
    import: Arc<Import>,
    count: usize,
) -> Result<(), Status> {
    let row = |entry: &Entry| {
        let Entry { prefix, says, until, note } = *entry;
        listed(&Found { feed: &config.name, prefix, says, until, note: import.note(note), cut: false })
    };
    let named = |entry: &NameEntry| v1::Listed {
        feed: config.name.clone(),
        name: entry.name.to_string(),
        note: import.note(entry.note).to_owned(),
        until_unix_ms: entry.until.map(Until::time).map(unix_ms),
        ..v1::Listed::default()
    };
    // An import is of one of the two.
    let rows = import.entries().iter().map(row).chain(import.names().iter().map(named)).take(count);
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        send(&sink, v1::ShowFeedResponse { rows: rows.by_ref().take(ROWS_MAX).collect() }).await?;
    }
    Ok(())
}

fn feed(shown: &Shown) -> v1::Feed {
    let Shown { config, status, latest, cuts } = shown;
    let skips = latest.iter().flat_map(|import| import.skipped.rows()).map(|skip| v1::FeedSkip {
        reason: skip.reason.to_string(),
        count: skip.count,
        first: skip.first.to_string().trim_start_matches([',', ' ']).to_owned(),
    });
    let [refreshed, unchanged, failed] = status.counts;
    v1::Feed {
        name: config.name.clone(),
        origin: origin(config),
        format: config.format.map_or("auto", |format| format.name()).to_owned(),
        allow: config.action == Action::Allow,
        honeypot: config.action == Action::Honeypot,
        confidence: config.confidence.into(),
        entries: status.entries as u64,
        records: status.records,
        skipped: status.skipped,
        skips: skips.collect(),
        cut_whole: cuts.whole,
        cut_partly: cuts.partly,
        cut_first: cuts.first.map(|prefix| prefix.to_string()).unwrap_or_default(),
        good_unix_ms: status.good_at.map(unix_ms),
        confirmed_unix_ms: status.confirmed_at.map(unix_ms),
        next_unix_ms: status.next_at.map(unix_ms),
        refreshed,
        unchanged,
        failed,
        error: status.error.clone().unwrap_or_default(),
        kept: status.kept,
    }
}

fn origin(config: &FeedConfig) -> String {
    match &config.origin {
        _ if config.name == ALERTS => "rules of [alerts]".to_owned(),
        Origin::File(path) => path.display().to_string(),
        // What follows the `?` may be a key.
        Origin::Http { url, .. } => url.split('?').next().unwrap_or_default().to_owned(),
        Origin::Pushed => "pushed".to_owned(),
        Origin::Crowdsec { url, .. } => format!("crowdsec at {url}"),
        Origin::Taxii { url, .. } => format!("taxii {url}"),
    }
}

/// What the audit log has of feeds: the entries in force, and what last went wrong.
fn described(feeds: &[Shown]) -> String {
    let one = |shown: &Shown| {
        let repute_feeds::Status { entries, skipped, error, .. } = &shown.status;
        let error = error.as_ref().map(|error| format!(", failed: {error}")).unwrap_or_default();
        format!("{}: {entries} entries, {skipped} records skipped{error}", shown.config.name)
    };
    feeds.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Why a feed cannot be had.
fn unknown(name: &str) -> HubError {
    if name == ALERTS { HubError::OfAlerts } else { HubError::NoFeed(bounded(name)) }
}

/// A name as it is quoted.
fn bounded(name: &str) -> String {
    name.chars().take(64).collect()
}
