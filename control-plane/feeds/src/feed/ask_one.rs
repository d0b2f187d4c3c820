//! One question over HTTP for a look-up service.

use std::io::BufReader;

use serde::de::DeserializeOwned;

use super::config::Header;
use super::error::FetchError;
use super::http::{Answer, Http};
use super::state::Validators;
use crate::limits::Limits;
use crate::lookup::{Access, LookupError};
use crate::read::Unpacked;

/// The longest answer in bytes.
const ANSWER_MAX: u64 = 1 << 20;

/// A client of one service.
#[derive(Debug)]
pub(crate) struct AskOne {
    service: &'static str,
    access: Access,
    http: Http,
}

impl AskOne {
    pub fn new(service: &'static str, access: Access) -> Result<Self, LookupError> {
        let http = Http::new(service, ANSWER_MAX);
        let http = http.map_err(|error| LookupError::Failed { service, what: error.to_string() })?;
        Ok(Self { service, access, http })
    }

    /// The answer under `path`; `None` where the service knows nothing (404).
    pub async fn get<T: DeserializeOwned>(&self, path: &str, key: &str) -> Result<Option<T>, LookupError> {
        let failed = |what: String| LookupError::Failed { service: self.service, what };
        let file = self.access.key_file.clone();
        let key = Header::Secret { name: key.to_owned(), prefix: String::new(), file };
        let headers = self.http.headers(&[key]).map_err(|error| failed(error.to_string()))?;
        let url = format!("{}{path}", self.access.url.trim_end_matches('/'));
        let (known, after) = (Validators::default(), self.access.timeout);
        let answer = tokio::time::timeout(after, self.http.get(&url, headers, &known)).await;
        match answer.map_err(|_| failed(format!("no whole answer within {} ms", after.as_millis())))? {
            Ok(Answer::Body(body, _)) => read(&body).map(Some).map_err(|error| {
                failed(format!(
                    "answered what it never did before ({error}); look whether its API has changed"
                ))
            }),
            Ok(Answer::Unchanged) | Err(FetchError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    let limits = Limits { bytes: ANSWER_MAX, ..Limits::default() };
    let answer = Unpacked::new(body, limits).map_err(serde_json::Error::io)?;
    serde_json::from_reader(BufReader::new(answer))
}
