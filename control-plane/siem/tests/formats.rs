//! Every event in every format: JSON against its schema, OCSF against its required fields, CEF against its grammar.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::collections::HashSet;

use repute_siem::{Format, SCHEMA_ID, What, json_schema};
use serde_json::{Value, json};

#[tokio::test]
async fn every_event_satisfies_the_schema() {
    let schema = json_schema();
    assert_eq!(schema["$id"], SCHEMA_ID);
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let mut kinds = HashSet::new();
    for event in common::published().await {
        kinds.insert(event.what.kind());
        let json: Value = serde_json::from_str(&Format::Json.line(&event)).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{json:#}\n{errors:#?}");
        let object = json.as_object().unwrap();
        for (key, bad) in [
            ("kind", json!("no-such-kind")),
            ("severity", json!("loud")),
            ("time", json!("yesterday")),
            ("id", json!("1")),
            ("schema", json!("urn:repute:schema:event:0")),
            ("source", json!("not an address")),
            ("score", json!(10_001)),
            ("cause", json!("bad luck")),
            ("crowd", json!("192.0.2.80")),
            ("flood", json!("of tears")),
        ] {
            let Some(old) = object.get(key).filter(|old| !old.is_null()) else { continue };
            let mut damaged = object.clone();
            damaged.insert(key.to_owned(), bad);
            assert!(!validator.is_valid(&damaged.clone().into()), "{key} {old} → {:#}", Value::from(damaged));
            let mut less = object.clone();
            less.remove(key);
            assert!(!validator.is_valid(&less.into()), "{key} is required");
        }
    }
    assert_eq!(kinds.len(), What::KINDS.len(), "an event of every kind");
}

#[tokio::test]
async fn a_mitigation_in_json() {
    let event = &common::published().await[3];
    let json: Value = serde_json::from_str(&Format::Json.line(event)).unwrap();
    let expected = json!({
        "schema": "urn:repute:schema:event:1",
        "id": "000000000000018b-0000000000000004",
        "time": "2023-11-14T22:13:20.123456Z",
        "box": "edge-1.example",
        "policy_version": 7,
        "severity": "warning",
        "kind": "mitigation",
        "phase": "began",
        "source": "192.0.2.7",
        "band": "malicious",
        "score": 1234,
        "treatment": ["log", "soften", "meter", "queue-new", "drop"],
        "limits": {
            "meter_packets_per_s": 100,
            "meter_bytes_per_s": 125_000,
            "connections_per_s": 50,
            "soften_segments": 4,
        },
        "cause": "syn-ack",
        "began": "2023-11-14T22:11:50.123456Z",
        "duration_ms": 90_500,
        "shadow": false,
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn ocsf_objects_have_what_their_class_requires() {
    let mut classes = HashSet::new();
    for event in common::published().await {
        let object: Value = serde_json::from_str(&Format::Ocsf.line(&event)).unwrap();
        let number = |key: &str| object[key].as_u64().unwrap_or_else(|| panic!("{key} of {object:#}"));
        let (class, activity) = (number("class_uid"), number("activity_id"));
        assert_eq!(number("type_uid"), class * 100 + activity);
        assert_eq!(number("category_uid"), class / 1000);
        assert_eq!(number("time"), 1_700_000_000_123);
        assert!(number("severity_id") <= 6);
        for key in ["name", "vendor_name", "version"] {
            assert!(object["metadata"]["product"][key].is_string());
        }
        assert!(object["metadata"]["version"].is_string());
        assert_eq!(object["metadata"]["uid"], event.id.to_string());
        match class {
            4001 => {
                assert!([5, 6].contains(&activity));
                assert!(object["src_endpoint"].as_object().is_some_and(|end| end.len() == 1));
                assert!(number("action_id") <= 4 && number("disposition_id") <= 27);
                assert_eq!(number("risk_score"), 88);
            }
            2004 => {
                assert!((1..=3).contains(&activity));
                assert!(
                    object["finding_info"]["uid"].is_string() && object["finding_info"]["title"].is_string()
                );
            }
            0 => assert_eq!(activity, 99),
            other => panic!("class {other}"),
        }
        if class != 0 {
            assert_eq!(object["metadata"]["profiles"], json!(["security_control"]));
        }
        classes.insert(class);
    }
    assert_eq!(classes.len(), 3);
}

#[tokio::test]
async fn a_crowd_in_every_format() {
    let events = common::published().await;
    let crowds: Vec<_> = events.iter().filter(|event| event.what.kind() == "crowd-changed").collect();
    let severities: Vec<_> = crowds.iter().map(|event| event.severity.ocsf()).collect();
    assert_eq!(severities, [2, 4, 1, 1], "low, high, informational");
    let flood: Value = serde_json::from_str(&Format::Json.line(crowds[1])).unwrap();
    assert_eq!(
        (&flood["crowd"], &flood["from"], &flood["to"]),
        (&json!("192.0.2.0/24"), &json!("suspect"), &json!("flood"))
    );
    assert_eq!(
        (&flood["flood"], &flood["excess"], &flood["heard"]),
        (&json!("syn"), &json!(24.04), &json!(true))
    );
    assert_eq!(flood["senders"]["network"], json!("198.51.100.0/24"));
    assert!(Format::Text.line(crowds[1]).ends_with("; 75 % from 198.51.100.0/24, spread 0.25 of 1"));
    assert!(
        Format::Cef
            .line(crowds[1])
            .contains("cs4=75 % from 198.51.100.0/24, spread 0.25 of 1 cs4Label=senders")
    );
    let cef = Format::Cef.line(crowds[0]);
    let expected = "dst=192.0.2.80 reason=syn outcome=suspect cs2=calm cs2Label=before cs3=true cs3Label=heard cfp1=312.5 \
                    cfp1Label=perSecond cfp2=2.2 cfp2Label=completedPerSecond cfp3=24.0 cfp3Label=excess cfp4=12.0 \
                    cfp4Label=limit";
    assert!(cef.contains(expected), "{cef}");
    assert!(Format::Cef.line(crowds[1]).contains("cs1=192.0.2.0/24 cs1Label=destinationPrefix"));
    assert!(Format::Cef.line(crowds[2]).contains("c6a3=2001:db8::80 "));
    let objects = crowds.iter().map(|event| serde_json::from_str(&Format::Ocsf.line(event)).unwrap());
    let objects: Vec<Value> = objects.collect();
    let lives: Vec<_> = objects.iter().map(|object| object["activity_id"].as_u64()).collect();
    assert_eq!(lives, [Some(1), Some(2), Some(2), Some(3)], "create, update, update, close");
    assert_eq!(objects[0]["evidences"][0]["dst_endpoint"], json!({ "ip": "192.0.2.80" }));
    assert_eq!(objects[1]["finding_info"]["uid"], json!("flood syn 192.0.2.0/24"));
}

#[tokio::test]
async fn every_format_is_one_line() {
    for event in common::published().await {
        for format in [Format::Json, Format::Text, Format::Cef, Format::Ocsf] {
            let line = format.line(&event);
            assert!(!line.is_empty() && !line.chars().any(char::is_control), "{format:?}: {line}");
        }
    }
}

#[tokio::test]
async fn a_mitigation_in_cef() {
    let event = &common::published().await[3];
    let expected = format!(
        "CEF:0|repute|repute|{}|mitigation|192.0.2.7 gets log+soften+meter+queue-new+drop: malicious, score 1234, mostly \
         for syn-ack|6|rt=1700000000123 externalId=000000000000018b-0000000000000004 dvchost=edge-1.example cn1=7 \
         cn1Label=policyVersion src=192.0.2.7 act=log+soften+meter+queue-new+drop reason=syn-ack cs2=malicious \
         cs2Label=band cn2=1234 cn2Label=score cn3=90500 cn3Label=durationMs msg=192.0.2.7 gets \
         log+soften+meter+queue-new+drop: malicious, score 1234, mostly for syn-ack",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(Format::Cef.line(event), expected);
}
