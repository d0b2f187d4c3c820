//! A prefix as a config value.

use repute_model::{Prefix, PrefixError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar};

/// An address or prefix in CIDR notation (RFC 4632, RFC 4291), without host bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cidr(pub Prefix);

impl Scalar for Cidr {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "an address or prefix, such as \"192.0.2.0/24\"")?;
        match text.parse() {
            Ok(prefix) => Some(Self(prefix)),
            Err(PrefixError::HostBits(_, meant)) => {
                let label = format!("bits are set behind the prefix length; did you mean \"{meant}\"?");
                reader.reject(node, label, None);
                None
            }
            Err(error) => {
                reader.reject(node, error.to_string().escape_debug().to_string(), None);
                None
            }
        }
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Cidr {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cidr".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "an IPv4 or IPv6 address or prefix" })
    }
}
