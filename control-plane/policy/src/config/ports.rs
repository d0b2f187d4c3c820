//! `[ports.NAME]`: where packets come in and go out.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Int, Text, keywords};

keywords! {
    /// Which side of the wire a port is on.
    Role {
        /// Towards what the box protects.
        Inside = "inside",
        /// Towards everybody else.
        Outside = "outside",
        /// Carries both; the `inside` prefixes tell them apart.
        Both = "both",
    }
}

/// One network port.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(default, deny_unknown_fields, extend("required" = ["role"]))]
pub struct Port {
    /// DPDK device arguments, such as `0000:01:00.0` or `net_af_packet0,iface=eth0`; may be given at
    /// start instead (`--port NAME=DEVICE`).
    #[schemars(with = "Text")]
    pub device: Option<Text>,
    /// Which side of the wire the port is on.
    pub role: Role,
    /// The port that packets are sent out of; absent = the only other port, or for a single `both` port itself.
    #[schemars(with = "Text")]
    pub peer: Option<Text>,
    /// Largest IP packet in bytes.
    pub mtu: Int<576, 9216>,
    /// Receive queues that RSS spreads over.
    pub rx_queues: Int<1, 64>,
}

table!(Port { device, role, peer, mtu, rx_queues } requires "role");
