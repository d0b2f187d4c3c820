//! Where a server listens, as a config value.

use std::fmt;
use std::net::SocketAddr;

use super::written::written;
use crate::read::{Node, Reader, Scalar};

/// An address of this machine and a port that is not 0; `[::]` and `0.0.0.0` stand for all addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Listen(SocketAddr);

impl Listen {
    /// The address and port.
    pub const fn get(self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scalar for Listen {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, "an address and port, such as \"192.0.2.1:7443\"")?;
        let at = text.parse::<SocketAddr>().ok().filter(|at| at.port() != 0);
        if at.is_none() {
            let help =
                "write an address of this machine and a port, such as \"192.0.2.1:7443\" or \"[::]:7443\"";
            reader.reject(node, "no address and port to listen on".to_owned(), Some(help.to_owned()));
        }
        at.map(Self)
    }
}

written!(Listen, "an address and a port, such as 192.0.2.1:7443");
