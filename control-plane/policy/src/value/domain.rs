//! A domain name as a config value.

use repute_model::DomainName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar};

/// A domain name as zone files write it (RFC 1035, 5.1), with or without the dot at its end; one that begins with an
/// asterisk is for all below the rest of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Domain(pub DomainName);

impl Domain {
    /// Whether it is for every name there is, which no list means.
    pub(crate) fn is_everything(name: &DomainName) -> bool {
        name.is_root() || name.is_wildcard() && name.labels().count() == 1
    }
}

impl Scalar for Domain {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "a domain name, such as \"trap.example\" or \"*.trap.example\"")?;
        match text.parse() {
            Ok(name) if Self::is_everything(&name) => {
                reader.reject(node, "that is every name there is".to_owned(), None);
                None
            }
            Ok(name) => Some(Self(name)),
            Err(error) => {
                reader.reject(node, error.to_string().escape_debug().to_string(), None);
                None
            }
        }
    }
}

impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Domain {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Domain".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "a domain name, or *. and a domain name for all below it" })
    }
}
