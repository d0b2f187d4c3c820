//! Free text as a config value: device arguments, paths, owners.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::read::{Node, Reader, Scalar};

/// The longest text in bytes.
const TEXT_MAX: usize = 512;

/// One line of text, 1 to 512 bytes, without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Text(String);

impl Text {
    /// What stands for a text that is required until it is read.
    pub(crate) const UNREAD: Self = Self(String::new());

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scalar for Text {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "a string")?;
        if !(1..=TEXT_MAX).contains(&text.len()) || text.chars().any(char::is_control) {
            let label = format!("must be one line of 1 to {TEXT_MAX} bytes without control characters");
            reader.reject(node, label, None);
            return None;
        }
        Some(Self(text.to_owned()))
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": TEXT_MAX })
    }
}
