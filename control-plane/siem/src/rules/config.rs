//! The rule table as it is configured: plain values, checked by [`crate::Rules::new`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rule table.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RulesConfig {
    /// The rules; the first that matches decides. At most [`crate::RULES_MAX`].
    pub rules: Vec<RuleConfig>,
    /// What is done about alerts that no rule matches.
    pub default: Action,
    /// How much alerts may do.
    pub bounds: Bounds,
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// What events and explanations call it.
    pub name: String,
    /// Which alerts it is for; every condition that is given has to hold.
    #[serde(default)]
    pub when: When,
    /// What is done about them.
    pub action: Action,
}

/// Conditions on an alert; none = every alert.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The signature's number.
    pub signature: Option<Signatures>,
    /// The category, whole, whatever the case.
    pub category: Option<String>,
    /// This severity or worse: 1 = only the worst.
    pub severity: Option<u8>,
    /// The signature's name.
    pub name: Option<Pattern>,
    /// Which side the culprit is on.
    pub side: Option<SideWord>,
    /// The input it came through.
    pub input: Option<String>,
}

/// One signature or a range of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Signatures {
    /// One.
    One(u64),
    /// All of them, both ends included.
    Range {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
}

/// A pattern over names; letters match in either case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// The whole name.
    Exact(String),
    /// How it begins.
    Prefix(String),
}

/// A side of the box.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SideWord {
    /// Protected.
    Inside,
    /// Everybody else.
    Outside,
}

/// What is done about an alert.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Action {
    /// Nothing.
    #[default]
    Ignore,
    /// The culprit's score is moved.
    Nudge {
        /// −10 000 to 10 000 points of 1/10 000, not 0: negative = worse.
        points: i16,
        /// Forget what was counted against it.
        #[serde(default)]
        forgive: bool,
    },
    /// A treatment of the policy is put in force for a while.
    Treat {
        /// For whom.
        scope: Scope,
        /// The treatment's name.
        treatment: String,
        /// For how long, in seconds, 1 to 30 days.
        seconds: u64,
    },
}

/// Who gets a treatment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Scope {
    /// The culprit.
    #[default]
    Source,
    /// The prefix around the culprit.
    Around {
        /// Its length for IPv4, 8 to 32.
        v4: u8,
        /// Its length for IPv6, 16 to 128.
        v6: u8,
    },
    /// This prefix.
    Prefix(String),
    /// This service.
    Service(String),
}

/// How much alerts may do, however many come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Points that alerts may take from one source within `per_s`, 1 to 10 000: many people may share it, and a
    /// signature may be wrong.
    pub points: u16,
    /// Treatments that alerts may put in force for one source, prefix or service within `per_s`, 1 to 1000.
    pub treatments: u16,
    /// How long it takes until all of that may be done again, in seconds, 1 to 30 days.
    pub per_s: u64,
    /// Within how many seconds the same signature about the same flow (or, where no flow is named, the same two
    /// addresses) is the same alert; at most 1 day.
    pub duplicates_s: u64,
    /// Alerts raised more than so many seconds ago do nothing, as after an outage; 0 = whatever their age; at most
    /// 30 days. Sensors' clocks have to agree with the box's.
    pub stale_s: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { points: 5000, treatments: 4, per_s: 3600, duplicates_s: 60, stale_s: 900 }
    }
}
