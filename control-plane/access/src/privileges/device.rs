//! Which capabilities a port needs after boot, by the kind of its device.
//!
//! | device | capabilities | for |
//! |---|---|---|
//! | a PCI address (vfio) | `CAP_IPC_LOCK` | memory that the card reaches counts as locked, also what DPDK adds later |
//! | `net_af_packet` | `CAP_NET_RAW`, `CAP_NET_ADMIN` | packet sockets; promiscuous mode, `link = "follow"` |
//! | `net_af_xdp` | those, `CAP_BPF`, `CAP_IPC_LOCK` | taking the program off at the end; memory of its sockets |
//! | `net_tap` | `CAP_NET_ADMIN` | the interface up and down |
//! | `net_pcap` with `iface=` | `CAP_NET_RAW` | packet sockets |
//! | anything else (`net_memif`, captures, `net_null`) | none | |
//!
//! Cards whose driver stays beside DPDK (mlx5) need `CAP_NET_RAW` too, and are not told apart from others by
//! their address: name them with [`Device::BesideKernel`]. Pinning a thread and its share of a core need none.

use super::Cap;

/// What kind a port is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Device {
    /// A card bound to vfio-pci.
    Vfio,
    /// A card whose kernel driver stays.
    BesideKernel,
    /// Packet sockets.
    AfPacket,
    /// AF_XDP sockets.
    AfXdp,
    /// A tap interface.
    Tap,
    /// libpcap on an interface.
    PcapInterface,
    /// Files, rings, shared memory.
    Software,
}

impl Device {
    /// The kind that DPDK's device arguments name: `net_af_packet0,iface=eth1`, `0000:01:00.0`.
    pub fn of(arguments: &str) -> Self {
        let (name, rest) = arguments.split_once(',').unwrap_or((arguments, ""));
        let driver = name.trim_end_matches(|c: char| c.is_ascii_digit());
        match driver {
            "net_af_packet" | "eth_af_packet" => Self::AfPacket,
            "net_af_xdp" => Self::AfXdp,
            "net_tap" | "net_tun" => Self::Tap,
            "net_pcap" if rest.split(',').any(|one| one.contains("iface=")) => Self::PcapInterface,
            _ if name.contains(':') => Self::Vfio,
            _ => Self::Software,
        }
    }

    /// What it needs after boot.
    pub fn needs(self) -> &'static [Cap] {
        match self {
            Self::Vfio => &[Cap::IpcLock],
            Self::BesideKernel => &[Cap::IpcLock, Cap::NetRaw],
            Self::AfPacket => &[Cap::NetAdmin, Cap::NetRaw],
            Self::AfXdp => &[Cap::IpcLock, Cap::NetAdmin, Cap::NetRaw, Cap::Bpf],
            Self::Tap => &[Cap::NetAdmin],
            Self::PcapInterface => &[Cap::NetRaw],
            Self::Software => &[],
        }
    }

    /// What all of them need together, each once.
    pub fn all_need(devices: impl IntoIterator<Item = Self>) -> Vec<Cap> {
        let mut caps: Vec<Cap> = devices.into_iter().flat_map(Self::needs).copied().collect();
        caps.sort();
        caps.dedup();
        caps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_their_arguments() {
        for (arguments, device) in [
            ("net_af_packet0,iface=eth1", Device::AfPacket),
            ("net_af_xdp12,iface=eth1", Device::AfXdp),
            ("net_tap0", Device::Tap),
            ("net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap", Device::Software),
            ("net_pcap0,iface=eth1", Device::PcapInterface),
            ("net_pcap0,rx_iface=eth1,tx_pcap=x", Device::PcapInterface),
            ("net_memif0", Device::Software),
            ("net_null0", Device::Software),
            ("0000:01:00.0", Device::Vfio),
            ("01:00.1,dv_flow_en=1", Device::Vfio),
            ("", Device::Software),
        ] {
            assert_eq!(Device::of(arguments), device, "{arguments}");
        }
        let ports = ["net_af_packet0,iface=a", "net_tap1", "01:00.0"].map(Device::of);
        assert_eq!(Device::all_need(ports), [Cap::IpcLock, Cap::NetAdmin, Cap::NetRaw]);
    }
}
