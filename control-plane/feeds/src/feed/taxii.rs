//! A TAXII 2.1 collection (OASIS, 2021), read page by page: every object of it, at every refresh.
//!
//! Reading all of it each time makes withdrawn objects go away, which a collection does not announce otherwise.

use reqwest::header::{ACCEPT, HeaderValue};

use super::config::Header;
use super::error::FetchError;
use super::http::{Answer, Http};
use super::state::Validators;
use crate::collect::Collector;
use crate::format::{Indicators, envelope};
use crate::import::{Import, Terms};
use crate::read::Unpacked;
use crate::refusal::Place;

/// What is asked for.
pub(super) const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// So many pages are turned.
const PAGES_MAX: usize = 10_000;

/// Reads a collection.
pub(super) async fn collection(
    http: &Http,
    url: &str,
    headers: &[Header],
    terms: &Terms<'_>,
) -> Result<Import, FetchError> {
    let (mut into, mut indicators) = (Collector::new(terms), Indicators::default());
    let (mut next, mut bytes) = (None, 0);
    for _ in 0..PAGES_MAX {
        let mut headers = http.headers(headers)?;
        headers.insert(ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        let page = page_url(url, next.as_deref());
        let body = match http.get(&page, headers, &Validators::default()).await? {
            Answer::Body(body, _) => body,
            // Only what was asked with validators can be unchanged.
            Answer::Unchanged => Vec::new(),
        };
        bytes += body.len() as u64;
        if bytes > terms.limits.bytes {
            let (feed, url, max) = (terms.feed.to_owned(), url.to_owned(), terms.limits.bytes);
            return Err(FetchError::TooLong { feed, url, max });
        }
        let source = Unpacked::new(body.as_slice(), terms.limits);
        let source = source.map_err(|error| into.refuse(Place::Whole, error.into()))?;
        let after = envelope(source, &mut into, &mut indicators)?;
        if after.is_none() {
            indicators.put(&mut into)?;
            return Ok(into.finish()?);
        }
        next = after;
    }
    Err(FetchError::Pages { feed: terms.feed.to_owned(), url: url.to_owned(), max: PAGES_MAX })
}

fn page_url(url: &str, next: Option<&str>) -> String {
    let base = format!("{}/objects/", url.trim_end_matches('/'));
    let Ok(mut parsed) = reqwest::Url::parse(&base) else { return base };
    parsed.query_pairs_mut().append_pair("match[type]", "indicator");
    if let Some(next) = next {
        parsed.query_pairs_mut().append_pair("next", next);
    }
    parsed.to_string()
}
