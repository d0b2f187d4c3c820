//! The standing of a source that has no entry: what the lists and the prior say of it.
//!
//! Asked when the table has no room, and by explanations. Always holds: the two give the same answer.

use repute_model::{Listing, Policy, Rule, Source, Treatment};
use repute_reputation::Rules;
use repute_reputation::scoring::{self, Scored};

/// How a source stands of which nothing was counted.
#[derive(Clone, Copy, Debug)]
pub struct Stranger {
    /// The terms of its score.
    pub scored: Scored,
    /// Which rule decides.
    pub rule: Rule,
    /// What it gets; a meter needs an entry and is not enforced without one.
    pub treatment: Treatment,
}

impl Stranger {
    /// Scores a source by lists and prior alone.
    pub fn of(source: Source, policy: &Policy, rules: Rules<'_>) -> Self {
        Self::listed(policy.lists.get(source.first()), rules)
    }

    /// Scores a source of which a list says this.
    pub fn listed(listing: Option<Listing>, rules: Rules<'_>) -> Self {
        let scored = scoring::stranger(rules.profile, listing);
        let band = rules.profile.thresholds.band(scored.score);
        let by_band = rules.profile.treatments[band.index()];
        let (rule, treatment) = match listing {
            Some(Listing::Allow) => (Rule::Allowed, Treatment::PASS),
            Some(Listing::Deny(percent)) => (Rule::Listed(percent), by_band),
            None => (Rule::Stranger(band), by_band),
        };
        Self { scored, rule, treatment }
    }
}
