//! An address and port to listen on, as a config value.

use std::fmt;
use std::net::SocketAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar};

/// An IPv4 or IPv6 address of this host with a port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Socket(SocketAddr);

impl Socket {
    /// The address and port.
    pub const fn get(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scalar for Socket {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "an address and port, such as \"127.0.0.1:9470\"")?;
        let socket = text.parse().ok();
        if socket.is_none() {
            let help = "write an address and a port, such as \"127.0.0.1:9470\" or \"[::1]:9470\"";
            reader.reject(node, "no address with a port".to_owned(), Some(help.to_owned()));
        }
        socket.map(Self)
    }
}

impl Serialize for Socket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Socket {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Socket".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "an address and port, such as 127.0.0.1:9470" })
    }
}
