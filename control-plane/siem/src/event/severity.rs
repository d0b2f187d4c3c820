//! How much an event matters, on every scale that SIEM systems use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much an event matters.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As expected.
    #[default]
    Info,
    /// Worth knowing.
    Notice,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
    /// Somebody has to act.
    Critical,
}

impl Severity {
    /// Every one, the least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Notice, Self::Warning, Self::Error, Self::Critical];

    /// The word in JSON, config and API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of a word.
    pub fn from_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == word)
    }

    /// As RFC 5424 counts: 6 (informational) down to 2 (critical).
    pub const fn syslog(self) -> u8 {
        6 - self as u8
    }

    /// As CEF counts: 0 to 10 (worst).
    pub const fn cef(self) -> u8 {
        match self {
            Self::Info => 1,
            Self::Notice => 3,
            Self::Warning => 6,
            Self::Error => 8,
            Self::Critical => 10,
        }
    }

    /// As OCSF `severity_id` counts: 1 (informational) to 5 (critical).
    pub const fn ocsf(self) -> u8 {
        self as u8 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_agree_in_order() {
        use Severity::{Critical, Error, Info, Notice, Warning};
        let all = [Info, Notice, Warning, Error, Critical];
        assert_eq!(all.map(Severity::syslog), [6, 5, 4, 3, 2]);
        assert_eq!(all.map(Severity::ocsf), [1, 2, 3, 4, 5]);
        assert!(all.windows(2).all(|pair| pair[0].cef() < pair[1].cef()));
    }
}
