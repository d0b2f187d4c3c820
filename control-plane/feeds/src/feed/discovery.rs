//! TAXII 2.1 discovery (OASIS, 2021, sections 4 and 5): from a server to its API roots to their collections.
//!
//! Called by `repute feed test URL`. **Always holds:** at most [`ROOTS_MAX`] roots and [`COLLECTIONS_MAX`] collections
//! are looked at, every answer is bounded, and headers with secrets go to the host that was named alone.

use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderValue};
use serde::Deserialize;

use super::config::Header;
use super::error::FetchError;
use super::http::{Answer, Http};
use super::state::Validators;
use super::taxii::MEDIA_TYPE;
use crate::limits::Limits;
use crate::read::Unpacked;

/// API roots of a server at most; the rest is left out.
pub const ROOTS_MAX: usize = 16;
/// Collections at most; the rest is left out.
pub const COLLECTIONS_MAX: usize = 1000;
/// The longest answer in bytes.
const ANSWER_MAX: u64 = 1 << 20;
/// What errors call this.
const NAME: &str = "taxii";

/// One collection of a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    /// What `taxii` of a feed is to be.
    pub url: String,
    /// For people.
    pub title: String,
    /// Whether whoever asks may read it.
    pub can_read: bool,
}

/// A discovery, a root or its collections: whatever the URL is of.
#[derive(Deserialize)]
struct Resource {
    api_roots: Option<Vec<String>>,
    collections: Option<Vec<Listed>>,
    /// Only an API root has these.
    max_content_length: Option<u64>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    can_read: bool,
}

/// The collections behind a URL: of a server (its discovery is at `/taxii2/`), of an API root, or of its list.
///
/// # Errors
/// A server that does not answer, or not in TAXII 2.1.
pub async fn taxii_collections(url: &str, headers: &[Header]) -> Result<Vec<Collection>, FetchError> {
    let http = Http::new(NAME, ANSWER_MAX)?;
    let mut base = parsed(url)?;
    if base.path() == "/" {
        base.set_path("/taxii2/");
    }
    let found = get(&http, &base, headers).await?;
    let mut into = Vec::new();
    match found {
        Resource { collections: Some(listed), .. } => put(&mut into, &base, listed),
        Resource { api_roots: Some(roots), .. } => {
            for root in roots.iter().take(ROOTS_MAX) {
                // Roots may be relative to the discovery (section 4.1).
                let root = base.join(root).map_err(|_| nothing(&base, "names an API root that is no URL"))?;
                let headers = if root.origin() == base.origin() { headers } else { &[] };
                of_root(&http, &root, headers, &mut into).await?;
            }
        }
        Resource { max_content_length: Some(_), .. } => of_root(&http, &base, headers, &mut into).await?,
        _ => return Err(nothing(&base, "answers neither a discovery, nor an API root, nor collections")),
    }
    Ok(into)
}

async fn of_root(
    http: &Http,
    root: &Url,
    headers: &[Header],
    into: &mut Vec<Collection>,
) -> Result<(), FetchError> {
    let list = parsed(&format!("{}/collections/", root.as_str().trim_end_matches('/')))?;
    let found = get(http, &list, headers).await?;
    // A root without collections may leave the list out (section 5.1).
    put(into, &list, found.collections.unwrap_or_default());
    Ok(())
}

fn put(into: &mut Vec<Collection>, list: &Url, listed: Vec<Listed>) {
    let base = list.as_str().trim_end_matches('/');
    let one = |Listed { id, title, can_read }: Listed| Collection {
        url: format!("{base}/{id}/"),
        title: title.chars().filter(|c| !c.is_control()).take(100).collect(),
        can_read,
    };
    let room = COLLECTIONS_MAX.saturating_sub(into.len());
    into.extend(listed.into_iter().filter(|one| is_id(&one.id)).take(room).map(one));
}

/// A UUID or an alias: nothing that would name another path.
fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && id != ".."
}

async fn get(http: &Http, url: &Url, headers: &[Header]) -> Result<Resource, FetchError> {
    let mut headers = http.headers(headers)?;
    headers.insert(ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
    let Answer::Body(body, _) = http.get(url.as_str(), headers, &Validators::default()).await? else {
        return Err(nothing(url, "answers nothing"));
    };
    let limits = Limits { bytes: ANSWER_MAX, ..Limits::default() };
    let read = Unpacked::new(body.as_slice(), limits).ok();
    read.and_then(|body| serde_json::from_reader(std::io::BufReader::new(body)).ok())
        .ok_or_else(|| nothing(url, "answers no TAXII 2.1 resource in JSON"))
}

fn parsed(url: &str) -> Result<Url, FetchError> {
    Url::parse(url).map_err(|error| FetchError::Http {
        feed: NAME.to_owned(),
        url: "the URL".to_owned(),
        what: error.to_string(),
    })
}

fn nothing(url: &Url, what: &str) -> FetchError {
    FetchError::Http { feed: NAME.to_owned(), url: super::http::shown(url.as_str()), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_no_other_path() {
        assert!(is_id("91a7b528-80eb-42ed-a74d-c6fbd5a26116") && is_id("all"));
        assert!(["", "..", "a/b", "a?b", "a b"].iter().all(|id| !is_id(id)));
    }
}
