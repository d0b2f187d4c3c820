//! Events about who asks a DNS server for honeypots.

use std::fmt;

use repute_model::Source;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Happening, Severity, wire};

/// Somebody has asked a DNS server for a name that nobody honest asks for.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct HoneypotAsked {
    /// Who.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::SourceText")]
    pub source: Source,
    /// For which name, as in zone files.
    pub name: String,
    /// Whether it counts against the source: of strangers without an entry nothing is remembered.
    pub counted: bool,
}

impl Happening for HoneypotAsked {
    fn severity(&self) -> Severity {
        Severity::Notice
    }

    fn source(&self) -> Option<Source> {
        Some(self.source)
    }
}

impl fmt::Display for HoneypotAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, name, counted } = self;
        let not = if *counted { "" } else { ", which counts against nobody" };
        write!(f, "{source} asked for the honeypot {name}{not}")
    }
}
