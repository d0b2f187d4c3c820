//! Who exists: the protected network, and pools of outside addresses that never overlap.
//!
//! Protected: 203.0.113.0/24 and 2001:db8:1::/64, the same last number in both. Outside: addresses that look
//! public, scattered by a keyed bijection over sixteen /8 blocks (or 2a00::/12), so that wanted and unwanted
//! sources live side by side and cannot be told apart by prefix. What always holds: two pools of one [`World`]
//! share no address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    event::Side,
    net::{Host, protocol},
    rng::{Rng, mix},
};

/// Hosts of the protected network, by the last number of their address.
pub mod inside {
    /// Web servers, TCP 80 and 443.
    pub const WEB: [u8; 3] = [10, 11, 12];
    /// HTTP/3 server, UDP and TCP 443.
    pub const QUIC: u8 = 20;
    /// SSH, TCP 22.
    pub const SSH: u8 = 22;
    /// SMTP, TCP 25 and 587.
    pub const SMTP: u8 = 25;
    /// DNS, UDP and TCP 53.
    pub const DNS: u8 = 53;
    /// NTP, UDP 123.
    pub const NTP: u8 = 123;
    /// Workstations: first and last.
    pub const DESKS: [u8; 2] = [140, 179];
}

/// How a protected host meets a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// A service answers.
    Open,
    /// The host refuses: RST or port unreachable.
    Closed,
    /// Silence: a firewall in front, or nobody there.
    Silent,
}

/// Ports that the host firewalls of the protected network drop without a word.
const FILTERED: [u16; 7] = [23, 135, 137, 139, 445, 3389, 5900];

/// The protected address with this last number.
pub fn protected(number: u8, v6: bool) -> IpAddr {
    if v6 {
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, u16::from(number)))
    } else {
        IpAddr::V4(Ipv4Addr::new(203, 0, 113, number))
    }
}

/// A protected machine, one router away from the wire.
pub fn protected_host(number: u8, v6: bool, id: u16) -> Host {
    Host { address: protected(number, v6), side: Side::Inside, ttl: 63, id }
}

/// The last number when the address lies in the protected network.
pub fn number_of(address: IpAddr) -> Option<u8> {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, number] = v4.octets();
            ([a, b, c] == [203, 0, 113]).then_some(number)
        }
        IpAddr::V6(v6) => {
            let words = v6.segments();
            u8::try_from(words[7]).ok().filter(|_| words[..7] == [0x2001, 0xdb8, 1, 0, 0, 0, 0])
        }
    }
}

/// Whether a machine has this number.
pub fn exists(number: u8) -> bool {
    let [first, last] = inside::DESKS;
    !services(number).is_empty() || (first..=last).contains(&number)
}

/// How the machine with this number meets a probe; ICMP counts the port as 0.
pub fn reaction(number: u8, protocol: u8, port: u16) -> Reaction {
    if !exists(number) {
        return Reaction::Silent;
    }
    if matches!(protocol, protocol::ICMP | protocol::ICMPV6) || services(number).contains(&(protocol, port)) {
        return Reaction::Open;
    }
    // Every second workstation has its own firewall.
    let desk = services(number).is_empty();
    let firewalled = if desk { number.is_multiple_of(2) } else { FILTERED.contains(&port) };
    if firewalled { Reaction::Silent } else { Reaction::Closed }
}

fn services(number: u8) -> &'static [(u8, u16)] {
    use protocol::{TCP, UDP};
    match number {
        10..=12 => &[(TCP, 80), (TCP, 443)],
        inside::QUIC => &[(TCP, 443), (UDP, 443)],
        inside::SSH => &[(TCP, 22)],
        inside::SMTP => &[(TCP, 25), (TCP, 587)],
        inside::DNS => &[(TCP, 53), (UDP, 53)],
        inside::NTP => &[(UDP, 123)],
        _ => &[],
    }
}

/// Hands out disjoint pools of outside addresses for one seed.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    taken: u32,
}

/// Outside addresses there are: 16 blocks of 2²⁴.
pub const OUTSIDE_MAX: u32 = 1 << 28;
const BLOCKS: [u8; 16] = [5, 23, 31, 45, 46, 62, 66, 73, 77, 81, 88, 91, 109, 151, 176, 188];

impl World {
    /// The world of this seed, nothing handed out yet.
    pub fn new(seed: u64) -> Self {
        Self { seed: mix(seed ^ 0x0077_6f72_6c64), taken: 0 }
    }

    /// So many addresses for one component. Plans are checked against [`OUTSIDE_MAX`] before they run.
    pub fn pool(&mut self, len: u32) -> Pool {
        let first = self.taken;
        self.taken = self.taken.saturating_add(len);
        Pool { seed: self.seed, first, len }
    }
}

/// Outside addresses of one component, by index `0..len`.
#[derive(Clone, Debug)]
pub struct Pool {
    seed: u64,
    first: u32,
    len: u32,
}

impl Pool {
    /// How many addresses it has.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The IPv4 or IPv6 address of an index below `len`.
    pub fn address(&self, index: u32, v6: bool) -> IpAddr {
        let place = scatter(self.seed, self.first.wrapping_add(index));
        if v6 { place_v6(self.seed, place) } else { place_v4(place) }
    }

    /// The machine at this index; one in five speaks IPv6. Its TTL says how far away it is and what it runs.
    pub fn host(&self, index: u32, rng: &mut Rng) -> Host {
        let v6 = rng.chance(0.2);
        self.host_of(index, v6, rng)
    }

    /// The machine at this index in the named family.
    pub fn host_of(&self, index: u32, v6: bool, rng: &mut Rng) -> Host {
        let start = rng.pick(&[64u8, 64, 128, 255]);
        let hops = rng.between(5, 22) as u8;
        Host { address: self.address(index, v6), side: Side::Outside, ttl: start - hops, id: rng.half() }
    }
}

/// A bijection of 28 bits: a Feistel network of four rounds over two halves of 14.
fn scatter(seed: u64, index: u32) -> u32 {
    const HALF: u32 = (1 << 14) - 1;
    let (mut left, mut right) = ((index >> 14) & HALF, index & HALF);
    for round in 0..4 {
        let mask = mix(seed ^ u64::from(right) ^ (round << 32)) as u32 & HALF;
        (left, right) = (right, left ^ mask);
    }
    (left << 14) | right
}

fn place_v4(place: u32) -> IpAddr {
    let [_, b, c, d] = (place & 0xff_ffff).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(BLOCKS[(place >> 24) as usize], b, c, d))
}

fn place_v6(seed: u64, place: u32) -> IpAddr {
    let interface = mix(seed ^ u64::from(place) ^ 0x6965_7469) | 0x0200_0000_0000_0000;
    let network = 0x2a00_0000_0000_0000 | (u64::from(place) << 24);
    IpAddr::V6(Ipv6Addr::from((u128::from(network) << 64) | u128::from(interface)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pools_never_share_an_address() {
        let mut world = World::new(3);
        let pools = [world.pool(20_000), world.pool(20_000)];
        for v6 in [false, true] {
            let all: BTreeSet<IpAddr> =
                pools.iter().flat_map(|pool| (0..pool.len()).map(move |i| pool.address(i, v6))).collect();
            assert_eq!(all.len(), 40_000);
            assert!(all.iter().all(|&address| number_of(address).is_none()));
        }
    }

    #[test]
    fn the_protected_network_reacts_as_documented() {
        assert_eq!(reaction(10, protocol::TCP, 443), Reaction::Open);
        assert_eq!(reaction(10, protocol::UDP, 443), Reaction::Closed);
        assert_eq!(reaction(10, protocol::TCP, 445), Reaction::Silent);
        assert_eq!(reaction(140, protocol::TCP, 80), Reaction::Silent);
        assert_eq!(reaction(141, protocol::TCP, 80), Reaction::Closed);
        assert_eq!(reaction(141, protocol::ICMP, 0), Reaction::Open);
        assert_eq!(reaction(200, protocol::ICMP, 0), Reaction::Silent);
    }

    #[test]
    fn numbers_are_found_in_both_families() {
        for v6 in [false, true] {
            assert_eq!(number_of(protected(77, v6)), Some(77));
        }
        assert_eq!(number_of(IpAddr::V4(Ipv4Addr::new(203, 0, 114, 77))), None);
    }
}
