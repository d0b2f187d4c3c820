//! What the world outside says of a source: feeds and places, what these took from it and what it was given at the walled
//! garden, beside what its worker explains.

use std::sync::Arc;
use std::time::SystemTime;

use repute_feeds::lookup::Opinion;
use repute_feeds::{Found, Until};
use repute_model::{Explanation, Listing, Rule, Source};
use repute_proto::v1;

use super::convert::unix_ms;
use super::{Api, honeypots};
use crate::consistency::{NUDGE, Taking};
use crate::garden::{Given, PASS};
use crate::lookups::Said;
use crate::lured::Lure;
use crate::{Hub, HubError};

impl Api {
    /// Adds which feeds name the source, and where it is. Where a feed is why it is treated so, the rule says that.
    pub(super) async fn add_outside(
        &self,
        explained: &Explanation,
        answer: &mut v1::Explanation,
    ) -> Result<(), HubError> {
        let address = explained.source.first();
        let merged = self.hub.inner.shelf.merged();
        let found = merged.who(address);
        let by_list = matches!(explained.rule, Rule::Allowed | Rule::Listed(_));
        if let Some(first) = found.first().filter(|first| by_list && !first.cut) {
            let checked = self.hub.run(|state| Arc::clone(state.history.checked())).await?;
            let own = checked.listed(address);
            // The config's own lists count over feeds, but for what these allow.
            if own.is_none() || first.says == Listing::Allow && own != Some(Listing::Allow) {
                answer.rule = rule(first);
            }
        }
        answer.listed = found.iter().map(listed).collect();
        let place = self.hub.inner.geo.find(explained.source);
        answer.country = place.country.map(|country| country.to_string()).unwrap_or_default();
        answer.asn = place.asn.unwrap_or_default();
        answer.organisation = place.organisation.unwrap_or_default();
        let taken = self.hub.inner.oddities.of(explained.source, SystemTime::now());
        answer.taken = taken.into_iter().map(taking).collect();
        let given = self.hub.inner.passes.of(explained.source, SystemTime::now());
        answer.given = given.into_iter().map(self::given).collect();
        answer.lured = self.lured(explained.source).await?;
        let said = self.hub.look_up(address, SystemTime::now()).await?;
        answer.opinions = said.into_iter().map(opinion).collect();
        Ok(())
    }

    /// Which honeypots the source has asked for lately, with the lists that have them now.
    async fn lured(&self, source: Source) -> Result<Vec<v1::Lured>, HubError> {
        let found = self.hub.run(move |state| {
            let lured = state.lured.of(source, SystemTime::now());
            (lured, Arc::clone(state.history.checked()))
        });
        let ((lured, checked), lures) = (found.await?, self.hub.inner.shelf.lures());
        let one = |lure: Lure| v1::Lured {
            lists: honeypots::lists(&checked, &lures, &lure.name),
            name: lure.name.to_string(),
            times: lure.times,
            last_unix_ms: unix_ms(lure.at),
            counted: lure.counted,
        };
        Ok(lured.into_iter().map(one).collect())
    }
}

fn opinion(said: Said) -> v1::Opinion {
    let service = said.service.to_owned();
    match said.opinion {
        Ok(Opinion { confidence, note }) => {
            v1::Opinion { service, confidence: confidence.into(), note, error: String::new() }
        }
        Err(error) => v1::Opinion { service, error, ..v1::Opinion::default() },
    }
}

fn taking(taking: Taking) -> v1::Taken {
    let Taking { points, why, value, until } = taking;
    let until_unix_ms = unix_ms(until);
    v1::Taken { name: NUDGE.to_owned(), points: points.into(), value, why, until_unix_ms }
}

fn given(given: Given) -> v1::Given {
    let why =
        "it has passed the challenge at the walled garden's page, which counts as a proof of its address";
    let until_unix_ms = unix_ms(given.until);
    v1::Given { name: PASS.to_owned(), points: given.points.into(), why: why.to_owned(), until_unix_ms }
}

fn rule(found: &Found<'_>) -> String {
    let note = if found.note.is_empty() { String::new() } else { format!(" ({})", found.note) };
    match found.says {
        Listing::Allow => {
            format!("feed {} allows {}{note}: everything passes", found.feed, found.prefix)
        }
        Listing::Deny(percent) => {
            format!("feed {} names {}{note}, with {percent} % confidence", found.feed, found.prefix)
        }
    }
}

/// One entry as a message.
pub(super) fn listed(found: &Found<'_>) -> v1::Listed {
    let (allow, confidence) = match found.says {
        Listing::Allow => (true, 100),
        Listing::Deny(percent) => (false, percent.into()),
    };
    v1::Listed {
        feed: found.feed.to_owned(),
        prefix: found.prefix.to_string(),
        allow,
        confidence,
        note: found.note.to_owned(),
        until_unix_ms: found.until.map(Until::time).map(unix_ms),
        cut: found.cut,
        name: String::new(),
    }
}

/// A row of a list with where the source is.
pub(super) fn located(hub: &Hub, source: Source, row: v1::SourceRow) -> v1::SourceRow {
    let place = hub.inner.geo.find(source);
    let country = place.country.map(|country| country.to_string()).unwrap_or_default();
    v1::SourceRow { country, asn: place.asn.unwrap_or_default(), ..row }
}
