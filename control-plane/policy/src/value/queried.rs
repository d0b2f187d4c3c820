//! A name that the box asks for, as a config value.

use repute_model::DomainName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar};

/// A domain name as zone files write it (RFC 1035, 5.1), with or without the dot at its end; `.` is the root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Queried(pub DomainName);

impl Scalar for Queried {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "a domain name, such as \"example.org\" or \".\"")?;
        match text.parse() {
            Ok(name) => Some(Self(name)),
            Err(error) => {
                let error: repute_model::DomainNameError = error;
                reader.reject(node, error.to_string().escape_debug().to_string(), None);
                None
            }
        }
    }
}

impl Serialize for Queried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Queried {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Queried".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "a domain name; . is the root" })
    }
}
