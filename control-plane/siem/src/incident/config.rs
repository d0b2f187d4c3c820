//! The workflow as it is configured.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Severity;

/// Most steps.
pub const STEPS_MAX: usize = 16;
/// Most incidents that may be open at once.
pub const OPEN_MAX: usize = 10_000;

/// Who is told of mitigations, in which order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkflowConfig {
    /// The steps, first to last; at most 16.
    pub steps: Vec<StepConfig>,
    /// The least severity of a mitigation that becomes an incident.
    #[serde(default = "least_default")]
    pub least: Severity,
    /// Incidents open at once, 1 to 10 000; nobody is told of those that come when there are so many.
    #[serde(default = "open_default")]
    pub open: usize,
    /// PEM file of authorities that webhooks' certificates may come from, instead of the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// One step: a webhook.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepConfig {
    /// What events call it.
    pub name: String,
    /// Where it is posted to: `https://…`, or `http://…` on a trusted network.
    pub url: String,
    /// File of the secret that the receiver checks signatures with; 16 to 256 bytes, spaces around it are dropped.
    pub secret: PathBuf,
    /// For how long an acknowledgement is awaited before the next step, in seconds, 1 to 7 days.
    #[serde(default = "acknowledge_default")]
    pub acknowledge_s: u64,
    /// How often one message is tried, 1 to 100.
    #[serde(default = "tries_default")]
    pub tries: u32,
    /// How long is waited before the second try, in seconds, 1 to 1 hour; doubled before each further one, to 1
    /// hour at most.
    #[serde(default = "retry_default")]
    pub retry_s: u64,
    /// How long one try may take, in seconds, 1 to 60.
    #[serde(default = "timeout_default")]
    pub timeout_s: u64,
}

const fn least_default() -> Severity {
    Severity::Warning
}

const fn open_default() -> usize {
    100
}

const fn acknowledge_default() -> u64 {
    900
}

const fn tries_default() -> u32 {
    5
}

const fn retry_default() -> u64 {
    5
}

const fn timeout_default() -> u64 {
    10
}

/// Why a workflow cannot run.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// A value out of its range.
    #[error("{place}: {what} = {value}; expected {least} to {most}")]
    Range {
        /// `workflow`, or the step's name.
        place: String,
        /// The key.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Not a URL of a webhook.
    #[error("step {step}: `{url}` is no URL of a webhook; expected https://host/path")]
    Url {
        /// The step.
        step: String,
        /// The text.
        url: String,
    },
    /// The secret cannot be used.
    #[error("step {step}: {path}: {error}")]
    Secret {
        /// The step.
        step: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: super::SecretError,
    },
    /// The authorities cannot be used.
    #[error("{path}: {reason}; expected PEM with certificates")]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// No HTTP client can be made.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// The bus has no room for the desk.
    #[error(transparent)]
    TooMany(#[from] crate::TooManySubscriptions),
}

impl WorkflowConfig {
    /// Whether every value is in its range.
    pub(super) fn check(&self) -> Result<(), WorkflowError> {
        range("workflow", "steps", self.steps.len() as u64, 1, STEPS_MAX as u64)?;
        range("workflow", "open", self.open as u64, 1, OPEN_MAX as u64)?;
        self.steps.iter().try_for_each(StepConfig::check)
    }
}

impl StepConfig {
    fn check(&self) -> Result<(), WorkflowError> {
        let place = format!("step {}", self.name);
        range(&place, "acknowledge_s", self.acknowledge_s, 1, 7 * 86_400)?;
        range(&place, "tries", u64::from(self.tries), 1, 100)?;
        range(&place, "retry_s", self.retry_s, 1, 3600)?;
        range(&place, "timeout_s", self.timeout_s, 1, 60)?;
        let url = self.url.parse::<reqwest::Url>().ok();
        if url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some()) {
            return Ok(());
        }
        Err(WorkflowError::Url { step: self.name.clone(), url: self.url.clone() })
    }
}

fn range(place: &str, what: &'static str, value: u64, least: u64, most: u64) -> Result<(), WorkflowError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(WorkflowError::Range { place: place.to_owned(), what, value, least, most })
}
