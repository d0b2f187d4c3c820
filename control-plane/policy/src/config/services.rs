//! `[services.NAME]`: what is protected, and how much hangs on it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Cidr, PortSpec, Share, Text};

/// A named set of protected addresses and ports. No address and port may belong to two services.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["prefixes"]))]
pub struct Service {
    /// Its addresses.
    pub prefixes: Vec<Cidr>,
    /// Its ports; empty = all.
    pub ports: Vec<PortSpec>,
    /// 0 (a static page) to 1 (the database everything hangs on).
    pub criticality: Share,
    /// Who answers for it.
    #[schemars(with = "Text")]
    pub owner: Option<Text>,
}

table!(Service { prefixes, ports, criticality, owner } requires "prefixes");
