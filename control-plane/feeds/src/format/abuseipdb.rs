//! AbuseIPDB's blacklist (API version 2): `{"meta":{…},"data":[{"ipAddress","abuseConfidenceScore",…}]}`.
//!
//! A score is the confidence of its entry; the note is the country.

use std::io::Read;

use serde::Deserialize;

use crate::collect::{Claim, Collector};
use crate::read::{Json, Loose, list_of};
use crate::refusal::{Place, Refusal, Why};
use crate::skipped::Reason;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(default)]
    ip_address: Loose,
    #[serde(default)]
    abuse_confidence_score: Loose,
    #[serde(default)]
    country_code: Loose,
}

pub(super) fn read(source: impl Read, into: &mut Collector<'_>) -> Result<(), Refusal> {
    let json = Json::new(source, &into.terms.limits);
    let feed = into.terms.feed;
    let side = list_of(json, feed, &["data"], |_, report: Report, at| {
        into.record(at)?;
        let Some(address) = report.ip_address.text() else { return into.skip(Reason::Unreadable, at) };
        let confidence = report.abuse_confidence_score.percent();
        if confidence == Some(0) {
            return into.skip(Reason::NoConfidence, at);
        }
        let note = into.note(report.country_code.text().unwrap_or_default());
        into.text(address.as_bytes(), Claim { confidence, note, until: None }, at)
    })?;
    if side.found { Ok(()) } else { Err(into.refuse(Place::Whole, Why::NoList("data"))) }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use repute_model::Listing;

    use super::*;
    use crate::format::{Format, import};
    use crate::import::Terms;

    #[test]
    fn scores_are_confidences_times_the_trust_in_the_feed() {
        let text = br#"{"meta":{"generatedAt":"2026-11-01T00:00:00+00:00"},"data":[
            {"ipAddress":"192.0.2.1","abuseConfidenceScore":100,"countryCode":"ZZ"},
            {"ipAddress":"2001:db8::1","abuseConfidenceScore":50,"countryCode":null},
            {"ipAddress":"192.0.2.2","abuseConfidenceScore":0}]}"#;
        let terms = Terms { confidence: 90, ..Terms::new("abuse", SystemTime::UNIX_EPOCH) };
        let import = import(Format::Abuseipdb, text.as_slice(), &terms).unwrap();
        let says: Vec<_> =
            import.entries().iter().map(|entry| (entry.prefix.to_string(), entry.says)).collect();
        assert_eq!(
            says,
            [("192.0.2.1/32".into(), Listing::Deny(90)), ("2001:db8::/64".into(), Listing::Deny(45))]
        );
        assert_eq!((import.widened, import.skipped.count(Reason::NoConfidence)), (1, 1));
        assert_eq!(import.note(import.entries()[0].note), "ZZ");
    }

    #[test]
    fn an_error_answer_is_no_list() {
        let text = br#"{"errors":[{"detail":"Daily rate limit exceeded","status":429}]}"#;
        let error = import(Format::Abuseipdb, text.as_slice(), &Terms::new("abuse", SystemTime::UNIX_EPOCH));
        assert!(matches!(error.unwrap_err().why, Why::NoList("data")));
    }
}
