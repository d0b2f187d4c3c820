//! Events about alerts that came in and incidents that people are told of.

use std::fmt;

use repute_model::Source;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{Happening, Severity, wire};

/// An alert came in, and what was done about it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct AlertReceived {
    /// The input that it came through.
    pub input: String,
    /// Number or word that names the signature.
    pub signature: String,
    /// What it is called.
    pub name: String,
    /// Its category.
    pub category: String,
    /// 1 = worst, as the sender counts.
    pub rank: u8,
    /// Who is behind it, if it names anybody.
    #[serde(serialize_with = "optional")]
    #[schemars(with = "Option<wire::SourceText>")]
    pub source: Option<Source>,
    /// What was done, or why nothing was.
    pub outcome: String,
}

impl Happening for AlertReceived {
    fn severity(&self) -> Severity {
        if self.rank <= 1 { Severity::Warning } else { Severity::Notice }
    }

    fn source(&self) -> Option<Source> {
        self.source
    }
}

impl fmt::Display for AlertReceived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, signature, name, outcome, .. } = self;
        write!(f, "alert {signature} ({name}) from {input}")?;
        if let Some(source) = self.source {
            write!(f, " about {source}")?;
        }
        write!(f, ": {outcome}")
    }
}

fn optional<S: Serializer>(source: &Option<Source>, to: S) -> Result<S::Ok, S::Error> {
    match source {
        Some(source) => to.collect_str(source),
        None => to.serialize_none(),
    }
}

/// What happened in an incident.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// The incident was opened.
    Opened,
    /// There is no room for one more: nobody is told.
    Refused,
    /// A step's receiver was told.
    Notified,
    /// A step's receiver could not be told.
    Failed,
    /// Nobody acknowledged in time: the next step begins.
    Escalated,
    /// Somebody takes care.
    Acknowledged,
    /// The mitigation is over.
    Ended,
}

/// One step of an incident.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct IncidentStep {
    /// Its id.
    pub incident: String,
    /// Who it is about.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::SourceText")]
    pub source: Source,
    /// Why.
    #[serde(serialize_with = "wire::text")]
    #[schemars(with = "wire::FactorName")]
    pub cause: repute_model::Factor,
    /// What happened.
    pub state: StepState,
    /// The step of the workflow, where one is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Who acknowledged, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Happening for IncidentStep {
    fn severity(&self) -> Severity {
        match self.state {
            StepState::Opened | StepState::Escalated => Severity::Warning,
            StepState::Refused | StepState::Failed => Severity::Error,
            StepState::Notified | StepState::Acknowledged | StepState::Ended => Severity::Notice,
        }
    }

    fn source(&self) -> Option<Source> {
        Some(self.source)
    }
}

impl fmt::Display for IncidentStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { incident, source, cause, .. } = self;
        let state = match self.state {
            StepState::Opened => "opened",
            StepState::Refused => "refused, too many are open",
            StepState::Notified => "notified",
            StepState::Failed => "not notified",
            StepState::Escalated => "escalated",
            StepState::Acknowledged => "acknowledged",
            StepState::Ended => "ended",
        };
        write!(f, "incident {incident} about {source} for {cause}: {state}")?;
        if let Some(step) = &self.step {
            write!(f, ", step {step}")?;
        }
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}
