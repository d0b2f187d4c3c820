//! Decisions of a CrowdSec local API, in the shapes of `/v1/decisions/stream` and `/v1/decisions`.
//!
//! `{"deleted":null,"new":[{"duration":"9m59.4s","id":2,"origin":"cscli","scenario":"…","scope":"Range",
//! "type":"ban","value":"198.51.100.0/24"}]}`; either list may be null, `/v1/decisions` answers with a list alone or
//! null.

use std::io::Read;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::collect::{Claim, Collector, Mark};
use crate::read::{Json, Loose, list_of};
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;
use crate::time::{go_duration, moment};

/// One decision, as the API writes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Decision {
    id: Loose,
    uuid: Loose,
    origin: Loose,
    scenario: Loose,
    scope: Loose,
    #[serde(rename = "type")]
    kind: Loose,
    value: Loose,
    duration: Loose,
    until: Loose,
    simulated: Loose,
}

impl Decision {
    /// What names it: its id, else its uuid, else all that it says.
    pub fn key(&self) -> String {
        match (&self.id, &self.uuid) {
            (Loose::Number(id), _) => format!("id {id}"),
            (_, Loose::Text(uuid)) => format!("uuid {uuid}"),
            _ => [&self.scope, &self.value, &self.kind, &self.origin, &self.scenario]
                .map(|part| part.text().unwrap_or_default().to_lowercase())
                .join(" "),
        }
    }

    /// `ban`, `captcha`, or a name of somebody's own; lower case.
    pub fn kind(&self) -> String {
        self.kind.text().unwrap_or("ban").to_lowercase()
    }

    /// What it is called: the scenario, else the origin.
    pub fn note(&self) -> &str {
        let scenario = self.scenario.text().filter(|scenario| !scenario.is_empty());
        scenario.or(self.origin.text()).unwrap_or_default()
    }

    /// The address or range, or why it is none that counts.
    pub fn value(&self) -> Result<&str, Reason> {
        let scope = self.scope.text().unwrap_or_default();
        if !scope.eq_ignore_ascii_case("ip") && !scope.eq_ignore_ascii_case("range") {
            return Err(Reason::OtherScope);
        }
        if self.simulated.is_true() {
            return Err(Reason::NotMeant);
        }
        self.value.text().ok_or(Reason::Unreadable)
    }

    /// When it ends: by its `until`, else by its duration from `now`; `None` where it has neither.
    pub fn end(&self, now: SystemTime) -> Option<SystemTime> {
        let by_until = self.until.text().and_then(moment);
        let by_duration =
            || self.duration.text().and_then(go_duration).map(|left: Duration| now.checked_add(left));
        by_until.or_else(|| by_duration().flatten())
    }
}

/// The two lists of an answer.
const LISTS: [&str; 2] = ["deleted", "new"];

/// Calls `each` with every decision of an answer, and whether it was deleted.
pub(crate) fn answer(
    source: impl Read,
    into: &mut Collector<'_>,
    mut each: impl FnMut(&mut Collector<'_>, bool, Decision, Mark<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let json = Json::new(source, &into.terms.limits);
    let feed = into.terms.feed;
    let side = list_of(json, feed, &LISTS, |key, decision: Decision, at| {
        into.record(at)?;
        each(into, key == "deleted", decision, at)
    })?;
    if side.found { Ok(()) } else { Err(into.refuse(Place::Whole, Why::NoList("new"))) }
}

/// A file of decisions: what it adds. Deletions of others mean nothing here.
pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    answer(source, into, |into, deleted, decision, at| {
        if deleted {
            return into.skip(Reason::Revoked, at);
        }
        match decision.value() {
            Err(reason) => into.skip(reason, at),
            Ok(value) => {
                let note = into.note(decision.note());
                let until = decision.end(into.terms.now);
                into.text(value.as_bytes(), Claim { confidence: None, until, note }, at)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Format, import};
    use crate::import::Terms;

    #[test]
    fn an_answer_as_recorded() {
        let text = br#"{"deleted":null,"new":[
            {"duration":"9m59.4s","id":2,"origin":"cscli","scenario":"range","scope":"Range","type":"captcha","value":"198.51.100.0/24"},
            {"duration":"4h","id":1,"origin":"cscli","scenario":"manual","scope":"Ip","type":"ban","value":"203.0.113.7"},
            {"duration":"-1s","id":4,"origin":"cscli","scenario":"manual","scope":"ip","type":"ban","value":"203.0.113.8"},
            {"duration":"4h","id":3,"origin":"cscli","scenario":"manual","scope":"Country","type":"ban","value":"ZZ"}]}"#;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let import = import(Format::Crowdsec, text.as_slice(), &Terms::new("lapi", now)).unwrap();
        let until = |n: usize| import.entries()[n].until.unwrap().time();
        assert_eq!((until(0), until(1)), (now + Duration::from_secs(600), now + Duration::from_secs(14_400)));
        assert_eq!(import.note(import.entries()[1].note), "manual");
        assert_eq!(import.skipped.count(Reason::OtherScope), 1);
        assert_eq!(import.skipped.count(Reason::Expired), 1);
    }

    #[test]
    fn nothing_and_errors_are_refused() {
        let refused = |text: &str| {
            import(Format::Crowdsec, text.as_bytes(), &Terms::new("lapi", SystemTime::UNIX_EPOCH))
        };
        assert!(matches!(refused("{\"message\":\"access forbidden\"}").unwrap_err().why, Why::NoList("new")));
        for nothing in ["null", "{\"deleted\":null,\"new\":null}", "[]"] {
            assert!(matches!(refused(nothing).unwrap_err().why, Why::Empty(_)), "{nothing}");
        }
    }
}
