//! Sections whose names the operator chooses: ports and services.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::read::{Node, Overlay, Reader};

/// The longest name.
const NAME_MAX: usize = 32;

/// Sections by name, in the order of their names.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Named<T>(BTreeMap<String, T>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Named<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.get(name)
    }

    /// All of them with their names.
    pub fn iter(&self) -> Iter<'_, String, T> {
        self.0.iter()
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<T: Overlay + Default> Overlay for Named<T> {
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader) {
        let Some(table) = reader.table(node) else { return };
        for (name, value) in table {
            if is_name(name.get_ref()) {
                let entry = self.0.entry(name.get_ref().to_string()).or_default();
                reader.inside(name.get_ref(), value, |value, reader| entry.overlay(value, reader));
            } else {
                let message = format!("bad name `{}` in `{}`", name.get_ref().escape_debug(), reader.path());
                let help = format!("a name has 1 to {NAME_MAX} of the characters a-z A-Z 0-9 - _");
                reader.report(Diagnostic::new(name.span(), message).label("not a name").help(help));
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": format!("^[A-Za-z0-9_-]{{1,{NAME_MAX}}}$") },
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}
