//! The standing of a source that has no entry: what lists, prior and its circumstances say of it.
//!
//! Asked when the table has no room, and by explanations. Always holds: the two give the same answer.

use repute_model::{Flood, Listing, Packet, Rule, Source, Treatment};
use repute_reputation::scoring::{self, Circumstances, Scored};
use repute_reputation::{Exchange, Rules};

use super::Worker;

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
    /// Scores a source of which a list says this and nobody anything else.
    pub fn listed(listing: Option<Listing>, rules: Rules<'_>) -> Self {
        Self::of(&Circumstances::listed(listing), rules)
    }

    /// Scores a source of which this is known.
    pub fn of(circumstances: &Circumstances, rules: Rules<'_>) -> Self {
        let listing = circumstances.listing;
        let scored = scoring::stranger(rules.profile, circumstances);
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

impl<P: Packet> Worker<P> {
    /// What is known of a source without an entry. Without a packet (`None`) it is said as it would count towards a crowd
    /// in flood, if there is any, and towards no service.
    ///
    /// Of whom a list denies outright nothing else is asked.
    pub(crate) fn circumstances(&self, source: Source, x: Option<&Exchange>) -> Circumstances {
        let listing = self.policy.lists.get(source.first());
        if matches!(listing, Some(Listing::Deny(percent)) if self.view.denied(percent).0.drops()) {
            return Circumstances::listed(listing);
        }
        let (neighbours, sightings) = self.shard.surroundings(source);
        let alarms = self.crowd.alarms();
        let floods =
            |x: &Exchange| Flood::ALL.iter().any(|&flood| alarms.find(x.src, x.dst, flood).is_some());
        Circumstances {
            listing,
            criticality: x.and_then(|x| self.criticality(x)).unwrap_or(0.5),
            neighbours,
            in_flood: !alarms.is_empty() && x.is_none_or(floods),
            sightings,
        }
    }

    /// Criticality of the service that a packet is about.
    fn criticality(&self, x: &Exchange) -> Option<f64> {
        let service = self.policy.service_about(x.src, x.dst, x.protocol, x.sport, x.dport);
        Some(self.policy.services.get(usize::from(service?))?.criticality)
    }
}
