//! `[metrics]` and `[crowdsec_api]`: what the box serves over HTTP on loopback.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Listen, Text};

/// Numbers for Prometheus.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Metrics {
    /// Loopback address and port of `/metrics` and `/healthz`; absent = they are not served.
    #[schemars(with = "Listen")]
    pub listen: Option<Listen>,
}

table!(Metrics { listen });

/// Decisions for bouncers that speak to CrowdSec's local API.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct CrowdsecApi {
    /// Loopback address and port; absent = it is not served.
    #[schemars(with = "Listen")]
    pub listen: Option<Listen>,
    /// File of the API keys, one bouncer a line: its name, a space, the SHA-256 of its key in hexadecimal
    /// digits. Required with `listen`.
    #[schemars(with = "Text")]
    pub keys: Option<Text>,
}

table!(CrowdsecApi { listen, keys });
