//! `[profiles.dns.endpoint]`: the box as a server with an address of its own.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::{Node, Reader, Scalar, table};
use crate::value::{Duration, Int, Interface, Ip, Queried, UpstreamServer, keywords};

keywords! {
    /// A type of record.
    RecordType {
        /// IPv4 addresses.
        A = "A",
        /// IPv6 addresses.
        Aaaa = "AAAA",
        /// Name servers.
        Ns = "NS",
        /// The start of a zone.
        Soa = "SOA",
        /// Text.
        Txt = "TXT",
    }
}

impl RecordType {
    /// Its number (IANA, DNS parameters).
    pub const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Soa => 6,
            Self::Txt => 16,
            Self::Aaaa => 28,
        }
    }
}

/// Addresses of the box's own at which it is asked, and the servers that it asks in turn; absent = it stands as a bump in the wire
/// in front of `servers`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["addresses", "origins", "upstreams"]))]
pub struct Endpoint {
    /// The addresses at which it is asked, at the outside port.
    pub addresses: Vec<Ip>,
    /// From where it asks upstreams, at the inside port: one address a family.
    pub origins: Vec<Origin>,
    /// Whom it asks, in turn; a query goes to one of its own family.
    pub upstreams: Vec<UpstreamServer>,
    /// How it finds out who of them is up.
    pub check: HealthCheck,
    /// Queries by UDP that may be under way, for each worker, fixed at start; above, the oldest is given up.
    pub flows: Int<1024, 16_777_216>,
    /// TCP connections, for each worker, fixed at start; above, what is nearest to its end is given up.
    pub connections: Int<64, 65_536>,
}

table!(
    fn overlay_keys of Endpoint { addresses, origins, upstreams, check, flows, connections }
    requires "addresses", "origins", "upstreams"
);

impl Scalar for Endpoint {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut endpoint = Self::default();
        reader.whole(|reader| endpoint.overlay_keys(node, reader))?;
        Some(endpoint)
    }
}

/// An address from which upstreams are asked.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Origin {
    /// The address, and how many of its bits are those of its link.
    pub address: Interface,
    /// The router to upstreams that are not on the link.
    #[schemars(with = "Ip")]
    pub gateway: Option<Ip>,
}

table!(fn overlay_keys of Origin { address, gateway } requires "address");

impl Scalar for Origin {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let mut origin = Self { address: Interface::UNREAD, gateway: None };
        reader.whole(|reader| origin.overlay_keys(node, reader))?;
        Some(origin)
    }
}

/// How the box finds out who is up: it asks. Any answer but SERVFAIL is a good one.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// The name that is asked for.
    pub name: Queried,
    /// The type that is asked for.
    pub record: RecordType,
    /// How often each of them is asked.
    pub interval: Duration<100, 600_000>,
    /// How long an answer may take; at most `interval`.
    pub timeout: Duration<10, 60_000>,
    /// After so many failures in a row who was up is down.
    pub failures: Int<1, 255>,
    /// After so many good answers in a row who was down is up.
    pub successes: Int<1, 255>,
}

table!(HealthCheck { name, record, interval, timeout, failures, successes });
