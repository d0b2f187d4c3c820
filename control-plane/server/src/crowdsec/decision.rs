//! One decision as bouncers read it, and what they ask for.

use std::net::IpAddr;
use std::time::Duration;

use repute_model::Prefix;
use serde::Serialize;

/// One decision. Field names are CrowdSec's.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Decision {
    /// For how much longer it holds, as Go writes durations; negative = it is over.
    pub duration: String,
    /// Its number.
    pub id: u64,
    /// Who decided.
    pub origin: &'static str,
    /// Why.
    pub scenario: String,
    /// `Ip` or `Range`.
    pub scope: &'static str,
    /// What to do.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whom it is about.
    pub value: String,
    /// The same, for look-ups.
    #[serde(skip)]
    pub prefix: Prefix,
}

/// A duration as Go writes it: `3h59m59.4s`.
pub fn go(duration: Duration) -> String {
    let (all, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}") };
    let seconds = format!("{seconds}{}s", fraction.trim_end_matches('0'));
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// What a bouncer asks for. Parameters that it does not know are left out, as newer bouncers have more of them.
#[derive(Debug, Default)]
pub struct Query {
    /// Everything, not what changed.
    pub startup: bool,
    scopes: Vec<String>,
    origins: Vec<String>,
    containing: Vec<String>,
    not_containing: Vec<String>,
    types: Vec<String>,
    /// `Some(None)` = a value that is no address: nothing is about it.
    about: Option<Option<Prefix>>,
}

impl Query {
    /// The query part of an URL.
    pub fn parse(query: &str) -> Self {
        let mut asked = Self::default();
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = decoded(value);
            let words = || value.split(',').filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
            match key {
                "startup" => asked.startup = value == "true",
                "scopes" | "scope" => asked.scopes = words(),
                "origins" => asked.origins = words(),
                "scenarios_containing" => asked.containing = words(),
                "scenarios_not_containing" => asked.not_containing = words(),
                "type" => asked.types = words(),
                "ip" => {
                    asked.about =
                        Some(value.parse::<IpAddr>().ok().map(|ip| Prefix::containing(ip.into(), 128)))
                }
                "range" | "value" => asked.about = Some(value.parse().ok()),
                _ => {}
            }
        }
        asked
    }

    /// Whether a decision is asked for.
    pub fn takes(&self, decision: &Decision) -> bool {
        let named = |words: &[String], word: &str| {
            words.is_empty() || words.iter().any(|one| one.eq_ignore_ascii_case(word))
        };
        let scenario = decision.scenario.to_lowercase();
        let contains = |words: &[String]| words.iter().any(|word| scenario.contains(word.as_str()));
        named(&self.scopes, decision.scope)
            && named(&self.origins, decision.origin)
            && named(&self.types, decision.kind)
            && (self.containing.is_empty() || contains(&self.containing))
            && !contains(&self.not_containing)
            && self.about.is_none_or(|about| about.is_some_and(|about| is_about(decision, about)))
    }
}

/// Whether a decision covers all of a prefix.
fn is_about(decision: &Decision, about: Prefix) -> bool {
    decision.prefix.len128() <= about.len128() && decision.prefix.contains(about.first())
}

/// Percent-encoding undone (RFC 3986, 2.1). What is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_go_s() {
        for (duration, text) in [
            (Duration::ZERO, "0s"),
            (Duration::from_millis(59_500), "59.5s"),
            (Duration::from_secs(600), "10m0s"),
            (Duration::new(14_399, 423_128_395), "3h59m59.423128395s"),
        ] {
            assert_eq!(go(duration), text);
        }
    }

    #[test]
    fn queries_choose_by_scope_scenario_and_address() {
        let decision = |value: &str, scope| Decision {
            duration: go(Duration::from_secs(1)),
            id: 1,
            origin: "repute",
            scenario: "repute/syn-ack".to_owned(),
            scope,
            kind: "ban",
            value: value.to_owned(),
            prefix: value.parse().unwrap(),
        };
        let range = decision("198.51.100.0/24", "Range");
        let takes = |query: &str| Query::parse(query).takes(&range);
        assert!(takes("") && takes("scopes=ip,range") && takes("ip=198.51.100.7") && takes("new-thing=1"));
        assert!(takes("scenarios_containing=SYN") && takes("range=198.51.100.0%2F25"));
        for none in ["scopes=ip", "ip=198.51.101.7", "ip=x", "origins=CAPI", "scenarios_not_containing=syn"] {
            assert!(!takes(none), "{none}");
        }
        assert!(Query::parse("ip=2001:db8::1").takes(&decision("2001:db8::/64", "Range")));
        assert!(Query::parse("startup=true&scopes=").startup);
    }
}
