//! The standing of a source that has no entry: who names it, where it comes from, where it goes.
//!
//! Asked by the engine for sources without an entry, and by the policy for what a list entry comes to. Always holds: what
//! such a source did itself says nothing, because nobody has counted it.

use repute_model::{Factor, Listing, Profile, Score};

use super::{Scored, score};
use crate::{Context, Flags, Hot, Inputs, Warm};

/// What is known of a source without an entry.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Circumstances {
    /// What lists and feeds say of it.
    pub listing: Option<Listing>,
    /// Criticality of the service that it is about, 0..1; 0.5 where there is none.
    pub criticality: f64,
    /// Share of bad sources in its prefix, 0..1.
    pub neighbours: f64,
    /// Whether it sends to a crowd in flood.
    pub in_flood: bool,
    /// How often it came and got no entry, as far as is remembered.
    pub sightings: u32,
}

impl Circumstances {
    /// Nothing but what a list says.
    pub const fn listed(listing: Option<Listing>) -> Self {
        Self { listing, criticality: 0.5, neighbours: 0.0, in_flood: false, sightings: 0 }
    }
}

/// Scores a source of which this is known.
pub fn stranger(profile: &Profile, circumstances: &Circumstances) -> Scored {
    let Circumstances { listing, neighbours, in_flood, sightings, .. } = *circumstances;
    let mut hot = Hot::FREE;
    hot.flags.set(Flags::LISTED, matches!(listing, Some(Listing::Deny(_))));
    let measured = Inputs::measure(&hot, &Warm::NEW, profile, 0, context(circumstances));
    let mut inputs = Inputs { is_stranger: true, ..measured };
    for (factor, evidence) in [
        (Factor::Neighbours, neighbours),
        (Factor::Crowd, f64::from(u8::from(in_flood))),
        (Factor::Sightings, f64::from(sightings)),
    ] {
        inputs.evidence[factor.index()] = evidence;
    }
    let scored = score(profile, &inputs, profile.prior);
    match listing {
        Some(Listing::Allow) => Scored { score: Score::MAX, ..scored },
        _ => scored,
    }
}

fn context(circumstances: &Circumstances) -> Context {
    let listed = match circumstances.listing {
        Some(Listing::Deny(percent)) => f64::from(percent) / 100.0,
        _ => 0.0,
    };
    Context { listed, criticality: circumstances.criticality, usual: None, armed: false }
}
