//! The default weight and ramp of every factor, by model and direction.

use repute_model::Factor;

use crate::config::{Factors, QueryFactors, Weight};
use crate::value::Number;

/// Weight, from and full of every factor in model `weighted-sum`, in the order of [`Factor::ALL`].
#[rustfmt::skip]
const FACTORS: [(Factor, f64, f64, f64); Factor::GENERAL] = [
    // factor                weight   from    full
    (Factor::Volume,           0.10,   4.0,   40.0),
    (Factor::Rate,             0.25,   6.0,   30.0),
    (Factor::Unanswered,       0.80, 200.0,  800.0),
    (Factor::Connections,      0.80,  20.0,   70.0),
    (Factor::SynAck,           0.80,   8.0,   24.0),
    (Factor::IcmpErrors,       0.60,  20.0,  100.0),
    (Factor::Destinations,     0.80,   1.5,    6.5),
    (Factor::Ports,            0.80,   4.0,   14.0),
    (Factor::Unsolicited,      0.80,   2.0,    8.0),
    (Factor::Signature,        0.80,   0.0,    4.0),
    (Factor::Destination,      0.60,   0.0,    1.0),
    (Factor::Criticality,      0.05,   0.0,    1.0),
    (Factor::Mitigations,      0.15,   1.0,    8.0),
    (Factor::Feed,             1.00,   0.0,    1.0),
    (Factor::History,          0.00,   0.0,    1.0),
    (Factor::Neighbours,       0.45,   0.25,   0.75),
    (Factor::Crowd,            0.10,   0.0,    1.0),
    (Factor::Sightings,        0.10,   3.0,   12.0),
];

/// The same for those of queries to a DNS server.
///
/// What one kind of oddity is worth alone leads to a challenge, which the honest pass; it takes two to be blocked.
/// Failures and types have their innocent causes (search lists, mail servers), so that they begin to count late.
/// `network`, `system` and `spread` are about others: all three together lead to a challenge and no further.
#[rustfmt::skip]
const QUERY_FACTORS: [(Factor, f64, f64, f64); Factor::COUNT - Factor::GENERAL] = [
    // factor                weight   from    full
    (Factor::Queries,          0.60, 500.0, 5000.0),
    (Factor::QueryTypes,       0.25,   0.3,    0.8),
    (Factor::Nxdomain,         0.40,   0.35,   0.8),
    (Factor::Timeouts,         0.25,   0.3,    0.9),
    (Factor::FreshNames,       0.50,   2.0,   10.0),
    (Factor::AnswerSize,       0.30,  12.0,   40.0),
    (Factor::RandomNames,      0.50,   0.15,   0.6),
    (Factor::MalformedQueries, 0.60,   4.0,   24.0),
    (Factor::Network,          0.30,   0.3,    0.8),
    (Factor::Honeypots,        0.60,   0.0,    3.0),
    (Factor::System,           0.16,   0.3,    0.7),
    (Factor::Spread,           0.20,   0.2,    0.6),
];

/// The weights that are part of the formula of model `egress-interval`; every other one is 0.
const EGRESS_INTERVAL: [(Factor, f64); 4] =
    [(Factor::History, 0.5), (Factor::Volume, 0.2), (Factor::Destination, 0.15), (Factor::Criticality, 0.15)];

impl Factors {
    /// The factors of an egress profile of model `weighted-sum`.
    pub(super) fn egress() -> Self {
        Self(FACTORS.map(weight))
    }

    /// The same for ingress: there the sender is not part of a service of ours.
    pub(super) fn ingress() -> Self {
        let mut factors = Self::egress();
        factors.0[Factor::Criticality.index()].weight = Number::new(0.0);
        factors
    }

    /// Those of model `egress-interval`: its formula.
    pub(in crate::config) fn egress_interval() -> Self {
        let zero = Weight { weight: Number::new(0.0), from: Number::new(0.0), full: Number::new(1.0) };
        let mut factors = Self([zero; Factor::GENERAL]);
        for (factor, weight) in EGRESS_INTERVAL {
            factors.0[factor.index()].weight = Number::new(weight);
        }
        factors
    }
}

impl Default for QueryFactors {
    fn default() -> Self {
        Self(QUERY_FACTORS.map(weight))
    }
}

const fn weight((_, weight, from, full): (Factor, f64, f64, f64)) -> Weight {
    Weight { weight: Number::new(weight), from: Number::new(from), full: Number::new(full) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_tables_are_in_array_order() {
        let tables = FACTORS.iter().chain(&QUERY_FACTORS);
        assert!(tables.zip(Factor::ALL).all(|((factor, ..), listed)| factor == listed));
    }
}
