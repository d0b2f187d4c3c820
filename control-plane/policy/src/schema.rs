//! The JSON Schema of the config (draft 2020-12), for editors that complete and check while one types.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::config::{Config, Dns, Events, Feed, Incidents, Mirror, Port, Profile, Profiles, Service, Vxlan};

/// The schema as JSON text. What every key means, its range and its default are in it.
pub fn json_schema() -> String {
    format!("{:#}", schema())
}

pub(crate) fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    without_defaults(&mut schema);
    let profiles = Profiles {
        ingress: Some(Profile::ingress()),
        egress: Some(Profile::egress()),
        dns: Some(Dns::default()),
    };
    let mirror = Some(Mirror { vxlan: Some(Vxlan::default()), ..Mirror::default() });
    let events = Events { incidents: Some(Incidents::default()), ..Events::default() };
    let defaults = Config { profiles, mirror, events, ..Config::default() };
    with_defaults(&mut schema, &json!(defaults));
    for (section, default) in [("ports", json!(Port::default())), ("services", json!(Service::default()))] {
        if let Some(one) = schema.pointer_mut(&format!("/properties/{section}/additionalProperties")) {
            with_defaults(one, &default);
        }
    }
    if let Some(one) = schema.pointer_mut("/properties/feeds/items") {
        without_defaults(one);
        with_defaults(one, &json!(Feed::default()));
        if let Some(header) = one.pointer_mut("/properties/headers/items") {
            without_defaults(header);
        }
    }
    without_null_defaults(&mut schema);
    schema
}

/// Takes out the defaults that belong to a type: which one holds depends on where it stands.
fn without_defaults(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        if let Some(inner) = schema.get_mut("additionalProperties") {
            without_defaults(inner);
        }
        return;
    };
    for property in properties.values_mut() {
        if let Some(property) = property.as_object_mut() {
            property.remove("default");
        }
        without_defaults(property);
    }
}

/// Puts each default at its key. Required and absent keys have none.
fn with_defaults(schema: &mut Value, defaults: &Value) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let required = |key: &str| required.as_array().is_some_and(|keys| keys.iter().any(|k| k == key));
    let empty = Map::new();
    let defaults = defaults.as_object().unwrap_or(&empty);
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (key, property) in properties {
        match defaults.get(key).filter(|value| !value.is_null() && !required(key)) {
            Some(value) if property.get("properties").is_some() => with_defaults(property, value),
            Some(value) if property.get("additionalProperties").is_none() => {
                property["default"] = without_nulls(value);
            }
            _ => {}
        }
    }
}

/// Takes out the defaults of absent options, wherever they are: TOML cannot say them.
fn without_null_defaults(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.retain(|key, value| key != "default" || !value.is_null());
            map.values_mut().for_each(without_null_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null_defaults),
        _ => {}
    }
}

/// A value without the keys that are absent: what a config could say.
fn without_nulls(value: &Value) -> Value {
    let Value::Object(map) = value else { return value.clone() };
    let there = map.iter().filter(|(_, value)| !value.is_null());
    Value::Object(there.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
}
