//! Asking over HTTP: every answer is bounded in bytes and time, secrets stay with the host they are meant for.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{
    ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

use super::config::Header;
use super::error::FetchError;
use super::state::Validators;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// So many redirections are followed.
const REDIRECTIONS_MAX: usize = 5;
/// The longest secret in bytes.
const SECRET_MAX: u64 = 4096;
/// How this program names itself.
const USER_AGENT: &str = concat!("repute/", env!("CARGO_PKG_VERSION"));

/// A client for one feed.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
    feed: String,
    bytes_max: u64,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(super) enum Answer {
    /// 304: what is here is still right.
    Unchanged,
    /// Its bytes as sent (perhaps packed), and what to send next time.
    Body(Vec<u8>, Validators),
}

impl Http {
    /// A client whose answers have `bytes_max` bytes at most. How long one may take is for the caller to limit.
    pub fn new(feed: &str, bytes_max: u64) -> Result<Self, FetchError> {
        let client =
            Client::builder().user_agent(USER_AGENT).connect_timeout(CONNECT).redirect(policy()).build();
        let client = client.map_err(|error| FetchError::Http {
            feed: feed.to_owned(),
            url: "the HTTP client".to_owned(),
            what: causes(&error),
        })?;
        Ok(Self { client, feed: feed.to_owned(), bytes_max })
    }

    /// The headers as they are sent now: secrets are read from their files.
    pub fn headers(&self, headers: &[Header]) -> Result<HeaderMap, FetchError> {
        let mut map = HeaderMap::new();
        // Packed answers are unpacked where the limits are.
        map.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        for header in headers {
            let (name, value) = match header {
                Header::Plain { name, value } => (name, value.clone()),
                Header::Secret { name, prefix, file } => (name, format!("{prefix}{}", self.secret(file)?)),
            };
            let wrong = || FetchError::Header { feed: self.feed.clone(), name: name.clone() };
            let mut value = HeaderValue::from_str(&value).map_err(|_| wrong())?;
            value.set_sensitive(matches!(header, Header::Secret { .. }));
            map.insert(name.parse::<HeaderName>().map_err(|_| wrong())?, value);
        }
        Ok(map)
    }

    /// The text of a file of secrets.
    pub fn secret(&self, file: &Path) -> Result<String, FetchError> {
        super::fetch::small_text(file, SECRET_MAX).map_err(|error| FetchError::File {
            feed: self.feed.clone(),
            path: file.to_owned(),
            error,
        })
    }

    /// Asks for `url` and reads the answer whole.
    pub async fn get(&self, url: &str, headers: HeaderMap, known: &Validators) -> Result<Answer, FetchError> {
        let mut request = self.client.get(url).headers(headers);
        if let Some(etag) = &known.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(time) = &known.last_modified {
            request = request.header(IF_MODIFIED_SINCE, time);
        }
        let response = request.send().await.map_err(|error| self.failed(url, &error))?;
        if response.status() == StatusCode::NOT_MODIFIED && *known != Validators::default() {
            return Ok(Answer::Unchanged);
        }
        if response.status() != StatusCode::OK {
            return Err(self.status(url, &response));
        }
        let text = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let validators = Validators {
            etag: text(ETAG).map(str::to_owned),
            last_modified: text(LAST_MODIFIED).map(str::to_owned),
        };
        let body = self.body(url, response).await?;
        Ok(Answer::Body(body, validators))
    }

    async fn body(&self, url: &str, mut response: Response) -> Result<Vec<u8>, FetchError> {
        let too_long =
            || FetchError::TooLong { feed: self.feed.clone(), url: shown(url), max: self.bytes_max };
        if response.content_length().is_some_and(|length| length > self.bytes_max) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.failed(url, &error))? {
            if (body.len() + piece.len()) as u64 > self.bytes_max {
                return Err(too_long());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn failed(&self, url: &str, error: &reqwest::Error) -> FetchError {
        FetchError::Http { feed: self.feed.clone(), url: shown(url), what: causes(error) }
    }

    fn status(&self, url: &str, response: &Response) -> FetchError {
        let seconds =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let status = response.status().as_u16();
        let hint = match status {
            401 | 403 => "; check the key",
            404 | 410 => "; check the URL: the publisher may have moved or ended this list",
            429 => "; it is asked too often: raise `refresh`",
            500..=599 => "; the publisher's server has a problem",
            _ => "",
        };
        let retry_after = seconds.map(Duration::from_secs);
        FetchError::Status { feed: self.feed.clone(), url: shown(url), status, hint, retry_after }
    }
}

/// Redirections stay with the host, and never go from https to http: headers may carry secrets.
fn policy() -> Policy {
    Policy::custom(|attempt| {
        let origin = attempt.previous().first();
        let same_host = origin.is_some_and(|first| first.host_str() == attempt.url().host_str());
        let safe = origin.is_some_and(|first| first.scheme() != "https" || attempt.url().scheme() == "https");
        if attempt.previous().len() > REDIRECTIONS_MAX {
            attempt.error("too many redirections")
        } else if same_host && safe {
            attempt.follow()
        } else {
            attempt.error("redirected to another host, or to plain http: name the final URL in the config")
        }
    })
}

/// The URL without what may be secret in it.
pub(super) fn shown(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) => {
            // Neither fails for the http URLs that the config allows.
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.set_query(None);
            parsed.to_string()
        }
        Err(_) => "the URL".to_owned(),
    }
}

/// An error with its causes, without the URL.
fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { "no answer".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_not_shown() {
        assert_eq!(shown("https://u:p@a.example/list?key=secret"), "https://a.example/list");
    }
}
