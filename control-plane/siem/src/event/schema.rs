//! The JSON Schema of events.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::Event;

/// `$id` of the schema; its last part is the version. It changes when a consumer of the old form would have to
/// change: a key renamed, removed or given another meaning. New kinds and new keys do not change it.
pub const SCHEMA_ID: &str = "urn:repute:schema:event:1";

/// The schema that an event follows: always [`SCHEMA_ID`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SchemaId;

impl Serialize for SchemaId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(SCHEMA_ID)
    }
}

impl JsonSchema for SchemaId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SchemaId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": SCHEMA_ID })
    }
}

/// The JSON Schema (draft 2020-12) of every event.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Event>();
    schema.insert("$id".to_owned(), SCHEMA_ID.into());
    schema.to_value()
}
