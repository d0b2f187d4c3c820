//! The box as a server with an address of its own: where it is asked, and whom it asks in turn.
//!
//! Compiled by the control plane, read by the engine's endpoint. Always holds: the addresses are the servers of the DNS profile;
//! a query goes on to an upstream of its own family, and every upstream is on the link of an origin of its family or behind that
//! one's gateway.

use crate::{Address, Prefix, Tick};

/// Where the box is asked, and whom it asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The addresses at which it is asked, at its port towards clients; at least one.
    pub addresses: Vec<Address>,
    /// From where it asks upstreams, at its other port; one a family at most.
    pub origins: Vec<Origin>,
    /// Whom it asks; 1..=[`Endpoint::UPSTREAMS_MAX`].
    pub upstreams: Vec<Upstream>,
    /// How it finds out who of them is up.
    pub check: Check,
}

/// An address of the box's own from which it asks upstreams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The address.
    pub address: Address,
    /// What is reached there without a gateway.
    pub link: Prefix,
    /// By which everything else is reached.
    pub gateway: Option<Address>,
}

/// A server that is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Upstream {
    /// Its address.
    pub address: Address,
    /// The port at which it is asked.
    pub port: u16,
}

/// How the box finds out which upstreams are up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// What they are asked: a name, a type and a class as a query has them.
    pub question: Vec<u8>,
    /// How often, ms.
    pub interval_ms: u32,
    /// How long an answer may take, ms; at most the interval.
    pub timeout_ms: u32,
    /// After so many checks in a row without a good answer one that is up is down, 1..=255.
    pub failures: u8,
    /// After so many good answers in a row one that is down is up, 1..=255.
    pub successes: u8,
}

/// An upstream that came up, or went down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UpstreamChange {
    /// Which one.
    pub upstream: Upstream,
    /// Whether it is up now.
    pub is_up: bool,
    /// Of all upstreams, how many are up now.
    pub up: u8,
    /// When.
    pub at: Tick,
}

impl Endpoint {
    /// Upstreams at most.
    pub const UPSTREAMS_MAX: usize = 16;

    /// Whether the box is asked at this address.
    pub fn serves(&self, address: Address) -> bool {
        self.addresses.contains(&address)
    }

    /// From where upstreams of a family are asked.
    pub fn origin(&self, v4: bool) -> Option<&Origin> {
        self.origins.iter().find(|origin| origin.address.is_v4() == v4)
    }
}

impl Origin {
    /// Who gets a frame that is for `address`.
    pub const fn next_hop(&self, address: Address) -> Option<Address> {
        if self.link.contains(address) { Some(address) } else { self.gateway }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_link_is_behind_the_gateway() {
        let here = |n: u32| Address::v4(0x0a00_0000 + n);
        let link = Prefix::containing(here(0), 96 + 24);
        let origin = Origin { address: here(9), link, gateway: Some(here(1)) };
        assert_eq!(origin.next_hop(here(53)), Some(here(53)));
        assert_eq!(origin.next_hop(here(256)), Some(here(1)));
        assert_eq!(Origin { gateway: None, ..origin }.next_hop(here(256)), None);
    }
}
