//! Mistakes in a rule table.

use std::fmt;

use repute_model::Prefix;

use super::RULES_MAX;
use super::config::{Action, Bounds, RulesConfig, Scope, Signatures, When};

const DAY_S: u64 = 86_400;

/// One mistake.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RuleError {
    /// `rules[3] (name)`, `default` or `bounds`.
    pub place: String,
    /// What is wrong, and what is expected.
    pub problem: String,
}

/// Every mistake of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RulesErrors(pub Vec<RuleError>);

impl fmt::Display for RulesErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(RuleError::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for RulesErrors {}

/// Everything that is wrong with a table.
pub fn check(config: &RulesConfig) -> Result<(), RulesErrors> {
    let mut errors = Vec::new();
    let mut at = |place: &str, problems: Vec<String>| {
        errors.extend(problems.into_iter().map(|problem| RuleError { place: place.to_owned(), problem }));
    };
    if config.rules.len() > RULES_MAX {
        at("rules", vec![format!("{} rules; at most {RULES_MAX}", config.rules.len())]);
    }
    for (number, rule) in config.rules.iter().enumerate() {
        let place = format!("rules[{number}] ({})", rule.name);
        if rule.name.is_empty() {
            at(&place, vec!["needs a name".to_owned()]);
        }
        at(&place, when(&rule.when));
        at(&place, action(&rule.action));
    }
    at("default", action(&config.default));
    at("bounds", bounds(&config.bounds));
    if errors.is_empty() { Ok(()) } else { Err(RulesErrors(errors)) }
}

fn when(when: &When) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(Signatures::Range { from, to }) = when.signature
        && from > to
    {
        problems.push(format!("signatures {from} to {to} are none; expected `from` up to `to`"));
    }
    if when.severity == Some(0) {
        problems.push("severity 0 is none; 1 is the worst".to_owned());
    }
    problems
}

fn action(action: &Action) -> Vec<String> {
    let mut problems = Vec::new();
    match action {
        Action::Ignore => {}
        Action::Nudge { points, .. } => {
            if *points == 0 || !(-10_000..=10_000).contains(points) {
                problems.push(format!("{points} points; expected -10000 to 10000, not 0"));
            }
        }
        Action::Treat { scope: who, treatment, seconds } => {
            if treatment.is_empty() {
                problems.push("needs the name of a treatment".to_owned());
            }
            problems.extend(range("seconds", *seconds, 1, 30 * DAY_S));
            problems.extend(scope(who));
        }
    }
    problems
}

fn scope(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Source => None,
        Scope::Around { v4, v6 } => {
            range("v4", u64::from(*v4), 8, 32).or_else(|| range("v6", u64::from(*v6), 16, 128))
        }
        Scope::Prefix(prefix) => prefix.parse::<Prefix>().err().map(|error| error.to_string()),
        Scope::Service(name) => name.is_empty().then(|| "needs the name of a service".to_owned()),
    }
}

fn bounds(bounds: &Bounds) -> Vec<String> {
    let Bounds { points, treatments, per_s, duplicates_s, stale_s } = *bounds;
    let all = [
        range("points", u64::from(points), 1, 10_000),
        range("treatments", u64::from(treatments), 1, 1000),
        range("per_s", per_s, 1, 30 * DAY_S),
        range("duplicates_s", duplicates_s, 0, DAY_S),
        range("stale_s", stale_s, 0, 30 * DAY_S),
    ];
    all.into_iter().flatten().collect()
}

fn range(what: &str, value: u64, least: u64, most: u64) -> Option<String> {
    (!(least..=most).contains(&value)).then(|| format!("{what} = {value}; expected {least} to {most}"))
}
