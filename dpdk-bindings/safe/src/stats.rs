//! A port's own counters.
//!
//! Called by the control plane, which compares them with the workers' counters: packets are conserved.

use dpdk_sys::rte_eth_stats;

/// Counters since the port was attached (`rte_eth_stats_get`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Packets received.
    pub ipackets: u64,
    /// Packets sent.
    pub opackets: u64,
    /// Bytes received.
    pub ibytes: u64,
    /// Bytes sent.
    pub obytes: u64,
    /// Packets that the port dropped because the receive queues were full.
    pub imissed: u64,
    /// Packets received with errors.
    pub ierrors: u64,
    /// Packets that could not be sent.
    pub oerrors: u64,
    /// Packets lost because the pool was empty.
    pub rx_nombuf: u64,
}

impl From<rte_eth_stats> for PortStats {
    fn from(raw: rte_eth_stats) -> Self {
        Self {
            ipackets: raw.ipackets,
            opackets: raw.opackets,
            ibytes: raw.ibytes,
            obytes: raw.obytes,
            imissed: raw.imissed,
            ierrors: raw.ierrors,
            oerrors: raw.oerrors,
            rx_nombuf: raw.rx_nombuf,
        }
    }
}
