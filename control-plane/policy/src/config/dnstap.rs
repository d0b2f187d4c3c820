//! `[dnstap]`: copies of DNS messages for whoever listens in.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Int, Text, keywords};

keywords! {
    /// What the DNS server behind the box is.
    DnstapRole {
        /// A resolver: CLIENT_QUERY, CLIENT_RESPONSE.
        Resolver = "resolver",
        /// An authoritative server: AUTH_QUERY, AUTH_RESPONSE.
        Authoritative = "authoritative",
    }
}

/// Where copies of queries and answers go, as dnstap over Frame Streams; neither `unix` nor `tcp` = nowhere.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Dnstap {
    /// A unix socket that a receiver listens at.
    #[schemars(with = "Text")]
    pub unix: Option<Text>,
    /// A receiver by TCP: host:port.
    #[schemars(with = "Text")]
    pub tcp: Option<Text>,
    /// One in so many transactions is copied, its query and its answer.
    pub one_in: Int<1, 1_000_000>,
    /// What the DNS server behind the box is.
    pub role: DnstapRole,
    /// What the box is called there; absent = `events.name`, else the name of the host.
    #[schemars(with = "Text")]
    pub identity: Option<Text>,
}

table!(Dnstap { unix, tcp, one_in, role, identity });
