//! Whether a rule is for an alert.

use repute_model::Side;

use super::config::{Action, Pattern, RuleConfig, SideWord, Signatures, When};
use crate::alert::Alert;

/// A checked rule.
#[derive(Debug)]
pub struct Rule {
    pub name: String,
    pub action: Action,
    when: When,
}

impl Rule {
    pub fn new(config: &RuleConfig) -> Self {
        Self { name: config.name.clone(), action: config.action.clone(), when: config.when.clone() }
    }

    /// Whether every condition holds for an alert from `input` whose culprit is on `side`.
    pub fn matches(&self, input: &str, alert: &Alert, side: Side) -> bool {
        let When { signature, category, severity, name, side: on, input: from } = &self.when;
        signature.is_none_or(|wanted| alert.signature.is_some_and(|number| wanted.has(number)))
            && severity.is_none_or(|least| alert.severity <= least)
            && on.is_none_or(|word| word.side() == side)
            && from.as_ref().is_none_or(|from| from == input)
            && category.as_ref().is_none_or(|category| category.eq_ignore_ascii_case(&alert.category))
            && name.as_ref().is_none_or(|pattern| pattern.has(&alert.name))
    }
}

impl Signatures {
    fn has(self, number: u64) -> bool {
        match self {
            Self::One(one) => one == number,
            Self::Range { from, to } => (from..=to).contains(&number),
        }
    }
}

impl Pattern {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.eq_ignore_ascii_case(name),
            Self::Prefix(prefix) => {
                name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
        }
    }
}

impl SideWord {
    const fn side(self) -> Side {
        match self {
            Self::Inside => Side::Inside,
            Self::Outside => Side::Outside,
        }
    }
}
