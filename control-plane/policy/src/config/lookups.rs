//! `[[lookups]]`: services that know about single addresses.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{Duration, Int, Text, keywords};

keywords! {
    /// Who is asked.
    LookupService {
        /// AbuseIPDB's `check`.
        Abuseipdb = "abuseipdb",
        /// CrowdSec's threat intelligence, `smoke`.
        CrowdsecCti = "crowdsec-cti",
    }
}

impl LookupService {
    /// Where its API begins.
    pub const fn usual_url(self) -> &'static str {
        match self {
            Self::Abuseipdb => "https://api.abuseipdb.com/api/v2",
            Self::CrowdsecCti => "https://cti.api.crowdsec.net/v2",
        }
    }
}

/// A service that `explain` asks about addresses of the outside.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["service", "key_file"]))]
pub struct Lookup {
    /// Which one; each once.
    pub service: LookupService,
    /// A file with its key; a whole path.
    pub key_file: Text,
    /// Where its API begins, where that is elsewhere.
    #[schemars(with = "Text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Text>,
    /// Questions a day (UTC) at most; more are not asked.
    pub quota: Int<1, 1_000_000>,
    /// Answers that are remembered.
    pub cache: Int<0, 1_000_000>,
    /// How long an answer counts.
    pub fresh: Duration<60_000, 2_592_000_000>,
    /// How long an answer may take: `explain` waits for it.
    pub timeout: Duration<100, 10_000>,
}

table!(fn overlay_keys of Lookup { service, key_file, url, quota, cache, fresh, timeout } requires "service", "key_file");

impl Scalar for Lookup {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut lookup = Self::default();
        reader.whole(|reader| lookup.overlay_keys(node, reader))?;
        Some(lookup)
    }
}
