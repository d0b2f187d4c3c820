//! The standing of a source that has no entry: what lists, prior and its circumstances say of it.
//!
//! Asked when the table has no room, by explanations, and for where a host of our own begins that gets an entry. Always
//! holds: all of them give the same answer.

use repute_model::{Factor, Flood, Listing, Model, Packet, Rule, Score, Side, Source, Treatment};
use repute_reputation::scoring::{self, Circumstances, Scored};
use repute_reputation::{Change, Exchange, Rules, Slot};

use super::{Worker, report, rules, width};

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
        if matches!(listing, Some(Listing::Deny(percent)) if self.view.denied(percent).way.drops()) {
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

    /// Where a source begins that gets an entry. A host of our own stands at first as those around it do, in its prefix and
    /// in its service, and is never better than the prior; others begin at the prior, because anybody can forge bad company
    /// for them. E13's formula knows no company.
    pub(crate) fn first_score(&self, source: Source, service: Option<u8>, rules: Rules<'_>) -> Score {
        let (prior, model) = (rules.profile.prior, rules.profile.model);
        if self.policy.owner_side() == Side::Outside || model == Model::EgressInterval {
            return prior;
        }
        let neighbours = self.shard.surroundings(source).0;
        let served = service.map_or(0.0, |_| self.shard.gathered(service).bad_share());
        let company = Circumstances { neighbours: neighbours.max(served), ..Circumstances::listed(None) };
        if company.neighbours > 0.0 {
            scoring::stranger(rules.profile, &company).score.min(prior)
        } else {
            prior
        }
    }

    /// An entry for a source, which begins as [`first_score`](Self::first_score) says; where that is another band than
    /// the prior's it is told.
    pub(crate) fn admit(&mut self, source: Source, service: Option<u8>) -> Option<Slot> {
        let rules = rules(&self.policy)?;
        let first = self.first_score(source, service, rules);
        let slot = self.shard.admit(source, first, rules, self.now)?;
        let from = rules.profile.thresholds.band(rules.profile.prior);
        if rules.profile.thresholds.band(first) != from && self.shard.hot(slot).score == first {
            self.account.changes += 1;
            let change = Change { slot, from, cause: Factor::Neighbours };
            let width = width(&self.policy, &self.limits);
            report(&mut self.mailbox, &self.shard, rules, width, change, self.now);
        }
        Some(slot)
    }

    /// Criticality of the service that a packet is about.
    fn criticality(&self, x: &Exchange) -> Option<f64> {
        Some(self.policy.services.get(usize::from(self.service_of(x)?))?.criticality)
    }
}
