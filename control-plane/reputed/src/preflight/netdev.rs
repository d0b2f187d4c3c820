//! A network interface of the kernel, as its files show it.
//!
//! Called by the checks of virtual ports that use one, and of cards that the kernel still has.

use serde_json::Value;

use super::machine::Machine;

const UP: u64 = 0x1;
const PROMISCUOUS: u64 = 0x100;
/// `ARPHRD_ETHER`.
const ETHERNET: u32 = 1;

/// What the kernel says about an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Netdev {
    /// Its name.
    pub name: String,
    /// Whether frames on it are Ethernet frames.
    pub is_ethernet: bool,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether something is on its other end; unknown while it is down.
    pub has_carrier: Option<bool>,
    /// Whether it takes frames for anybody.
    pub is_promiscuous: bool,
    /// Largest IP packet in bytes.
    pub mtu: Option<u16>,
    /// Receive queues.
    pub rx_queues: usize,
    /// The bridge or bond that it is part of.
    pub master: Option<String>,
    /// What the kernel itself uses it for.
    pub uses: Uses,
}

/// What the kernel uses an interface for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Uses {
    /// The default route.
    pub default_route: bool,
    /// Other routes, which stand for addresses.
    pub routes: bool,
    /// IPv6 addresses beside the link-local one.
    pub ipv6: bool,
    /// A link-local IPv6 address: the kernel speaks on it without being asked.
    pub link_local: bool,
}

impl Netdev {
    /// An interface of this network namespace; none where there is none of that name.
    pub fn read(machine: &Machine, name: &str) -> Option<Self> {
        let folder = format!("sys/class/net/{name}");
        if name.contains('/') || !machine.has(&folder) {
            return None;
        }
        let flags = machine.hex(&format!("{folder}/flags")).unwrap_or(0);
        let queues = machine.names(&format!("{folder}/queues"));
        Some(Self {
            name: name.to_owned(),
            is_ethernet: machine.number(&format!("{folder}/type")).is_none_or(|kind: u32| kind == ETHERNET),
            is_up: flags & UP != 0,
            has_carrier: machine.number(&format!("{folder}/carrier")).map(|carrier: u8| carrier == 1),
            is_promiscuous: flags & PROMISCUOUS != 0,
            mtu: machine.number(&format!("{folder}/mtu")),
            rx_queues: queues.iter().filter(|queue| queue.starts_with("rx-")).count(),
            master: machine.link(&format!("{folder}/master")),
            uses: Uses::read(machine, name),
        })
    }
}

/// What `ip` knows beyond files: kind, peer, XDP program; none where it is not installed.
pub fn details(machine: &Machine, name: &str) -> Option<Value> {
    let link = machine.ask("ip", &["-json", "-details", "link", "show", "dev", name])?;
    serde_json::from_str::<Value>(&link).ok()?.get(0).cloned()
}

impl Uses {
    fn read(machine: &Machine, name: &str) -> Self {
        let mut uses = Self::default();
        // Interface, destination, gateway, …
        for line in machine.text("proc/net/route").unwrap_or_default().lines() {
            let mut fields = line.split_whitespace();
            if fields.next() == Some(name) {
                let is_default = fields.next() == Some("00000000");
                uses.default_route |= is_default;
                uses.routes |= !is_default;
            }
        }
        // Address, interface number, prefix length, scope, flags, interface.
        for line in machine.text("proc/net/if_inet6").unwrap_or_default().lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if let [address, _, _, _, _, interface] = fields[..]
                && interface == name
            {
                let is_local = address.starts_with("fe80");
                uses.link_local |= is_local;
                uses.ipv6 |= !is_local;
            }
        }
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::Fake;

    #[test]
    fn an_interface_with_addresses() {
        let fake = Fake::new();
        fake.file("sys/class/net/e0/flags", "0x1103").file("sys/class/net/e0/mtu", "9000");
        fake.file("sys/class/net/e0/type", "1").file("sys/class/net/e0/carrier", "1");
        fake.file("sys/class/net/e0/queues/rx-0/x", "").file("sys/class/net/e0/queues/rx-1/x", "");
        fake.file("proc/net/route", "Iface\tDestination\ne0\t000200C0\ne1\t00000000");
        fake.file("proc/net/if_inet6", "fe800000000000000000000000000001 04 40 20 80 e0");
        let netdev = Netdev::read(&fake.machine(), "e0").unwrap();
        assert!(netdev.is_up && netdev.is_promiscuous && netdev.is_ethernet);
        assert_eq!((netdev.mtu, netdev.rx_queues, netdev.has_carrier), (Some(9000), 2, Some(true)));
        let uses = Uses { routes: true, link_local: true, ..Uses::default() };
        assert_eq!(netdev.uses, uses);
        assert_eq!(Netdev::read(&fake.machine(), "e1"), None);
        assert_eq!(Netdev::read(&fake.machine(), "../net/e0"), None);
    }
}
