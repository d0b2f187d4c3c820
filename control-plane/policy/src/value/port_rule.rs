//! A transport port as a config value: `tcp/443`.

use std::fmt;

use repute_model::PortRule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar};

/// The transport protocols that have ports to name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// TCP, IP protocol 6 (RFC 9293).
    Tcp,
    /// UDP, IP protocol 17 (RFC 768).
    Udp,
}

/// A transport port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PortSpec {
    /// TCP or UDP.
    pub transport: Transport,
    /// 1..=65535.
    pub port: u16,
}

impl PortSpec {
    /// The port as workers compare it.
    pub const fn rule(self) -> PortRule {
        let protocol = match self.transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
        };
        PortRule { protocol, port: self.port }
    }

    fn parse(text: &str) -> Option<Self> {
        let (transport, port) = text.split_once('/')?;
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        };
        let port = port.parse().ok().filter(|&port| port > 0 && !text.contains('+'))?;
        Some(Self { transport, port })
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        write!(f, "{transport}/{}", self.port)
    }
}

impl Serialize for PortSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Scalar for PortSpec {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "a port, such as \"tcp/443\"")?;
        let spec = Self::parse(text);
        if spec.is_none() {
            let help = "write `tcp/` or `udp/` and a number from 1 to 65535, such as \"tcp/443\"";
            reader.reject(node, "not a port".to_owned(), Some(help.to_owned()));
        }
        spec
    }
}

impl JsonSchema for PortSpec {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PortSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(tcp|udp)/[0-9]{1,5}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_one_spelling() {
        let spec = PortSpec::parse("udp/53").unwrap();
        assert_eq!(spec.to_string(), "udp/53");
        assert_eq!(spec.rule(), PortRule { protocol: 17, port: 53 });
        for text in ["53", "tcp/0", "tcp/65536", "tcp/", "sctp/1", "tcp/+1", "TCP/1", "tcp/ 1"] {
            assert_eq!(PortSpec::parse(text), None, "{text}");
        }
    }
}
