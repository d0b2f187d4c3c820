//! The rule table: what matches first, what counts once, and how much a storm of alerts may do.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;
use std::time::{Duration, Instant};

use repute_model::{PrefixTable, Width};
use repute_siem::*;

fn place(inside: &[&str]) -> Place {
    let inside = PrefixTable::new(inside.iter().map(|prefix| (prefix.parse().unwrap(), ())));
    Place { inside, inside_width: Width::INSIDE, outside_width: Width::OUTSIDE }
}

fn config(text: &str) -> RulesConfig {
    serde_json::from_str(text).unwrap()
}

fn alert(source: &str, signature: u64, name: &str, severity: u8, flow: u64) -> Alert {
    let record = serde_json::json!({
        "event_type": "alert", "src_ip": source, "dest_ip": "10.0.0.1", "flow_id": flow,
        "alert": { "signature_id": signature, "signature": name, "category": "Misc Attack", "severity": severity },
    });
    parse_eve(record.to_string().as_bytes()).unwrap().unwrap()
}

const TABLE: &str = r#"{
    "rules": [
        { "name": "known", "when": { "signature": 7 }, "action": "ignore" },
        { "name": "range", "when": { "signature": { "from": 100, "to": 199 }, "severity": 2 },
          "action": { "nudge": { "points": -700 } } },
        { "name": "tor", "when": { "name": { "prefix": "ET TOR " } },
          "action": { "treat": { "scope": "source", "treatment": "slow", "seconds": 600 } } },
        { "name": "neighbours", "when": { "name": { "exact": "worm" }, "side": "outside" },
          "action": { "treat": { "scope": { "around": { "v4": 24, "v6": 48 } }, "treatment": "drop", "seconds": 60 } } },
        { "name": "web", "when": { "category": "misc attack", "input": "cef" },
          "action": { "treat": { "scope": { "service": "www" }, "treatment": "careful", "seconds": 60 } } }
    ],
    "default": { "nudge": { "points": -50 } },
    "bounds": { "points": 1000, "treatments": 2, "per_s": 100, "duplicates_s": 60 }
}"#;

#[test]
fn the_first_rule_that_matches_decides() {
    let mut rules = Rules::new(&config(TABLE), place(&["10.0.0.0/8"])).unwrap();
    let now = Instant::now();
    let mut says =
        |input: &str, alert: &Alert| rules.decide(input, alert, now, common::at()).outcome.to_string();
    assert_eq!(says("eve", &alert("192.0.2.1", 7, "", 1, 1)), "ignored");
    assert_eq!(says("eve", &alert("192.0.2.1", 150, "", 2, 1)), "-700 points by rule range");
    assert_eq!(says("eve", &alert("192.0.2.1", 150, "", 2, 1)), "the same alert again");
    assert_eq!(says("eve", &alert("192.0.2.1", 150, "", 3, 2)), "-50 points by default");
    assert_eq!(
        says("eve", &alert("192.0.2.1", 1, "et tor Exit", 3, 1)),
        "slow for 192.0.2.1 for 600 s by rule tor"
    );
    assert_eq!(
        says("eve", &alert("2001:db8:0:7::1", 1, "Worm", 3, 1)),
        "drop for 2001:db8::/48 for 60 s by rule neighbours"
    );
    assert_eq!(says("cef", &alert("192.0.2.9", 1, "", 3, 1)), "careful for service www for 60 s by rule web");
    assert_eq!(says("eve", &alert("224.0.0.5", 1, "", 3, 1)), "names nobody with a standing");
    assert_eq!(
        rules.counts(),
        RulesCounts { reacted: 5, ignored: 1, duplicate: 1, nobody: 1, stale: 0, bounded: 0 }
    );
}

#[test]
fn a_storm_takes_no_more_from_a_source_than_the_bound() {
    let mut rules = Rules::new(&config(TABLE), place(&[])).unwrap();
    let begun = Instant::now();
    let (mut taken, mut treated) = (0, 0);
    for flow in 0..5000 {
        // Fifty seconds: half of the budget comes back meanwhile.
        let now = begun + Duration::from_millis(10) * flow;
        let storm = alert("198.51.100.7", 150, "", 1, u64::from(flow));
        if let Outcome::React(Reaction { change: Change::Nudge { points, .. }, .. }) =
            rules.decide("eve", &storm, now, common::at()).outcome
        {
            taken -= i32::from(points);
        }
        let storm = alert("198.51.100.7", 1, "ET TOR exit", 1, u64::from(flow));
        treated +=
            u32::from(matches!(rules.decide("eve", &storm, now, common::at()).outcome, Outcome::React(_)));
    }
    assert!((1490..=1500).contains(&taken), "{taken}");
    assert!((2..=3).contains(&treated), "{treated}");
    assert!(rules.counts().bounded > 9000);
    // Others are not concerned.
    let other =
        rules.decide("eve", &alert("198.51.100.8", 150, "", 1, 1), begun, common::at()).outcome.to_string();
    assert_eq!(other, "-700 points by rule range");
}

#[test]
fn a_backlog_does_nothing() {
    let mut rules = Rules::new(&config(TABLE), place(&[])).unwrap();
    let mut says = |at| {
        let alert = Alert { at, ..alert("192.0.2.1", 150, "", 1, 1) };
        rules.decide("eve", &alert, Instant::now(), common::at()).outcome
    };
    let ago = |seconds| Some(common::at() - Duration::from_secs(seconds));
    assert_eq!(says(ago(901)), Outcome::Stale);
    assert!(matches!(says(ago(900)), Outcome::React(_)));
    assert_eq!(says(None), Outcome::Duplicate);
    assert_eq!(says(Some(common::at() + Duration::from_secs(901))), Outcome::Duplicate, "a clock ahead");
}

#[test]
fn sources_are_as_wide_as_the_box_says() {
    let mut rules = Rules::new(&config(TABLE), place(&["2001:db8::/32"])).unwrap();
    let now = Instant::now();
    let mut source =
        |who| rules.decide("eve", &alert(who, 1, "", 3, 1), now, common::at()).source.unwrap().to_string();
    assert_eq!(source("2001:db9::1"), "2001:db9::/64");
    // An inside sender and an outside receiver of unknown roles: the outside one.
    assert_eq!(source("2001:db8::1"), "10.0.0.1");
}

#[test]
fn every_mistake_is_named_at_once() {
    let bad = config(
        r#"{
        "rules": [
            { "name": "", "when": { "signature": { "from": 9, "to": 1 }, "severity": 0 }, "action": "ignore" },
            { "name": "a", "action": { "nudge": { "points": 0 } } },
            { "name": "b", "action": { "treat": { "scope": { "prefix": "10.0.0.1/8" }, "treatment": "", "seconds": 0 } } }
        ],
        "bounds": { "points": 0 }
    }"#,
    );
    let errors = Rules::new(&bad, place(&[])).unwrap_err();
    let expected = [
        "rules[0] (): needs a name",
        "rules[0] (): signatures 9 to 1 are none; expected `from` up to `to`",
        "rules[0] (): severity 0 is none; 1 is the worst",
        "rules[1] (a): 0 points; expected -10000 to 10000, not 0",
        "rules[2] (b): needs the name of a treatment",
        "rules[2] (b): seconds = 0; expected 1 to 2592000",
        "rules[2] (b): `10.0.0.1/8` has bits set behind its length; did you mean `10.0.0.0/8`?",
        "bounds: points = 0; expected 1 to 10000",
    ];
    assert_eq!(errors.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_sample_of_a_real_suricata_drives_nudges() {
    let Some(folder) = common::corpus("eve") else { return };
    let text = fs::read(folder.join("slips_test6_part1.eve.json")).unwrap();
    let schema: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("suricata_eve_schema.json")).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let table = config(
        r#"{
        "rules": [
            { "name": "scans", "when": { "name": { "prefix": "ET SCAN " } }, "action": { "nudge": { "points": -1500 } } },
            { "name": "lists", "when": { "signature": { "from": 2400000, "to": 2599999 } },
              "action": { "nudge": { "points": -800 } } },
            { "name": "exploits", "when": { "severity": 1 },
              "action": { "treat": { "scope": "source", "treatment": "drop", "seconds": 3600 } } }
        ],
        "bounds": { "points": 3000, "treatments": 1, "per_s": 86400, "duplicates_s": 0, "stale_s": 0 }
    }"#,
    );
    let mut rules = Rules::new(&table, place(&["192.168.0.0/16"])).unwrap();
    let (mut alerts, mut others, mut points) = (0, 0, std::collections::HashMap::<_, i32>::new());
    let (mut treated, now) = (vec![], Instant::now());
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Some(alert) = parse_eve(line).unwrap() else {
            others += 1;
            continue;
        };
        alerts += 1;
        let json: serde_json::Value = serde_json::from_slice(line).unwrap();
        // A newer schema may refuse what an older engine wrote elsewhere; what is read here it has to accept.
        let read =
            ["/timestamp", "/event_type", "/src_ip", "/dest_ip", "/direction", "/flow_id", "/flow/src_ip"];
        let errors = schema.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path()));
        let ours = |error: &String| {
            error.starts_with("/alert:")
                || error.starts_with("/alert/s")
                || error.starts_with("/alert/category")
                || read.iter().any(|path| error.starts_with(path))
        };
        assert_eq!(errors.filter(ours).collect::<Vec<_>>(), [""; 0]);
        assert_eq!(alert.signature_text, json["alert"]["signature_id"].to_string());
        let decision = rules.decide("suricata", &alert, now, common::at());
        let source = decision.source.unwrap();
        assert_eq!(
            source.to_string(),
            json["src_ip"].as_str().unwrap(),
            "the stranger, never the host inside"
        );
        match decision.outcome {
            Outcome::React(Reaction { change: Change::Nudge { points: by, .. }, .. }) => {
                *points.entry(source).or_default() += i32::from(by);
            }
            Outcome::React(Reaction { change: Change::Treat { subject, .. }, .. }) => treated.push(subject),
            Outcome::Ignored | Outcome::Bounded => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((alerts, others), (745, 1755));
    assert!(points.values().all(|points| (-3000..0).contains(points)), "{points:?}");
    assert!(points.len() > 100);
    assert!(!treated.is_empty());
    println!("745 alerts: {} sources nudged, {} treated, {:?}", points.len(), treated.len(), rules.counts());
}
