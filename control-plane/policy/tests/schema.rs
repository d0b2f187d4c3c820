//! The schema and the parser know the same keys, ranges and defaults.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use repute_policy::{Config, json_schema};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(&json_schema()).unwrap()
}

/// Every object of the schema as a TOML place in which one more key can be written, with its keys.
fn objects(schema: &Value, open: &str, close: &str, found: &mut Vec<(String, String, BTreeSet<String>)>) {
    if let Some(properties) = schema["properties"].as_object() {
        found.push((open.to_owned(), close.to_owned(), properties.keys().cloned().collect()));
        for (key, property) in properties {
            objects(property, &format!("{open}{key} = {{ "), &format!(" }}{close}"), found);
            for one in property["anyOf"].as_array().into_iter().flatten() {
                objects(one, &format!("{open}{key} = {{ "), &format!(" }}{close}"), found);
            }
            let named = &property["additionalProperties"];
            objects(named, &format!("{open}{key} = {{ name = {{ "), &format!(" }} }}{close}"), found);
            let item = &property["items"];
            let ends = (format!("{open}{key} = [{{ "), format!(" }}]{close}"));
            objects(item, &ends.0, &ends.1, found);
            for one in item["anyOf"].as_array().into_iter().flatten() {
                objects(one, &ends.0, &ends.1, found);
            }
        }
    }
}

/// The keys that the parser knows at a place: it lists them when it is shown one that it does not know.
fn parser_keys(open: &str, close: &str) -> BTreeSet<String> {
    let found = Config::parse("test.toml", &format!("{open}no-such-key = 1{close}")).unwrap_err();
    let item = found.items().iter().find(|item| item.message().contains("`no-such-key`"));
    let help = item.and_then(|item| item.way_out()).unwrap_or_else(|| panic!("{open}: {found}"));
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn schema_and_parser_know_the_same_keys() {
    let mut found = Vec::new();
    objects(&schema(), "", "", &mut found);
    // The root, 12 sections and what is in them: two profiles with 12 factors each, and so on.
    assert!(found.len() > 50, "{}", found.len());
    for (open, close, keys) in found {
        assert_eq!(parser_keys(&open, &close), keys, "{open}{close}");
    }
}

#[test]
fn every_key_says_what_it_is() {
    fn walk(schema: &Value, path: &str) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            // Inside the two spellings of an entry the keys are explained by the entry.
            assert!(property["description"].is_string(), "{path}.{key}");
            walk(property, &format!("{path}.{key}"));
        }
        if schema["additionalProperties"].is_object() {
            walk(&schema["additionalProperties"], path);
        }
    }
    walk(&schema(), "");
}

#[test]
fn defaults_and_ranges_are_those_of_the_parser() {
    let schema = schema();
    for (pointer, expected) in [
        ("/properties/workers/properties/count/default", "1"),
        ("/properties/workers/properties/count/maximum", "64"),
        ("/properties/ports/additionalProperties/properties/mtu/default", "1500"),
        ("/properties/ports/additionalProperties/required", "[\"role\"]"),
        (
            "/properties/profiles/properties/egress/properties/factors/properties/criticality/properties/weight/default",
            "0.05",
        ),
        (
            "/properties/profiles/properties/ingress/properties/factors/properties/criticality/properties/weight/default",
            "0.0",
        ),
        (
            "/properties/profiles/properties/egress/properties/treatments/properties/malicious/default/drop",
            "false",
        ),
        (
            "/properties/profiles/properties/ingress/properties/treatments/properties/malicious/default/drop",
            "true",
        ),
        ("/properties/profiles/properties/ingress/properties/half_life/default", "\"10m\""),
    ] {
        assert_eq!(schema.pointer(pointer).map(ToString::to_string).as_deref(), Some(expected), "{pointer}");
    }
    assert_eq!(schema.pointer("/properties/ports/additionalProperties/properties/role/default"), None);
    assert!(!json_schema().contains("null"), "TOML has no null");
}
