//! Pages of CrowdSec's threat intelligence API (`/v2/fire`): `{"items":[{"ip","scores":{"overall":{"total":0..5}}}]}`.
//!
//! A total of 5 is full confidence; `expiration` ends an entry; the note is the reputation.

use std::io::Read;

use serde::Deserialize;

use crate::collect::{Claim, Collector};
use crate::read::{Json, Loose, list_of};
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;
use crate::time::moment;

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    ip: Loose,
    #[serde(default)]
    expiration: Loose,
    scores: Option<Scores>,
    #[serde(default)]
    reputation: Loose,
}

#[derive(Deserialize)]
struct Scores {
    overall: Option<Overall>,
}

#[derive(Deserialize)]
struct Overall {
    #[serde(default)]
    total: Loose,
}

/// A total of the API, 0..=5, as percent.
pub(crate) fn percent(total: f64) -> u8 {
    (total.clamp(0.0, 5.0) * 20.0) as u8
}

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let json = Json::new(source, &into.terms.limits);
    let feed = into.terms.feed;
    let side = list_of(json, feed, &["items"], |_, item: Item, at| {
        into.record(at)?;
        let Some(address) = item.ip.text() else { return into.skip(Reason::Unreadable, at) };
        let total = item.scores.and_then(|scores| scores.overall).and_then(|overall| overall.total.number());
        let confidence = total.map(percent);
        if confidence == Some(0) {
            return into.skip(Reason::NoConfidence, at);
        }
        let note = into.note(item.reputation.text().unwrap_or_default());
        let until = item.expiration.text().and_then(moment);
        into.text(address.as_bytes(), Claim { confidence, until, note }, at)
    })?;
    if side.found { Ok(()) } else { Err(into.refuse(Place::Whole, Why::NoList("items"))) }
}
