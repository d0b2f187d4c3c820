//! ArcSight Common Event Format, version 0.
//!
//! `CEF:0|repute|repute|VERSION|KIND|SENTENCE|SEVERITY|key=value …`. Keys are those of ArcSight's extension
//! dictionary; an IPv6 source goes to `c6a2`, a prefix to `cs1`, because `src` holds one IPv4 address; destinations of
//! a crowd likewise to `dst`, `c6a3` or `cs1`.

use std::fmt::Write;
use std::time::UNIX_EPOCH;

use repute_model::Source;

use super::one_line;
use crate::event::{CrowdChanged, Event, InspectionHit, Mitigation, What};

/// The event as one line.
pub fn line(event: &Event) -> String {
    let (kind, sentence) = (event.what.kind(), event.what.to_string());
    let mut line = String::from("CEF:0|repute|repute|");
    for field in [env!("CARGO_PKG_VERSION"), kind, &sentence] {
        line.push_str(&escape_header(field));
        line.push('|');
    }
    let mut line = Extension(format!("{line}{}|", event.severity.cef()));
    let since = event.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    line.add("rt", since.as_millis());
    line.add("externalId", event.id);
    line.add("dvchost", &event.host);
    line.custom("cn1", "policyVersion", event.policy_version);
    if let Some(source) = event.what.source() {
        line.source(source);
    }
    line.what(&event.what);
    line.add("msg", sentence);
    line.0
}

struct Extension(String);

impl Extension {
    fn add(&mut self, key: &str, value: impl ToString) {
        let gap = if self.0.ends_with('|') { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{gap}{key}={}", escape_value(&value.to_string()));
    }

    fn custom(&mut self, key: &str, label: &str, value: impl ToString) {
        self.add(key, value);
        self.add(&format!("{key}Label"), label);
    }

    fn source(&mut self, source: Source) {
        match source.first() {
            _ if source.len128() < 128 => self.custom("cs1", "sourcePrefix", source),
            address if address.is_v4() => self.add("src", address),
            address => self.custom("c6a2", "Source IPv6 Address", address),
        }
    }

    fn what(&mut self, what: &What) {
        match what {
            What::BandChanged(change) => {
                self.add("reason", change.cause);
                self.custom("cs2", "band", change.to);
                self.custom("cn2", "score", change.score);
            }
            What::Mitigation(mitigation) => self.mitigation(mitigation),
            What::CrowdChanged(change) => self.crowd(change),
            What::InspectionHit(hit) => self.hit(hit),
            What::HoneypotAsked(asked) => {
                self.custom("cs3", "name", &asked.name);
                self.custom("cs4", "counted", asked.counted);
            }
            What::ChallengePassed(passed) => {
                self.custom("cn1", "scoreBefore", passed.before);
                self.custom("cn2", "score", passed.after);
            }
            What::AlertReceived(alert) => {
                self.add("cat", &alert.category);
                self.add("outcome", &alert.outcome);
                self.custom("cs3", "signature", &alert.signature);
            }
            What::IncidentStep(step) => {
                self.add("reason", step.cause);
                self.custom("cs3", "incident", &step.incident);
            }
            What::EventsLost(lost) => self.add("cnt", lost.lost),
            What::ReportsLost(lost) => self.add("cnt", lost.lost),
            What::FeedCut(cut) => self.add("cnt", cut.entries),
            What::FeedFailed(failed) => self.add("reason", &failed.reason),
            What::SinkFailed(failed) => self.add("reason", &failed.reason),
            What::PolicyApplied(applied) => self.add("suser", &applied.who),
            What::PolicyRolledBack(back) => self.add("suser", &back.who),
            What::FeedLoaded(_)
            | What::FeedStale(_)
            | What::PolicyExpired(_)
            | What::Started(_)
            | What::Stopping(_)
            | What::WorkerLagging(_)
            | What::WorkerRecovered(_)
            | What::PortLink(_)
            | What::UpstreamChanged(_)
            | What::SinkRecovered(_) => {}
        }
    }

    fn crowd(&mut self, change: &CrowdChanged) {
        match change.crowd.first() {
            _ if change.crowd.len128() < 128 => self.custom("cs1", "destinationPrefix", change.crowd),
            address if address.is_v4() => self.add("dst", address),
            address => self.custom("c6a3", "Destination IPv6 Address", address),
        }
        self.add("reason", change.flood.name());
        self.add("outcome", change.to.name());
        self.custom("cs2", "before", change.from.name());
        self.custom("cs3", "heard", change.heard);
        self.custom("cfp1", "perSecond", decimal(change.per_s));
        self.custom("cfp2", "completedPerSecond", decimal(change.completed_per_s));
        self.custom("cfp3", "excess", decimal(change.excess));
        self.custom("cfp4", "limit", decimal(change.limit));
        if let Some(senders) = &change.senders {
            self.custom("cs4", "senders", senders);
        }
    }

    fn hit(&mut self, hit: &InspectionHit) {
        match hit.destination {
            address if address.is_v4() => self.add("dst", address),
            address => self.custom("c6a3", "Destination IPv6 Address", address),
        }
        self.add("dpt", hit.port);
        self.add("reason", hit.finding);
        self.custom("cn2", "protocol", hit.protocol);
        if let Some(name) = &hit.signature {
            self.custom("cs3", "signature", name);
        }
    }

    fn mitigation(&mut self, mitigation: &Mitigation) {
        self.add("act", mitigation.treatment);
        if mitigation.shadow {
            self.custom("cs3", "shadow", true);
        }
        self.add("reason", mitigation.cause);
        self.custom("cs2", "band", mitigation.band);
        self.custom("cn2", "score", mitigation.score);
        self.custom("cn3", "durationMs", mitigation.duration.as_millis());
    }
}

/// A number for a `cfp` field.
fn decimal(value: f64) -> String {
    format!("{value:.1}")
}

/// A header field: `|` and `\` are escaped; line breaks, which it may not have, become spaces.
pub fn escape_header(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if matches!(c, '|' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// An extension's value: `=` and `\` are escaped, line feed and carriage return written as `\n` and `\r`; other
/// control characters become spaces.
pub fn escape_value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '=' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
