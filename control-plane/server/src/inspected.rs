//! What inspection has found, with the names of the policy in force.
//!
//! Made by the actor of every report, so that a later policy, whose signatures have other numbers, renames nothing.

use repute_model::{Address, Finding, Inspected, PortRule, Source};
use repute_policy::Checked;

/// Something that was found in a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InspectionHit {
    /// In whose packet.
    pub source: Source,
    /// What.
    pub finding: Finding,
    /// The name of the signature, if it was one.
    pub signature: Option<String>,
    /// Whom the packet was for.
    pub destination: Address,
    /// Its protocol and the port that it was for.
    pub to: PortRule,
    /// Hits before this one that the worker did not tell of.
    pub untold: u32,
}

impl InspectionHit {
    /// A worker's report under the policy of this config.
    pub(crate) fn of(inspected: &Inspected, checked: &Checked) -> Self {
        let Inspected { source, hit, destination, to, untold } = *inspected;
        let signature = hit.signature.and_then(|number| checked.signature_name(number)).map(str::to_owned);
        Self { source, finding: hit.finding, signature, destination, to, untold }
    }
}
