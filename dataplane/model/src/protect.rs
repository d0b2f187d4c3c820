//! What no policy may cut off: the operator's own way in, and the network's control traffic.

use crate::{Address, PrefixTable};

/// A protected service port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortRule {
    /// IP protocol number (6 = TCP, 17 = UDP).
    pub protocol: u8,
    /// Destination or source port.
    pub port: u16,
}

/// Compiled above everything, so that nobody can lock himself out (`[protect]`).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Protect {
    /// Management prefixes: packets from and to them always pass.
    pub prefixes: PrefixTable<()>,
    /// Management ports, at either end of a packet whose other end is in `prefixes` or anywhere
    /// when `prefixes` is empty.
    pub ports: Vec<PortRule>,
    /// BGP neighbours whose sessions always pass.
    pub bgp_neighbours: PrefixTable<()>,
}

impl Protect {
    /// Whether it names nobody and nothing.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty() && self.ports.is_empty()
    }

    /// Whether a packet between `src` and `dst` is management traffic.
    #[inline]
    pub fn covers(&self, src: Address, dst: Address, protocol: u8, sport: u16, dport: u16) -> bool {
        if self.is_empty() {
            return false;
        }
        let place =
            self.prefixes.is_empty() || self.prefixes.get(src).is_some() || self.prefixes.get(dst).is_some();
        let port = self.ports.is_empty()
            || self
                .ports
                .iter()
                .any(|rule| rule.protocol == protocol && (rule.port == sport || rule.port == dport));
        place && port
    }

    /// Whether a BGP packet belongs to a configured neighbour.
    pub fn is_neighbour(&self, src: Address, dst: Address) -> bool {
        self.bgp_neighbours.get(src).is_some() || self.bgp_neighbours.get(dst).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_and_port_both_have_to_fit() {
        let (admin, other, server) = (Address::v4(1), Address::v4(2), Address::v4(3));
        let prefixes = PrefixTable::new([("0.0.0.1/32".parse().unwrap(), ())]);
        let ssh = vec![PortRule { protocol: 6, port: 22 }];
        let both = Protect { prefixes: prefixes.clone(), ports: ssh.clone(), ..Protect::default() };
        assert!(both.covers(admin, server, 6, 40_000, 22));
        assert!(both.covers(server, admin, 6, 22, 40_000));
        assert!(!both.covers(other, server, 6, 40_000, 22));
        assert!(!both.covers(admin, server, 6, 40_000, 80));
        let place = Protect { prefixes, ..Protect::default() };
        assert!(place.covers(admin, server, 17, 1, 2));
        let ports = Protect { ports: ssh, ..Protect::default() };
        assert!(ports.covers(other, server, 6, 1, 22));
        assert!(!Protect::default().covers(admin, server, 6, 1, 22));
    }
}
