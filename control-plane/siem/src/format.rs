//! How an event is written down: one line, without its end.
//!
//! Called by sinks. **Always holds:** the text has no line break and no control character, whatever an event's
//! texts contain, so that one event is one line everywhere.

pub mod cef;
mod ocsf;
#[cfg(test)]
mod properties;
pub mod rfc5424;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;

/// A format of events.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The event's own JSON, after [`crate::json_schema`].
    #[default]
    Json,
    /// One sentence for people.
    Text,
    /// ArcSight Common Event Format, version 0.
    Cef,
    /// Open Cybersecurity Schema Framework 1.3: Network Activity (4001) for mitigations, Detection Finding (2004)
    /// for standing, alerts and incidents, Base Event (0) for the rest.
    Ocsf,
}

impl Format {
    /// The event as one line.
    pub fn line(self, event: &Event) -> String {
        match self {
            // Events consist of texts and numbers: writing one cannot fail.
            Self::Json => serde_json::to_string(event).unwrap_or_default(),
            Self::Text => one_line(&event.what.to_string()),
            Self::Cef => cef::line(event),
            Self::Ocsf => ocsf::object(event).to_string(),
        }
    }

    /// Whether a line may be cut short and still means something.
    pub(crate) const fn may_be_cut(self) -> bool {
        matches!(self, Self::Text)
    }
}

/// The text with control characters replaced by spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
