//! What a feed is: plain values that the config fills in.

use std::path::PathBuf;
use std::time::Duration;

use repute_model::Width;
use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::import::Action;

/// One feed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FeedConfig {
    /// Its name: in `explain`, metrics and errors. 1..=64 letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// How it is written; `None` = by its first bytes.
    pub format: Option<Format>,
    /// Where it comes from.
    pub origin: Origin,
    /// What its entries are for.
    pub action: Action,
    /// How far it is trusted, 1..=100 percent; see [`Terms::confidence`](crate::Terms::confidence).
    pub confidence: u8,
    /// How long entries count that bring no end of their own.
    pub expiry: Option<Duration>,
    /// How long between two refreshes; at least a second. Publishers ask for an hour or more.
    pub refresh: Duration,
    /// How long one refresh may take.
    pub timeout: Duration,
    /// Bytes of an answer or a file at most, packed or not.
    pub bytes_max: u64,
    /// Entries at most.
    pub entries_max: usize,
    /// Suricata: the file that names the categories.
    pub categories: Option<PathBuf>,
    /// What one source is: entries about part of a source count for all of it. Not kept: the config says it.
    #[serde(skip, default = "outside")]
    pub width: Width,
}

fn outside() -> Width {
    Width::OUTSIDE
}

/// Where a feed comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A file; read again when its time or size has changed.
    File(PathBuf),
    /// A URL, asked with `If-None-Match` and `If-Modified-Since`.
    Http {
        /// `http://` or `https://`.
        url: String,
        /// Sent with every request.
        headers: Vec<Header>,
    },
    /// Somebody brings it through the API.
    Pushed,
    /// The decisions of a CrowdSec local API, polled.
    Crowdsec {
        /// Where the API is: `http://127.0.0.1:8080`.
        url: String,
        /// A file with the bouncer's key.
        key_file: PathBuf,
        /// How much the kinds of decisions count.
        weights: Weights,
    },
    /// A collection of a TAXII 2.1 server, read whole at every refresh.
    Taxii {
        /// The collection: `https://server/root/collections/<id>`.
        url: String,
        /// Sent with every request; `Authorization` usually.
        headers: Vec<Header>,
    },
}

/// One header of a request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    /// A value that is no secret.
    Plain {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A secret, read from a file at every refresh, so that it can be changed. 4096 bytes at most; white space around
    /// it is dropped.
    Secret {
        /// Its name.
        name: String,
        /// What stands before it: `Bearer `, `Basic `.
        prefix: String,
        /// The file.
        file: PathBuf,
    },
}

/// Confidence of CrowdSec's decisions by their type, 1..=100 percent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Weights {
    /// `ban`.
    pub ban: u8,
    /// `captcha`.
    pub captcha: u8,
    /// Any other type.
    pub other: u8,
}

impl Default for Weights {
    fn default() -> Self {
        Self { ban: 100, captcha: 50, other: 50 }
    }
}

impl FeedConfig {
    /// A deny feed with the defaults: trusted fully, refreshed every hour (CrowdSec: 10 s), 60 s a refresh, 256 MiB,
    /// 4 194 304 entries.
    pub fn new(name: &str, origin: Origin) -> Self {
        let limits = crate::Limits::default();
        let refresh = if matches!(origin, Origin::Crowdsec { .. }) { 10 } else { 3600 };
        Self {
            name: name.to_owned(),
            format: None,
            origin,
            action: Action::Deny,
            confidence: 100,
            expiry: None,
            refresh: Duration::from_secs(refresh),
            timeout: Duration::from_secs(60),
            bytes_max: limits.bytes,
            entries_max: limits.entries,
            categories: None,
            width: limits.width,
        }
    }

    /// Whether it can be run.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let name_like = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let wrong =
            |key, what: &str| Err(ConfigError { feed: self.name.clone(), key, what: what.to_owned() });
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(name_like) {
            return wrong("name", "expected 1 to 64 letters, digits, `.`, `_` and `-`");
        }
        if !(1..=100).contains(&self.confidence) {
            return wrong("confidence", "expected 1 to 100 percent");
        }
        if self.refresh < Duration::from_secs(1) || self.refresh > Duration::from_secs(366 * 86_400) {
            return wrong("refresh", "expected one second to a year");
        }
        let asked = !matches!(self.origin, Origin::Pushed);
        if asked && self.expiry.is_some_and(|expiry| expiry < 2 * self.refresh) {
            return wrong(
                "expiry",
                "expected at least twice `refresh`, or entries end before they are confirmed",
            );
        }
        if self.timeout.is_zero() || self.bytes_max == 0 || self.entries_max == 0 {
            return wrong("timeout, bytes_max, entries_max", "expected more than 0");
        }
        let (url, headers) = match &self.origin {
            Origin::Http { url, headers } | Origin::Taxii { url, headers } => (url, headers.as_slice()),
            Origin::Crowdsec { url, weights, .. } => {
                if [weights.ban, weights.captcha, weights.other].iter().any(|w| !(1..=100).contains(w)) {
                    return wrong("weights", "expected 1 to 100 percent");
                }
                (url, [].as_slice())
            }
            Origin::File(_) | Origin::Pushed => return Ok(()),
        };
        match reqwest::Url::parse(url) {
            Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {}
            _ => return wrong("url", "expected http://host/… or https://host/…"),
        }
        let bad = |header: &Header| {
            let (Header::Plain { name, .. } | Header::Secret { name, .. }) = header;
            name.parse::<reqwest::header::HeaderName>().is_err()
        };
        if headers.iter().any(bad) { wrong("headers", "expected header names such as `Key`") } else { Ok(()) }
    }
}

/// A setting with which a feed cannot be run.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("feed `{feed}`: `{key}`: {what}")]
pub struct ConfigError {
    /// The feed's name.
    pub feed: String,
    /// Which setting.
    pub key: &'static str,
    /// What is expected.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let good =
            FeedConfig::new("drop", Origin::Http { url: "https://a.example/x".into(), headers: vec![] });
        assert_eq!(good.check(), Ok(()));
        let url = |url: &str| Origin::Http { url: url.into(), headers: vec![] };
        for (key, bad) in [
            ("name", FeedConfig { name: "a b".into(), ..good.clone() }),
            ("confidence", FeedConfig { confidence: 0, ..good.clone() }),
            ("refresh", FeedConfig { refresh: Duration::ZERO, ..good.clone() }),
            ("expiry", FeedConfig { expiry: Some(good.refresh), ..good.clone() }),
            ("url", FeedConfig { origin: url("ftp://a.example/"), ..good.clone() }),
            ("url", FeedConfig { origin: url("not a url"), ..good.clone() }),
        ] {
            assert_eq!(bad.check().unwrap_err().key, key);
        }
    }

    #[test]
    fn it_survives_serialisation() {
        let key_file = PathBuf::from("/etc/repute/key");
        let origin =
            Origin::Crowdsec { url: "http://127.0.0.1:8080".into(), key_file, weights: Weights::default() };
        let config = FeedConfig::new("lapi", origin);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<FeedConfig>(&text).unwrap(), config);
    }
}
