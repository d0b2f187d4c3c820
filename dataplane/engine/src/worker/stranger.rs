//! The standing of a source that has no entry: what the lists and the prior say of it.
//!
//! Asked when the table has no room, and by explanations. Always holds: the two give the same answer.

use repute_model::{Listing, Policy, Rule, Score, Source, Treatment};
use repute_reputation::scoring::{self, Scored};
use repute_reputation::{Context, Flags, Hot, Inputs, Rules, Warm};

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
        let mut hot = Hot::FREE;
        hot.flags.set(Flags::LISTED, matches!(listing, Some(Listing::Deny(_))));
        let inputs = Inputs::measure(&hot, &Warm::NEW, rules.profile, 0, context(listing));
        let mut scored = scoring::score(rules.profile, &inputs, rules.profile.prior);
        if listing == Some(Listing::Allow) {
            scored.score = Score::MAX;
        }
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

fn context(listing: Option<Listing>) -> Context {
    let listed = if let Some(Listing::Deny(percent)) = listing { f64::from(percent) / 100.0 } else { 0.0 };
    Context { listed, criticality: 0.5, armed: false }
}
