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

/// What the API knows about an address, in its lists and in its answers about single ones.
#[derive(Deserialize)]
pub(crate) struct Scores {
    overall: Option<Overall>,
}

impl Scores {
    /// The total, 0..=5, as percent; `None` where there is none.
    pub fn percent(&self) -> Option<u8> {
        let total = self.overall.as_ref()?.total.number()?;
        Some((total.clamp(0.0, 5.0) * 20.0) as u8)
    }
}

#[derive(Deserialize)]
struct Overall {
    #[serde(default)]
    total: Loose,
}

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let json = Json::new(source, &into.terms.limits);
    let feed = into.terms.feed;
    let side = list_of(json, feed, &["items"], |_, item: Item, at| {
        into.record(at)?;
        let Some(address) = item.ip.text() else { return into.skip(Reason::Unreadable, at) };
        let confidence = item.scores.and_then(|scores| scores.percent());
        if confidence == Some(0) {
            return into.skip(Reason::NoConfidence, at);
        }
        let note = into.note(item.reputation.text().unwrap_or_default());
        let until = item.expiration.text().and_then(moment);
        into.text(address.as_bytes(), Claim { confidence, until, note }, at)
    })?;
    if side.found { Ok(()) } else { Err(into.refuse(Place::Whole, Why::NoList("items"))) }
}
