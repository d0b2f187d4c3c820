//! The score of a source of which nothing was counted: what lists and the prior say of it.
//!
//! Asked by the engine for sources without an entry, and by the policy for what a list entry comes to.

use repute_model::{Listing, Profile, Score};

use super::{Scored, score};
use crate::{Context, Flags, Hot, Inputs, Warm};

/// Scores a source of which nothing is known but what a list says.
pub fn stranger(profile: &Profile, listing: Option<Listing>) -> Scored {
    let mut hot = Hot::FREE;
    hot.flags.set(Flags::LISTED, matches!(listing, Some(Listing::Deny(_))));
    let inputs = Inputs::measure(&hot, &Warm::NEW, profile, 0, context(listing));
    let scored = score(profile, &inputs, profile.prior);
    match listing {
        Some(Listing::Allow) => Scored { score: Score::MAX, ..scored },
        _ => scored,
    }
}

fn context(listing: Option<Listing>) -> Context {
    let listed = if let Some(Listing::Deny(percent)) = listing { f64::from(percent) / 100.0 } else { 0.0 };
    Context { listed, criticality: 0.5, armed: false }
}
