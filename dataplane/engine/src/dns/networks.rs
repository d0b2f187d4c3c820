//! Networks of requesters: what is odd about many neighbours though about none of them alone.
//!
//! Told of every query and every outcome. A network is a /24 or, of IPv6, a /48. Always holds: counts fade by number, and a
//! row that rested for long begins anew; a full set gives up the row that rested longest; nothing is said of a network of
//! which few requesters were seen, so that one bad host is not held against its neighbours.

use repute_memory::Table;
use repute_model::{Address, Tick};

/// Networks that are counted at once.
const NETWORKS: usize = 4096;
const WAYS: usize = 4;
/// Nothing is said of a network of which fewer requesters were seen.
const REQUESTERS_MIN: u32 = 4;
/// Shares say nothing until there are more queries than so many: as if so many had been beyond reproach.
const DOUBT: u32 = 64;
/// All counts of a network are halved when so many queries were counted.
const FULL: u16 = 4096;
/// A network that asked nothing for so many seconds (of 1024 ms) begins anew.
const REST_S: u16 = 300;

/// One network.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Row {
    /// Requesters seen, a bit each by hash.
    requesters: u64,
    /// Which network; 0 = free.
    tag: u32,
    asked: u16,
    random: u16,
    answered: u16,
    nxdomain: u16,
    /// The second in which it asked last, modulo 2^16.
    second: u16,
}

const FREE: Row = Row { requesters: 0, tag: 0, asked: 0, random: 0, answered: 0, nxdomain: 0, second: 0 };

/// A query that was answered at once.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// The name looks made up.
    pub is_random: bool,
    /// There is none like it.
    pub is_nxdomain: bool,
}

/// What is known of networks.
#[derive(Debug)]
pub struct Networks {
    sets: Table<[Row; WAYS]>,
}

impl Networks {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self { sets: Table::new(NETWORKS / WAYS, [FREE; WAYS]) }
    }

    /// Takes note of a query of the requester with this fingerprint, which stands for `times`, in the network of `key`. How
    /// odd the queries of that network are: 0..=255.
    pub fn asks(&mut self, key: u64, fingerprint: u64, is_random: bool, times: u16, now: Tick) -> u8 {
        self.row(key, now).asks(fingerprint, is_random, times)
    }

    /// Takes note of what became of a query, which stands for `times`.
    pub fn learns(&mut self, key: u64, is_nxdomain: bool, times: u16, now: Tick) {
        self.row(key, now).learns(is_nxdomain, times);
    }

    /// Takes note of a query that was answered at once: [`learns`](Self::learns), then [`asks`](Self::asks).
    #[inline]
    pub fn is_served(&mut self, key: u64, fingerprint: u64, says: Served, times: u16, now: Tick) -> u8 {
        let row = self.row(key, now);
        row.learns(says.is_nxdomain, times);
        row.asks(fingerprint, says.is_random, times)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.sets.bytes()
    }

    #[inline]
    fn row(&mut self, key: u64, now: Tick) -> &mut Row {
        let (tag, second) = ((key >> 32) as u32 | 1, (now.0 >> 10) as u16);
        let rows = &mut self.sets[set(key)];
        let rest = |row: &Row| if row.tag == 0 { u16::MAX } else { second.wrapping_sub(row.second) };
        let known = rows.iter().position(|row| row.tag == tag && rest(row) <= REST_S);
        let at = known.or_else(|| (0..WAYS).max_by_key(|&way| rest(&rows[way]))).unwrap_or(0);
        if known.is_none() {
            rows[at] = Row { tag, ..FREE };
        }
        rows[at].second = second;
        &mut rows[at]
    }
}

const fn set(key: u64) -> usize {
    key as usize % (NETWORKS / WAYS)
}

impl Row {
    #[inline]
    fn asks(&mut self, fingerprint: u64, is_random: bool, times: u16) -> u8 {
        self.requesters |= 1 << ((fingerprint >> 7) % 64);
        self.asked += times;
        self.random += if is_random { times } else { 0 };
        if self.asked >= FULL {
            self.halve();
        }
        self.oddity()
    }

    #[inline]
    fn learns(&mut self, is_nxdomain: bool, times: u16) {
        self.answered += times;
        self.nxdomain += if is_nxdomain { times } else { 0 };
        if self.answered >= FULL {
            self.halve();
        }
    }

    fn halve(&mut self) {
        for count in [&mut self.asked, &mut self.random, &mut self.answered, &mut self.nxdomain] {
            *count /= 2;
        }
    }

    /// The worse of the share of random names and of names that do not exist.
    fn oddity(&self) -> u8 {
        if self.random | self.nxdomain == 0 || self.requesters.count_ones() < REQUESTERS_MIN {
            return 0;
        }
        let share = |part: u16, whole: u16| 255 * u32::from(part) / (u32::from(whole) + DOUBT);
        share(self.random, self.asked).max(share(self.nxdomain, self.answered)).min(255) as u8
    }
}

/// The network of an address: its first address.
pub fn network(address: Address) -> Address {
    let host = if address.is_v4() { 8 } else { 80 };
    Address(address.0 >> host << host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(networks: &mut Networks, hosts: u64, random: impl Fn(u64) -> bool) -> u8 {
        let ask = |n| networks.asks(9 << 40, (n % hosts) << 7, random(n), 1, Tick(n));
        (0..1000).map(ask).last().unwrap()
    }

    #[test]
    fn many_neighbours_show_what_none_does_alone() {
        assert!(asked(&mut Networks::new(), 100, |_| true) > 230);
        assert_eq!(asked(&mut Networks::new(), 3, |_| true), 0, "three hosts are no network");
        let half = asked(&mut Networks::new(), 100, |n| n % 2 == 0);
        assert!((110..128).contains(&half), "{half}");
    }

    #[test]
    fn failures_count_as_well_and_rest_makes_good() {
        let mut networks = Networks::new();
        assert_eq!(asked(&mut networks, 100, |_| false), 0);
        (0..1000).for_each(|n| networks.learns(9 << 40, true, 1, Tick(n)));
        assert!(networks.asks(9 << 40, 1, false, 1, Tick(1_000)) > 230);
        assert_eq!(networks.asks(9 << 40, 1, false, 1, Tick(400_000)), 0);
    }

    #[test]
    fn networks_are_of_24_and_48_bits() {
        let of = |text: &str| network(text.parse::<std::net::IpAddr>().unwrap().into()).to_string();
        assert_eq!(of("198.51.100.77"), "198.51.100.0");
        assert_eq!(of("2001:db8:1:2::3"), "2001:db8:1::");
    }
}
