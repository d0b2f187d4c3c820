//! What the box tells the world: one closed list of events.
//!
//! Made by [`crate::Bus::publish`], read by every sink. **Always holds:** an event never changes once it is
//! published, its id is larger than those of all events before it, and its JSON form satisfies
//! [`json_schema`].

mod admin;
mod challenge;
mod crowd;
mod health;
mod id;
mod incident;
mod inspection;
mod lured;
mod schema;
mod severity;
mod standing;
mod wire;

use std::sync::Arc;
use std::time::SystemTime;

use repute_model::Source;
use schemars::JsonSchema;
use serde::Serialize;

pub use admin::{FeedCut, FeedFailed, FeedLoaded, FeedStale, PolicyApplied, PolicyExpired, PolicyRolledBack};
pub use challenge::ChallengePassed;
pub use crowd::{CrowdChanged, CrowdSenders};
pub use health::{
    EventsLost, PortLink, ReportsLost, SinkFailed, SinkRecovered, Started, Stopping, UpstreamChanged,
    WorkerLagging, WorkerRecovered,
};
pub use id::{BootId, EventId};
pub use incident::{AlertReceived, IncidentStep, StepState};
pub use inspection::InspectionHit;
pub use lured::HoneypotAsked;
pub use schema::{SCHEMA_ID, SchemaId, json_schema};
pub use severity::Severity;
pub use standing::{BandChanged, Mitigation, Phase};
pub(crate) use wire::rfc3339;

/// One event, as every sink gets it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Event {
    /// The schema that the JSON form follows.
    pub schema: SchemaId,
    /// Unique on this box; later events have larger ids.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::EventIdText")]
    pub id: EventId,
    /// When it happened (RFC 3339, UTC, microseconds).
    #[serde(rename = "time", serialize_with = "wire::time")]
    #[schemars(with = "wire::Time")]
    pub at: SystemTime,
    /// The name of the box.
    #[serde(rename = "box", serialize_with = "wire::text")]
    #[schemars(with = "String")]
    pub host: Arc<str>,
    /// Version of the policy in force.
    pub policy_version: u64,
    /// How much it matters.
    pub severity: Severity,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What every kind of event can say about itself.
pub(crate) trait Happening: std::fmt::Display {
    /// How much it matters.
    fn severity(&self) -> Severity;

    /// Whom it is about.
    fn source(&self) -> Option<Source> {
        None
    }
}

macro_rules! events {
    ($($(#[doc = $doc:literal])+ $variant:ident($payload:ty) = $kind:literal,)+) => {
        /// What happened. `kind` names it in JSON, as RFC 5424 MSGID and as CEF signature id.
        #[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum What {
            $($(#[doc = $doc])+ #[serde(rename = $kind)] $variant($payload),)+
        }

        impl What {
            /// Every kind's name.
            pub const KINDS: &'static [&'static str] = &[$($kind,)+];

            /// The name of this kind: lower case, at most 32 bytes.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)+ }
            }

            fn happening(&self) -> &dyn Happening {
                match self { $(Self::$variant(payload) => payload,)+ }
            }
        }

        $(impl From<$payload> for What {
            fn from(payload: $payload) -> Self {
                Self::$variant(payload)
            }
        })+
    };
}

events! {
    /// A source moved to another band.
    BandChanged(BandChanged) = "band-changed",
    /// A mitigation began, changed or ended.
    Mitigation(Mitigation) = "mitigation",
    /// A crowd went to another state for one kind of flood.
    CrowdChanged(CrowdChanged) = "crowd-changed",
    /// Somebody has passed a challenge off the wire.
    ChallengePassed(ChallengePassed) = "challenge-passed",
    /// Inspection has found something.
    InspectionHit(InspectionHit) = "inspection-hit",
    /// Somebody has asked for a honeypot.
    HoneypotAsked(HoneypotAsked) = "honeypot-asked",
    /// A feed was loaded.
    FeedLoaded(FeedLoaded) = "feed-loaded",
    /// A feed could not be loaded; the last good one stays.
    FeedFailed(FeedFailed) = "feed-failed",
    /// A feed has not been confirmed for long.
    FeedStale(FeedStale) = "feed-stale",
    /// Entries of a feed were left out.
    FeedCut(FeedCut) = "feed-cut",
    /// A policy is in force.
    PolicyApplied(PolicyApplied) = "policy-applied",
    /// A policy was rolled back by somebody.
    PolicyRolledBack(PolicyRolledBack) = "policy-rolled-back",
    /// A policy was rolled back because nobody confirmed it.
    PolicyExpired(PolicyExpired) = "policy-expired",
    /// The box has started.
    Started(Started) = "started",
    /// The box is about to stop.
    Stopping(Stopping) = "stopping",
    /// A worker has not moved for a while.
    WorkerLagging(WorkerLagging) = "worker-lagging",
    /// A lagging worker moves again.
    WorkerRecovered(WorkerRecovered) = "worker-recovered",
    /// The link of a port went up or down.
    PortLink(PortLink) = "port-link",
    /// An upstream that queries go on to came up or went down.
    UpstreamChanged(UpstreamChanged) = "upstream-changed",
    /// Workers had no room for reports.
    ReportsLost(ReportsLost) = "reports-lost",
    /// A sink was too slow; it takes events again.
    EventsLost(EventsLost) = "events-lost",
    /// A sink cannot deliver.
    SinkFailed(SinkFailed) = "sink-failed",
    /// A sink delivers again.
    SinkRecovered(SinkRecovered) = "sink-recovered",
    /// An alert came in.
    AlertReceived(AlertReceived) = "alert-received",
    /// A step of the incident workflow.
    IncidentStep(IncidentStep) = "incident-step",
}

impl What {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.happening().severity()
    }

    /// Whom it is about, where it is about one source.
    pub fn source(&self) -> Option<Source> {
        self.happening().source()
    }
}

impl std::fmt::Display for What {
    /// One sentence for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.happening().fmt(f)
    }
}
