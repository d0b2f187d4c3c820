//! What a list entry has to say so that a treatment comes of it.
//!
//! Asked by the check of `[alerts]`, and by the server for every entry that alerts ask for. A deny entry is evidence with
//! a confidence; which band that makes, and what this band gets, says the profile.

use repute_model::{Listing, Profile};
use repute_reputation::scoring::{Circumstances, stranger};

use crate::config::Treat;

/// The entry that gives whoever it names this treatment under a profile; `None` = no entry does.
///
/// Of all confidences that do the middle one is taken, so that a little more or less evidence changes nothing; for a
/// drop the highest one.
pub(crate) fn entry(profile: &Profile, treat: Treat) -> Option<Listing> {
    let gets = |percent: &u8| {
        let score = stranger(profile, &Circumstances::listed(Some(Listing::Deny(*percent)))).score;
        profile.treatments[profile.thresholds.band(score).index()]
    };
    let deny = |percent| Some(Listing::Deny(percent));
    match treat {
        Treat::Allow => Some(Listing::Allow),
        Treat::Drop => (1..=100).rev().find(|percent| gets(percent).drop).and_then(deny),
        Treat::Limit => {
            let limited = |percent: &u8| gets(percent).limits() && !gets(percent).drop;
            let all: Vec<u8> = (1..=100).filter(limited).collect();
            all.get(all.len() / 2).copied().and_then(deny)
        }
    }
}
