//! From alerts to changes: which alert does what, and how much of it.
//!
//! The daemon hands every alert to [`Rules::decide`] and carries out the [`Reaction`]. Time is passed in. **Always
//! holds:** the same alert counts once; alerts take no more from one source, prefix or service than
//! [`Bounds`] say, however many come; all tables are bounded.

mod budget;
mod config;
mod duplicates;
mod error;
mod matching;

use std::time::{Duration, Instant, SystemTime};

use repute_model::{Prefix, PrefixTable, Side, Source, Width};

use crate::alert::{Alert, Culprit};
use crate::event::AlertReceived;
use budget::{Budgets, Granted};
use duplicates::Duplicates;
use matching::Rule;

pub use config::{Action, Bounds, Pattern, RuleConfig, RulesConfig, Scope, SideWord, Signatures, When};
pub use error::{RuleError, RulesErrors};

/// Most rules.
pub const RULES_MAX: usize = 4096;

/// Who is inside, and how many bits of an address name a source.
#[derive(Clone, PartialEq, Debug)]
pub struct Place {
    /// Inside prefixes.
    pub inside: PrefixTable<()>,
    /// Width of inside sources.
    pub inside_width: Width,
    /// Width of outside sources.
    pub outside_width: Width,
}

impl Place {
    /// The source that an address belongs to.
    fn source(&self, culprit: &Culprit) -> Option<Source> {
        let width = match culprit.side {
            Side::Inside => self.inside_width,
            Side::Outside => self.outside_width,
        };
        Source::of(culprit.address, width)
    }
}

/// Who gets a treatment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// One source.
    Source(Source),
    /// Every source in a prefix.
    Prefix(Prefix),
    /// A service, by its name.
    Service(String),
}

/// What the daemon shall do.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// Move a score.
    Nudge {
        /// Whose.
        source: Source,
        /// By so many points of 1/10 000: negative = worse. Never 0.
        points: i16,
        /// Forget what was counted against it.
        forgive: bool,
    },
    /// Put a treatment in force.
    Treat {
        /// For whom.
        subject: Subject,
        /// The treatment's name in the policy.
        treatment: String,
        /// For how long.
        lifetime: Duration,
    },
}

/// A change, and the rule that asks for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Reaction {
    /// The rule's name; empty = the default action.
    pub rule: String,
    /// What to do.
    pub change: Change,
}

/// What became of an alert.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Something is to be done.
    React(Reaction),
    /// The rule that matches asks for nothing.
    Ignored,
    /// The same alert came before.
    Duplicate,
    /// It names nobody with a standing.
    Nobody,
    /// It was raised too long ago: a backlog says nothing about now.
    Stale,
    /// Alerts have taken all that they may from this subject for now.
    Bounded,
}

/// An alert's source and what became of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    /// Who is behind it.
    pub source: Option<Source>,
    /// What became of it.
    pub outcome: Outcome,
}

/// How often each outcome was reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RulesCounts {
    /// A reaction.
    pub reacted: u64,
    /// Nothing to do.
    pub ignored: u64,
    /// The same alert again.
    pub duplicate: u64,
    /// Nobody.
    pub nobody: u64,
    /// Stale.
    pub stale: u64,
    /// Bounded.
    pub bounded: u64,
}

/// The rule table with its memory.
#[derive(Debug)]
pub struct Rules {
    place: Place,
    rules: Vec<Rule>,
    default: Action,
    budgets: Budgets,
    duplicates: Duplicates,
    /// Age from which alerts are stale; zero = never.
    stale: Duration,
    counts: RulesCounts,
}

impl Rules {
    /// The table of a config.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn new(config: &RulesConfig, place: Place) -> Result<Self, RulesErrors> {
        error::check(config)?;
        Ok(Self {
            place,
            rules: config.rules.iter().map(Rule::new).collect(),
            default: config.default.clone(),
            budgets: Budgets::new(&config.bounds),
            duplicates: Duplicates::new(Duration::from_secs(config.bounds.duplicates_s)),
            stale: Duration::from_secs(config.bounds.stale_s),
            counts: RulesCounts::default(),
        })
    }

    /// What to do about an alert from `input` at `now`, which is `wall` by the clock that stamps alerts.
    pub fn decide(&mut self, input: &str, alert: &Alert, now: Instant, wall: SystemTime) -> Decision {
        let culprit = alert.culprit(&self.place.inside);
        let source = culprit.and_then(|culprit| self.place.source(&culprit));
        let outcome = match (culprit, source) {
            (Some(_), Some(_)) if self.is_stale(alert, wall) => Outcome::Stale,
            (Some(culprit), Some(source)) => self.outcome(input, alert, culprit, source, now),
            _ => Outcome::Nobody,
        };
        let counts = &mut self.counts;
        *match outcome {
            Outcome::React(_) => &mut counts.reacted,
            Outcome::Ignored => &mut counts.ignored,
            Outcome::Duplicate => &mut counts.duplicate,
            Outcome::Nobody => &mut counts.nobody,
            Outcome::Stale => &mut counts.stale,
            Outcome::Bounded => &mut counts.bounded,
        } += 1;
        Decision { source, outcome }
    }

    fn outcome(
        &mut self,
        input: &str,
        alert: &Alert,
        culprit: Culprit,
        source: Source,
        now: Instant,
    ) -> Outcome {
        let rule = self.rules.iter().find(|rule| rule.matches(input, alert, culprit.side));
        let (name, action) = rule.map_or(("", &self.default), |rule| (&rule.name, &rule.action));
        if *action == Action::Ignore {
            return Outcome::Ignored;
        }
        if self.duplicates.has(alert, culprit, now) {
            return Outcome::Duplicate;
        }
        match self.budgets.grant(action, &culprit, source, now) {
            Granted::Nothing => Outcome::Bounded,
            Granted::Change(change) => Outcome::React(Reaction { rule: name.to_owned(), change }),
        }
    }

    fn is_stale(&self, alert: &Alert, wall: SystemTime) -> bool {
        let age = alert.at.and_then(|at| wall.duration_since(at).ok());
        self.stale > Duration::ZERO && age.is_some_and(|age| age > self.stale)
    }

    /// How often each outcome was reached.
    pub fn counts(&self) -> RulesCounts {
        self.counts
    }
}

impl Decision {
    /// The event that tells of it.
    pub fn event(&self, input: &str, alert: &Alert) -> AlertReceived {
        AlertReceived {
            input: input.to_owned(),
            signature: alert.signature_text.clone(),
            name: alert.name.clone(),
            category: alert.category.clone(),
            rank: alert.severity,
            source: self.source,
            outcome: self.outcome.to_string(),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ignored => f.write_str("ignored"),
            Self::Duplicate => f.write_str("the same alert again"),
            Self::Nobody => f.write_str("names nobody with a standing"),
            Self::Stale => f.write_str("raised too long ago"),
            Self::Bounded => f.write_str("bounded: alerts have taken all they may for now"),
            Self::React(Reaction { rule, change }) => {
                match change {
                    Change::Nudge { points, forgive: false, .. } => write!(f, "{points:+} points")?,
                    Change::Nudge { points, forgive: true, .. } => write!(f, "{points:+} points, forgiven")?,
                    Change::Treat { subject, treatment, lifetime } => {
                        write!(f, "{treatment} for {subject} for {} s", lifetime.as_secs())?;
                    }
                }
                if rule.is_empty() { f.write_str(" by default") } else { write!(f, " by rule {rule}") }
            }
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(source) => source.fmt(f),
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Service(name) => write!(f, "service {name}"),
        }
    }
}
