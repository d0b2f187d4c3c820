//! A server that the box asks, as a config value.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use repute_model::{Address, Upstream};

use super::written::written;
use crate::read::{Node, Reader, Scalar};

/// The port at which a server is asked that names none.
const PORT: u16 = 53;

/// An address, and a port where it is not 53.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UpstreamServer(pub Upstream);

impl UpstreamServer {
    fn parse(text: &str) -> Option<Self> {
        let address = text.parse::<IpAddr>().map(|address| (address, PORT));
        let both = || text.parse::<SocketAddr>().map(|at| (at.ip(), at.port()));
        let (address, port) = address.or_else(|_| both()).ok()?;
        let address = Address::from(address.to_canonical());
        (port != 0 && !address.is_nobody()).then_some(Self(Upstream { address, port }))
    }
}

impl fmt::Display for UpstreamServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Upstream { address, port } = self.0;
        if port == PORT { address.fmt(f) } else { SocketAddr::new(address.to_ip(), port).fmt(f) }
    }
}

impl Scalar for UpstreamServer {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "an address, such as \"192.0.2.53\" or \"192.0.2.53:5353\"")?;
        let server = Self::parse(text);
        if server.is_none() {
            let help =
                "write \"192.0.2.53\", \"192.0.2.53:5353\", \"2001:db8::53\" or \"[2001:db8::53]:5353\"";
            reader.reject(node, "not the address of a server".to_owned(), Some(help.to_owned()));
        }
        server
    }
}

written!(UpstreamServer, "the address of a server, with its port where that is not 53");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_one_spelling() {
        for (text, shown) in [
            ("192.0.2.53", "192.0.2.53"),
            ("192.0.2.53:53", "192.0.2.53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("[2001:DB8::53]:53", "2001:db8::53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(UpstreamServer::parse(text).map(|server| server.to_string()).as_deref(), Some(shown));
        }
        for text in ["", "host", "192.0.2.53:0", "224.0.0.251", "fe80::1", "192.0.2.53/32"] {
            assert_eq!(UpstreamServer::parse(text), None, "{text}");
        }
    }
}
