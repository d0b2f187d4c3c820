//! STIX bundles (2.0 and 2.1) and the envelopes of TAXII 2.1: indicators whose patterns are addresses or, where these are
//! wanted, names. An object that was only observed (`domain-name`, `ipv4-addr`) says nothing bad of itself.
//!
//! Of several versions of one object the last modified counts, and a revoked one counts for nothing. `valid_from`,
//! `valid_until` and `confidence` are kept; the note is the indicator's id.

use std::collections::HashMap;
use std::io::Read;
use std::time::SystemTime;

use serde::Deserialize;

use super::pattern::{Alternative, alternatives};
use crate::collect::{Claim, Collector, Mark};
use crate::import::Terms;
use crate::read::{Json, Loose, list_of};
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;
use crate::time::moment;

#[derive(Deserialize)]
struct Object {
    #[serde(default, rename = "type")]
    kind: Loose,
    #[serde(default)]
    id: Loose,
    #[serde(default)]
    modified: Loose,
    #[serde(default)]
    pattern: Loose,
    #[serde(default)]
    pattern_type: Loose,
    #[serde(default)]
    valid_from: Loose,
    #[serde(default)]
    valid_until: Loose,
    #[serde(default)]
    revoked: Loose,
    #[serde(default)]
    confidence: Loose,
}

/// The last version of every indicator.
#[derive(Default)]
pub(crate) struct Indicators(HashMap<String, Version>);

struct Version {
    modified: Option<SystemTime>,
    line: u64,
    number: u64,
    confidence: Option<u8>,
    until: Option<SystemTime>,
    what: Result<Vec<Alternative>, Reason>,
}

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let mut indicators = Indicators::default();
    envelope(source, into, &mut indicators)?;
    indicators.put(into)
}

/// Reads one bundle or envelope; gives its `next` where there is `more`.
pub(crate) fn envelope(
    source: impl Read,
    into: &mut Collector<'_>,
    indicators: &mut Indicators,
) -> Result<Option<String>, Refusal> {
    let json = Json::new(source, &into.terms.limits);
    let feed = into.terms.feed;
    let side = list_of(json, feed, &["objects"], |_, object: Object, at| {
        into.record(at)?;
        indicators.see(&object, at, into.terms);
        Ok(())
    })?;
    let more = side.get("more").is_some_and(Loose::is_true);
    let next = side.get("next").and_then(Loose::text).filter(|_| more);
    // TAXII 2.1, section 3.7: an envelope without objects has no such key.
    let bundle =
        side.found || side.get("more").is_some() || side.get("type").and_then(Loose::text) == Some("bundle");
    if bundle { Ok(next.map(str::to_owned)) } else { Err(into.refuse(Place::Whole, Why::NoList("objects"))) }
}

impl Indicators {
    fn see(&mut self, object: &Object, at: Mark<'_>, terms: &Terms<'_>) {
        let number = at.item.map_or(0, |(_, number)| number);
        let modified = object.modified.text().and_then(moment);
        let id = match object.id.text() {
            Some(id) => id.to_owned(),
            None => format!("object {number}"),
        };
        if self.0.get(&id).is_some_and(|known| known.modified > modified) {
            return;
        }
        let until = object.valid_until.text().and_then(moment);
        let confidence = object.confidence.percent();
        let what = what(object, terms);
        self.0.insert(id, Version { modified, line: at.line, number, confidence, until, what });
    }

    /// Puts what the indicators name into an import.
    pub fn put(self, into: &mut Collector<'_>) -> Result<(), Refusal> {
        let mut all: Vec<_> = self.0.into_iter().collect();
        all.sort_unstable_by_key(|(_, version)| (version.number, version.line));
        for (id, version) in &all {
            let at = Mark { line: version.line, item: Some(("/objects", version.number)) };
            match &version.what {
                Err(reason) => into.skip(*reason, at)?,
                Ok(alternatives) => version.put(id, alternatives, into, at)?,
            }
        }
        Ok(())
    }
}

impl Version {
    fn put(
        &self,
        id: &str,
        alternatives: &[Alternative],
        into: &mut Collector<'_>,
        at: Mark<'_>,
    ) -> Result<(), Refusal> {
        let note = into.note(id);
        let claim = Claim { confidence: self.confidence, until: self.until, note };
        for alternative in alternatives {
            match alternative {
                Alternative::Address(text) => into.address(text.as_bytes(), claim, at)?,
                Alternative::Name(text) => into.name(text.as_bytes(), claim, at)?,
                Alternative::Other => into.skip(into.terms.other(), at)?,
            }
        }
        Ok(())
    }
}

/// The alternatives of an indicator that counts now, or why there are none.
fn what(object: &Object, terms: &Terms<'_>) -> Result<Vec<Alternative>, Reason> {
    if object.kind.text() != Some("indicator") {
        return Err(terms.other());
    }
    if object.revoked.is_true() {
        return Err(Reason::Revoked);
    }
    if object.confidence.number() == Some(0.0) {
        return Err(Reason::NoConfidence);
    }
    // 2.0 knows no other language than its own.
    if object.pattern_type.text().is_some_and(|language| language != "stix") {
        return Err(Reason::Unsupported);
    }
    if object.valid_from.text().and_then(moment).is_some_and(|from| from > terms.now) {
        return Err(Reason::NotYet);
    }
    object.pattern.text().and_then(alternatives).ok_or(Reason::Unsupported)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::format::{Format, import};
    use crate::import::{Action, Import};

    fn bundle(objects: &str) -> Result<Import, Refusal> {
        let text = format!("{{\"type\":\"bundle\",\"id\":\"bundle--0\",\"objects\":[{objects}]}}");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        import(Format::Stix, text.as_bytes(), &Terms::new("taxii", now))
    }

    fn indicator(id: u32, address: &str, more: &str) -> String {
        format!(
            "{{\"type\":\"indicator\",\"id\":\"indicator--{id}\",\"pattern\":\"[ipv4-addr:value = '{address}']\",\
              \"pattern_type\":\"stix\",\"valid_from\":\"2020-01-01T00:00:00Z\"{more}}}"
        )
    }

    #[test]
    fn times_confidence_and_revocation_count() {
        let objects = [
            indicator(1, "192.0.2.1", ",\"confidence\":40,\"valid_until\":\"2030-01-01T00:00:00Z\""),
            indicator(2, "192.0.2.2", ",\"valid_until\":\"2021-01-01T00:00:00Z\""),
            indicator(3, "192.0.2.3", ",\"revoked\":true"),
            indicator(4, "192.0.2.4", ",\"confidence\":0"),
            indicator(5, "192.0.2.5", "").replace("2020-01", "2099-01"),
            indicator(6, "192.0.2.6", "").replace("\"stix\"", "\"snort\""),
            "{\"type\":\"identity\",\"id\":\"identity--7\",\"pattern\":{\"odd\":[]}}".to_owned(),
        ];
        let import = bundle(&objects.join(",")).unwrap();
        let [entry] = import.entries() else { panic!("{:?}", import.entries()) };
        assert_eq!(entry.says, repute_model::Listing::Deny(40));
        assert_eq!(entry.until.unwrap().time(), moment("2030-01-01T00:00:00Z").unwrap());
        assert_eq!(import.note(entry.note), "indicator--1");
        for reason in [
            Reason::Expired,
            Reason::Revoked,
            Reason::NoConfidence,
            Reason::NotYet,
            Reason::Unsupported,
            Reason::NoAddress,
        ] {
            assert_eq!(import.skipped.count(reason), 1, "{reason:?}");
        }
        let revoked = import.skipped.rows().iter().find(|skip| skip.reason == Reason::Revoked).unwrap();
        assert_eq!(revoked.first.to_string(), ", line 1, /objects/2");
    }

    #[test]
    fn names_are_taken_where_names_are_wanted() {
        let pattern = |id: u32, pattern: &str| {
            format!("{{\"type\":\"indicator\",\"id\":\"indicator--{id}\",\"pattern\":\"{pattern}\"}}")
        };
        let objects = [
            pattern(1, "[domain-name:value = 'C2.example']"),
            pattern(2, "[domain-name:value IN ('a.example', 'com') OR ipv4-addr:value = '192.0.2.1']"),
            pattern(3, "[domain-name:value LIKE '%.example']"),
            pattern(4, "[domain-name:value = 'd.example' AND network-traffic:dst_port = 53]"),
            "{\"type\":\"domain-name\",\"id\":\"domain-name--5\",\"value\":\"seen.example\"}".to_owned(),
        ];
        let text = format!("{{\"type\":\"bundle\",\"objects\":[{}]}}", objects.join(","));
        let terms = Terms { action: Action::Honeypot, ..Terms::new("taxii", SystemTime::UNIX_EPOCH) };
        let import = import(Format::Stix, text.as_bytes(), &terms).unwrap();
        let found: Vec<_> =
            import.names().iter().map(|e| (e.name.to_string(), import.note(e.note))).collect();
        let expected = [("c2.example", "indicator--1"), ("a.example", "indicator--2")];
        let mut expected = expected.map(|(name, note)| (name.to_owned(), note));
        expected.sort_by_key(|(name, _)| name.parse::<repute_model::DomainName>().unwrap());
        assert_eq!(found, expected);
        let reasons = [Reason::NoName, Reason::Everybodys, Reason::Unsupported];
        assert_eq!(reasons.map(|reason| import.skipped.count(reason)), [3, 1, 1]);
    }

    #[test]
    fn the_last_version_counts_wherever_it_stands() {
        let older = indicator(1, "192.0.2.1", ",\"modified\":\"2020-01-01T00:00:00Z\"");
        let newer = indicator(1, "192.0.2.1", ",\"modified\":\"2020-01-02T00:00:00Z\",\"revoked\":true");
        for objects in [format!("{older},{newer}"), format!("{newer},{older}")] {
            assert!(matches!(bundle(&objects).unwrap_err().why, Why::Empty(_)));
        }
    }

    #[test]
    fn half_a_bundle_is_no_bundle() {
        let now = SystemTime::UNIX_EPOCH;
        let text = format!("{{\"type\":\"bundle\",\n\"objects\":[{},\n", indicator(1, "192.0.2.1", ""));
        let error = import(Format::Stix, text.as_bytes(), &Terms::new("taxii", now)).unwrap_err();
        assert!(matches!((&error.why, &error.place), (Why::Json(_), Place::Line(3 | 2))), "{error}");
    }
}
