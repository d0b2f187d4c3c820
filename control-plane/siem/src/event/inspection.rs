//! Events about what inspection finds in packets.

use std::fmt;

use repute_model::{Address, Finding, Source};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Happening, Severity, wire};

/// Something was found in a packet of a source whose treatment inspects.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct InspectionHit {
    /// In whose packet.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::SourceText")]
    pub source: Source,
    /// What: a promise of the port that was not kept, flags that no host sets, or a signature.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::FindingName")]
    pub finding: Finding,
    /// The name of the signature, if it was one.
    pub signature: Option<String>,
    /// Whom the packet was for.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "String")]
    pub destination: Address,
    /// Its IP protocol number.
    pub protocol: u8,
    /// The port that it was for.
    pub port: u16,
}

impl Happening for InspectionHit {
    fn severity(&self) -> Severity {
        if self.finding == Finding::Signature { Severity::Warning } else { Severity::Notice }
    }

    fn source(&self) -> Option<Source> {
        Some(self.source)
    }
}

impl fmt::Display for InspectionHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, finding, signature, destination, protocol, port } = self;
        write!(f, "{source} sent {finding}")?;
        if let Some(name) = signature {
            write!(f, " {name}")?;
        }
        write!(f, " to port {port} of {destination}, protocol {protocol}")
    }
}
