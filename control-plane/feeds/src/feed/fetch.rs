//! One refresh, from wherever the feed comes.
//!
//! Called by the runner. Parsing is done on tokio's blocking threads, so that a large list delays nobody.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::HeaderValue;

use super::config::{FeedConfig, Header, Origin};
use super::decisions::Decisions;
use super::error::FetchError;
use super::http::{Answer, Http};
use super::state::{Ask, Outcome, Validators};
use super::taxii;
use crate::format::{Categories, detect_and_import, import};
use crate::import::{Import, Terms};
use crate::limits::Limits;

/// The longest file of categories in bytes.
const CATEGORIES_MAX: u64 = 1 << 20;

/// What a runner needs from one refresh to the next.
#[derive(Debug)]
pub(super) struct Fetcher {
    config: Arc<FeedConfig>,
    http: Option<Http>,
    /// CrowdSec: what the stream has said since it began; `None` = it has to begin.
    decisions: Option<Decisions>,
}

impl Fetcher {
    pub fn new(config: Arc<FeedConfig>) -> Self {
        Self { config, http: None, decisions: None }
    }

    /// Asks for what is new, within the feed's time.
    pub async fn fetch(&mut self, ask: &Ask, now: SystemTime) -> Outcome {
        let (config, after) = (Arc::clone(&self.config), self.config.timeout);
        let result = tokio::time::timeout(after, self.ask_origin(&config, ask, now)).await;
        let feed = || config.name.clone();
        match result.unwrap_or_else(|_| Err(FetchError::Timeout { feed: feed(), after })) {
            Ok(outcome) => outcome,
            Err(error) => {
                // A stream that was interrupted begins anew.
                self.decisions = None;
                Outcome::Failed(error.to_string(), error.retry_after())
            }
        }
    }

    async fn ask_origin(
        &mut self,
        config: &Arc<FeedConfig>,
        ask: &Ask,
        now: SystemTime,
    ) -> Result<Outcome, FetchError> {
        match &config.origin {
            Origin::Pushed => Err(FetchError::Pushed(config.name.clone())),
            Origin::File(path) => {
                let (config, path, known) = (Arc::clone(config), path.clone(), ask.validators.etag.clone());
                blocking(&config.name.clone(), move || read_file(&config, &path, known.as_deref(), now)).await
            }
            Origin::Http { url, headers } => {
                let http = self.http()?;
                match http.get(url, http.headers(headers)?, &ask.validators).await? {
                    Answer::Unchanged => Ok(Outcome::Unchanged),
                    Answer::Body(body, validators) => {
                        let import = parse(config, body, now).await?;
                        Ok(Outcome::New(Arc::new(import), validators))
                    }
                }
            }
            Origin::Taxii { url, headers } => {
                let http = self.http()?;
                let import = taxii::collection(http, url, headers, &terms(config, None, now)).await?;
                Ok(Outcome::New(Arc::new(import), Validators::default()))
            }
            Origin::Crowdsec { url, key_file, .. } => self.poll_stream(config, url, key_file, now).await,
        }
    }

    /// One poll of a CrowdSec stream; after an error the next one begins at the start.
    async fn poll_stream(
        &mut self,
        config: &Arc<FeedConfig>,
        url: &str,
        key_file: &Path,
        now: SystemTime,
    ) -> Result<Outcome, FetchError> {
        let http = self.http()?.clone();
        let startup = self.decisions.is_none();
        let key =
            Header::Secret { name: "X-Api-Key".into(), prefix: String::new(), file: key_file.to_owned() };
        let mut headers = http.headers(&[key])?;
        headers.insert("accept", HeaderValue::from_static("application/json"));
        let url = format!("{}/v1/decisions/stream?startup={startup}", url.trim_end_matches('/'));
        let Answer::Body(body, _) = http.get(&url, headers, &Validators::default()).await? else {
            return Ok(Outcome::Unchanged);
        };
        let mut decisions = self.decisions.take().unwrap_or_else(|| Decisions::new(config.weights()));
        let of_feed = Arc::clone(config);
        let (decisions, changed) = blocking(&config.name, move || {
            let terms = terms(&of_feed, None, now);
            let changed = decisions.take(body.as_slice(), startup, &terms)?;
            let import = if changed || startup { Some(decisions.import(&terms)?) } else { None };
            Ok((decisions, import))
        })
        .await?;
        self.decisions = Some(decisions);
        Ok(match changed {
            Some(import) => Outcome::New(Arc::new(import), Validators::default()),
            None => Outcome::Unchanged,
        })
    }

    fn http(&mut self) -> Result<&Http, FetchError> {
        match &mut self.http {
            Some(http) => Ok(http),
            none => {
                let config = &self.config;
                Ok(none.insert(Http::new(&config.name, config.bytes_max)?))
            }
        }
    }
}

impl FeedConfig {
    fn weights(&self) -> super::Weights {
        match &self.origin {
            Origin::Crowdsec { weights, .. } => *weights,
            _ => super::Weights::default(),
        }
    }
}

/// Reads what was sent or pushed.
pub(super) async fn parse(
    config: &Arc<FeedConfig>,
    body: Vec<u8>,
    now: SystemTime,
) -> Result<Import, FetchError> {
    let of_feed = Arc::clone(config);
    blocking(&config.name, move || parse_now(&of_feed, body.as_slice(), now)).await
}

fn parse_now(config: &FeedConfig, source: impl Read, now: SystemTime) -> Result<Import, FetchError> {
    let categories = match &config.categories {
        None => None,
        Some(path) => {
            let text = small_text(path, CATEGORIES_MAX).map_err(failed(config, path))?;
            Some(Categories::read(text.as_bytes(), &config.name)?)
        }
    };
    let terms = terms(config, categories.as_ref(), now);
    Ok(match config.format {
        Some(format) => import(format, source, &terms)?,
        None => detect_and_import(source, &terms)?.1,
    })
}

fn terms<'a>(config: &'a FeedConfig, categories: Option<&'a Categories>, now: SystemTime) -> Terms<'a> {
    let (bytes, entries, width) = (config.bytes_max, config.entries_max, config.width);
    let limits = Limits { bytes, entries, width, ..Limits::default() };
    let FeedConfig { name, action, confidence, expiry, .. } = config;
    Terms { feed: name, action: *action, confidence: *confidence, expiry: *expiry, now, limits, categories }
}

fn failed<'a>(config: &'a FeedConfig, path: &'a Path) -> impl Fn(io::Error) -> FetchError + 'a {
    move |error| FetchError::File { feed: config.name.clone(), path: path.to_owned(), error }
}

fn read_file(
    config: &FeedConfig,
    path: &Path,
    known: Option<&str>,
    now: SystemTime,
) -> Result<Outcome, FetchError> {
    let failed = failed(config, path);
    let file = open(path).map_err(&failed)?;
    let before = version(&file.metadata().map_err(&failed)?);
    if known == Some(&before) {
        return Ok(Outcome::Unchanged);
    }
    let import = parse_now(config, &file, now)?;
    if version(&file.metadata().map_err(&failed)?) != before {
        return Err(FetchError::Changed { feed: config.name.clone(), path: path.to_owned() });
    }
    Ok(Outcome::New(Arc::new(import), Validators { etag: Some(before), last_modified: None }))
}

/// What differs between two versions of a file.
pub(crate) fn version(file: &Metadata) -> String {
    format!("{} {} {}.{:09}", file.ino(), file.size(), file.mtime(), file.mtime_nsec())
}

fn open(path: &Path) -> io::Result<File> {
    // Asked before it is opened: opening a pipe would wait for whoever writes to it.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    File::open(path)
}

/// All of a small text file, without the white space around it.
pub(super) fn small_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > bytes_max {
        return Err(io::Error::other(format!("longer than {bytes_max} bytes")));
    }
    Ok(text.trim().to_owned())
}

/// Runs `work` where it may block.
async fn blocking<T: Send + 'static>(
    feed: &str,
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|error| Err(FetchError::Stopped { feed: feed.to_owned(), error }))
}
