//! `[inspect]` and `[signatures.NAME]`: what is looked for in packets of sources whose treatment inspects.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Int, Number, PortSpec, Text};

/// What is looked for in packets of sources whose treatment has `inspect`, beside signatures.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Inspect {
    /// Bytes of a payload in which signatures are looked for.
    pub bytes: Int<64, 9_000>,
    /// Ports where connections begin with TLS.
    pub tls: Vec<PortSpec>,
    /// Ports where connections begin with HTTP.
    pub http: Vec<PortSpec>,
    /// Ports where connections begin with SSH.
    pub ssh: Vec<PortSpec>,
    /// Ports for DNS queries, and no others.
    pub dns: Vec<PortSpec>,
}

table!(Inspect { bytes, tls, http, ssh, dns });

/// A pattern of payloads, as `text`, as `hex` or as `regex`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Signature {
    /// Exactly this text.
    #[schemars(with = "Text")]
    pub text: Option<Text>,
    /// Exactly these bytes, as pairs of hexadecimal digits.
    #[schemars(with = "Text")]
    pub hex: Option<Text>,
    /// What this regular expression over bytes matches.
    #[schemars(with = "Text")]
    pub regex: Option<Text>,
    /// The ports that it is looked for at; empty = all.
    pub ports: Vec<PortSpec>,
    /// How many hits one of it counts for, above 0.
    pub hits: Number<0, 100>,
}

table!(Signature { text, hex, regex, ports, hits });
