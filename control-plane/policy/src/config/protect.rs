//! `[protect]`: what no treatment touches.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Cidr, Int, PortSpec};

/// What always passes, whatever else the config says.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields)]
pub struct Protect {
    /// Management prefixes: packets from and to them always pass.
    pub prefixes: Vec<Cidr>,
    /// Management ports. With `prefixes` only packets that fit both pass; without, these ports pass for everyone.
    pub ports: Vec<PortSpec>,
    /// BGP neighbours whose sessions always pass.
    pub bgp_neighbours: Vec<Cidr>,
    /// Packets per second and worker that ARP, ND, routing protocols and the like may use.
    pub control_packets_per_s: Int<100, 100_000_000>,
}

table!(Protect { prefixes, ports, bgp_neighbours, control_packets_per_s });
