//! CrowdSec's threat intelligence, `GET /v2/smoke/<address>`: a total score of 0..=5; 404 = never seen.

use std::net::IpAddr;

use serde::Deserialize;

use super::{Access, LookupError, Opinion, Service};
use crate::feed::AskOne;
use crate::format::Scores;
use crate::read::Loose;

/// The service; its API begins at `https://cti.api.crowdsec.net/v2`.
#[derive(Debug)]
pub struct Cti(AskOne);

impl Cti {
    /// Reached in this way.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(access: Access) -> Result<Self, LookupError> {
        AskOne::new("crowdsec-cti", access).map(Self)
    }
}

#[derive(Deserialize)]
struct Answer {
    scores: Option<Scores>,
    #[serde(default)]
    reputation: Loose,
}

impl Service for Cti {
    fn name(&self) -> &'static str {
        "crowdsec-cti"
    }

    async fn ask(&self, address: IpAddr) -> Result<Opinion, LookupError> {
        let Some(answer) = self.0.get::<Answer>(&format!("/smoke/{address}"), "x-api-key").await? else {
            return Ok(Opinion { confidence: 0, note: "never seen".to_owned() });
        };
        let confidence = answer.scores.and_then(|scores| scores.percent()).unwrap_or(0);
        Ok(Opinion { confidence, note: super::note(answer.reputation.text()) })
    }
}
