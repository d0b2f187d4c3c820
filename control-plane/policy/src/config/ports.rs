//! `[ports.NAME]`: where packets come in and go out.

use schemars::JsonSchema;
use serde::Serialize;

use crate::read::table;
use crate::value::{Int, Text, keywords};

keywords! {
    /// What a port is for.
    PortRole {
        /// Towards what the box protects.
        Inside = "inside",
        /// Towards everybody else.
        Outside = "outside",
        /// Carries both; the `inside` prefixes tell them apart.
        Both = "both",
        /// Gets copies of packets, as `[mirror]` says; carries nothing else.
        Mirror = "mirror",
    }
}

keywords! {
    /// What a port does when its peer loses its link.
    LinkRule {
        /// Stays up.
        Ignore = "ignore",
        /// Goes down as well, so that the routers behind it notice, and up again with its peer.
        Follow = "follow",
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
    /// Which side of the wire the port is on, or that it is the mirror.
    pub role: PortRole,
    /// The port that packets are sent out of; absent = the only other one, or for a single `both` port itself.
    #[schemars(with = "Text")]
    pub peer: Option<Text>,
    /// Largest IP packet in bytes.
    pub mtu: Int<576, 9216>,
    /// Receive queues that RSS spreads over: 1, or one for each worker; 0 = one for each worker.
    pub rx_queues: Int<0, 64>,
    /// What the port does when its peer loses its link.
    pub link: LinkRule,
}

table!(Port { device, role, peer, mtu, rx_queues, link } requires "role");
