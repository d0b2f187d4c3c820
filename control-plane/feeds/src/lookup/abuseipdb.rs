//! AbuseIPDB, `GET /api/v2/check?ipAddress=…&maxAgeInDays=90`: a confidence of abuse in percent.

use std::net::IpAddr;

use serde::Deserialize;

use super::{Access, LookupError, Opinion, Service};
use crate::feed::AskOne;
use crate::read::Loose;

/// The service; its API begins at `https://api.abuseipdb.com/api/v2`.
#[derive(Debug)]
pub struct Abuseipdb(AskOne);

impl Abuseipdb {
    /// Reached in this way.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(access: Access) -> Result<Self, LookupError> {
        AskOne::new("abuseipdb", access).map(Self)
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    abuse_confidence_score: Loose,
    #[serde(default)]
    usage_type: Loose,
}

impl Service for Abuseipdb {
    fn name(&self) -> &'static str {
        "abuseipdb"
    }

    async fn ask(&self, address: IpAddr) -> Result<Opinion, LookupError> {
        let path = format!("/check?ipAddress={address}&maxAgeInDays=90");
        let Some(answer) = self.0.get::<Answer>(&path, "Key").await? else {
            return Ok(Opinion { confidence: 0, note: String::new() });
        };
        let confidence = answer.data.abuse_confidence_score.percent().unwrap_or(0);
        Ok(Opinion { confidence, note: super::note(answer.data.usage_type.text()) })
    }
}
