//! An Ethernet address as a config value: `02:00:00:00:00:01`.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar};

/// The Ethernet address of one station (IEEE 802 EUI-48): neither a group nor all zeroes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mac([u8; 6]);

impl Mac {
    /// What stands for an address that is required until it is read.
    pub(crate) const UNREAD: Self = Self([0; 6]);

    /// The bytes in the order of the wire.
    pub const fn get(self) -> [u8; 6] {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2 && !part.starts_with('+'))?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        let group = bytes[0] & 1 == 1;
        (parts.next().is_none() && !group && bytes != [0; 6]).then_some(Self(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Scalar for Mac {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "an Ethernet address, such as \"02:00:00:00:00:01\"")?;
        let address = Self::parse(text);
        if address.is_none() {
            let help = "write six pairs of hexadecimal digits with `:` between them, no group address, such as \
                        \"02:00:00:00:00:01\"";
            reader.reject(node, "not the Ethernet address of a station".to_owned(), Some(help.to_owned()));
        }
        address
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Mac {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mac".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stations_have_one_spelling() {
        let mac = Mac::parse("02:Ab:00:00:00:0F").unwrap();
        assert_eq!((mac.get()[1], mac.to_string().as_str()), (0xab, "02:ab:00:00:00:0f"));
        for text in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:01:02",
            "02-00-00-00-00-01",
            "2:0:0:0:0:1",
            "02:00:00:00:00:+1",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
        ] {
            assert_eq!(Mac::parse(text), None, "{text}");
        }
    }
}
