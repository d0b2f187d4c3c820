//! Flat tables of prefixes with longest-prefix-match look-up: lists, inside prefixes, destinations.
//!
//! Built by the control plane, which also takes it back; read by workers, for a million prefixes as well. A
//! worker that looks up a whole batch hides the latency of memory step by step, each for every address: `fetch_slot`,
//! `locate` and `fetch`, then `at`. `get` is all at once.
//!
//! What always holds: tables of the same entries in the same order are equal, and nothing changes once built.

use repute_memory::prefetch;

use super::flatten::flatten;
use super::lines::{Lines, LinesBuilder};
use super::runs::{Run, Runs, RunsBuilder};
use super::{Address, Prefix};

/// Where IPv4 lives in the 128-bit space.
const V4: Prefix = Prefix::containing(Address::v4(0), 96);
/// From so many IPv4 prefixes on they get a direct table of their own: below, it would be larger than they.
const V4_OWN_FROM: usize = 4096;
/// Its slots: at least what leaves 16 bits to compare. About four ranges a slot make most runs one cache line.
const V4_SLOTS: std::ops::RangeInclusive<usize> = 1 << 16..=1 << 20;
/// From so many on they take a line a slot in place of a few bytes: below, smaller tables are nearer.
const V4_LINES_FROM: usize = 1 << 18;
/// Slots of the table of everything else at most.
const SLOTS_MAX: usize = 1 << 20;
/// Up to so many ranges one slot does.
const ONE_SLOT: usize = 4;

/// An immutable map from prefixes to values; the longest match answers.
///
/// Nested prefixes are flattened when it is built into disjoint ranges, found through a direct table over their
/// leading bits (DXR). Up to a quarter of a million IPv4 /32 with values of two bytes occupy 8 bytes each and a table of
/// some 4 bytes for each two of them; more of them, with up to 255 different values, 11 to 40 bytes each, of which a look-up
/// mostly reads one cache line; a few prefixes little more than themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixTable<V: Copy> {
    /// Very many IPv4 prefixes of few values; else empty.
    lines: Lines<V>,
    /// Many IPv4 prefixes; empty where there are few, or `lines` has them.
    v4: Runs<u16, V>,
    /// All others.
    wide: Runs<u128, V>,
}

/// Where in a table the answer for one address is, found by [`PrefixTable::locate`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Located(Spot);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Spot {
    Nowhere,
    Line(u32),
    V4(Run),
    Wide(Run),
}

impl Located {
    /// Where nothing is listed.
    pub const NOWHERE: Self = Self(Spot::Nowhere);
}

impl<V: Copy> Default for PrefixTable<V> {
    fn default() -> Self {
        Self { lines: Lines::default(), v4: Runs::default(), wide: Runs::default() }
    }
}

impl<V: Copy + PartialEq> PrefixTable<V> {
    /// Builds the table; of two equal prefixes the later one counts.
    pub fn new(entries: impl IntoIterator<Item = (Prefix, V)>) -> Self {
        let (mut v4, mut wide) = (Vec::new(), Vec::new());
        for (prefix, value) in entries {
            if prefix.first.is_v4() && prefix.len >= V4.len {
                v4.push((packed(prefix), value));
            } else {
                wide.push((prefix, value));
            }
        }
        if v4.len() < V4_OWN_FROM {
            wide.extend(v4.drain(..).map(|(key, value)| (unpacked(key), value)));
        }
        let wide = everything(wide);
        // What contains all of IPv4 is the same for every address in it.
        let around = wide.at(wide.locate(V4.first.0), V4.first.0);
        // Stable: later duplicates stay last.
        v4.sort_by_key(|&(key, _)| key);
        let (lines, v4) = match values(&v4, around) {
            Some(values) => (own_lines(v4, around, values), Runs::default()),
            None => (Lines::default(), own_v4(v4, around)),
        };
        Self { lines, v4, wide }
    }

    /// The value of the longest prefix that contains `address`.
    #[inline]
    pub fn get(&self, address: Address) -> Option<V> {
        self.at(self.locate(address), address)
    }

    /// Before the first step: asks the CPU for what [`locate`](Self::locate) will read.
    #[inline(always)]
    pub fn fetch_slot(&self, address: Address) {
        if address.is_v4() && !self.lines.is_empty() {
            self.lines.fetch_slot(address.0 as u32);
        } else {
            self.fetch_runs(address);
        }
    }

    #[inline]
    fn fetch_runs(&self, address: Address) {
        let v4 = address.is_v4() && !self.v4.is_empty();
        let slot = if v4 { self.v4.slot(address.0) } else { self.wide.slot(address.0) };
        slot.into_iter().for_each(prefetch);
    }

    /// First step of a look-up: where the answer for `address` is. Reads the direct table only.
    #[inline(always)]
    pub fn locate(&self, address: Address) -> Located {
        if address.is_v4() && !self.lines.is_empty() {
            Located(self.lines.locate(address.0 as u32).map_or(Spot::Nowhere, Spot::Line))
        } else {
            self.locate_run(address)
        }
    }

    #[inline]
    fn locate_run(&self, address: Address) -> Located {
        let v4 = address.is_v4() && !self.v4.is_empty();
        let at = address.0;
        Located(if v4 { Spot::V4(self.v4.locate(at)) } else { Spot::Wide(self.wide.locate(at)) })
    }

    /// Between the two: asks the CPU for what [`at`](Self::at) will read first.
    #[inline(always)]
    pub fn fetch(&self, located: Located) {
        match located.0 {
            Spot::Nowhere => {}
            Spot::Line(line) => self.lines.fetch(line),
            Spot::V4(run) => self.v4.fetch(run),
            Spot::Wide(run) => self.wide.fetch(run),
        }
    }

    /// Second step: the value of the longest prefix that contains `address`, which this table has located.
    #[inline(always)]
    pub fn at(&self, located: Located, address: Address) -> Option<V> {
        match located.0 {
            Spot::Nowhere => None,
            Spot::Line(line) => self.lines.at(line, address.0 as u32),
            Spot::V4(run) => self.v4.at(run, address.0),
            Spot::Wide(run) => self.wide.at(run, address.0),
        }
    }

    /// All ranges of one value in ascending order: where each begins, and its value. Each lasts until the next one
    /// begins; below the first nothing is listed.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (u128, Option<V>)> {
        let own = !self.v4.is_empty() || !self.lines.is_empty();
        let (first, last) = (V4.first.0, V4.last().0);
        let beyond = (last + 1, self.wide.at(self.wide.locate(last + 1), last + 1));
        let lines = self.lines.ranges().map(|(start, value)| (Address::v4(start).0, value));
        let here = lines.chain(self.v4.ranges()).take_while(move |(start, _)| *start <= last);
        let here = own.then_some((first, None)).into_iter().chain(here).chain(own.then_some(beyond));
        let below = self.wide.ranges().take_while(move |(start, _)| !own || *start < first);
        let above = self.wide.ranges().filter(move |(start, _)| own && *start > last + 1);
        below.chain(here).chain(above)
    }

    /// Whether no prefix is listed.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.v4.is_empty() && self.wide.is_empty()
    }

    /// What the table occupies beside itself, in bytes. For IPv4 /32 at most 12 each and a direct table (4 bytes a slot,
    /// half as many slots as prefixes, 2^16 to 2^20); for 2^18 of them and more with few values at most 40 each: a line of
    /// 64 for each three to six of them, and for each slot with more than seven two lines or one for each seven.
    pub fn bytes(&self) -> usize {
        self.lines.bytes() + self.v4.bytes() + self.wide.bytes()
    }
}

/// An IPv4 prefix as a number that sorts by first address and then by length.
fn packed(prefix: Prefix) -> u64 {
    u64::from(prefix.first.0 as u32) << 8 | u64::from(prefix.len)
}

fn unpacked(key: u64) -> Prefix {
    Prefix { first: Address::v4((key >> 8) as u32), len: key as u8 }
}

/// The different values of very many IPv4 prefixes and of what is `around` them; `None` = they are not so many, or these
/// are too many.
fn values<V: Copy + PartialEq>(entries: &[(u64, V)], around: Option<V>) -> Option<Vec<Option<V>>> {
    if entries.len() < V4_LINES_FROM {
        return None;
    }
    let mut values = vec![None];
    for value in entries.iter().map(|&(_, value)| Some(value)).chain([around]) {
        if !values.contains(&value) {
            values.push(value);
        }
        if values.len() > Lines::<V>::VALUES {
            return None;
        }
    }
    Some(values)
}

/// The part of the space that sorted IPv4 prefixes have to be looked up in: first address, last address.
/// Lists are seldom spread over all of it; but where `around` counts it is all of it. A slot begins where its sixteen-bit
/// keys do.
fn span<V>(entries: &[(u64, V)], around: Option<V>) -> (u128, u128) {
    match (around, entries.first()) {
        (None, Some(&(first, _))) => {
            let last = entries.iter().map(|&(key, _)| unpacked(key).last().0).fold(V4.first.0, u128::max);
            (unpacked(first).first.0 & !0xffff, last)
        }
        _ => (V4.first.0, V4.last().0),
    }
}

/// The lines of very many sorted IPv4 prefixes, in whose gaps `around` counts.
fn own_lines<V: Copy + PartialEq>(
    entries: Vec<(u64, V)>,
    around: Option<V>,
    values: Vec<Option<V>>,
) -> Lines<V> {
    let (base, last) = span(&entries, around);
    let mut lines = LinesBuilder::spanning(base as u32, last as u32, 2 * entries.len(), values);
    let sorted = entries.into_iter().map(|(key, value)| (unpacked(key), value));
    flatten(base, around, sorted, |start, value| {
        // The last prefix may end with the space.
        if start <= last {
            lines.push(start as u32, value);
        }
    });
    lines.finish()
}

/// The table of many sorted IPv4 prefixes, in whose gaps `around` counts.
fn own_v4<V: Copy + PartialEq>(entries: Vec<(u64, V)>, around: Option<V>) -> Runs<u16, V> {
    if entries.is_empty() {
        return Runs::default();
    }
    let slots = (entries.len() / 2).next_power_of_two().clamp(*V4_SLOTS.start(), *V4_SLOTS.end());
    let (base, last) = span(&entries, around);
    let mut runs = RunsBuilder::spanning(base, last, slots, 2 * entries.len() + 1);
    let sorted = entries.into_iter().map(|(key, value)| (unpacked(key), value));
    flatten(base, around, sorted, |start, value| runs.push(start, value));
    if around.is_some() {
        // Slots reach as far as addresses do: a short key beyond the last one would be taken for another address.
        runs.push(V4.last().0 + 1, None);
    }
    runs.finish()
}

/// The table of everything else.
fn everything<V: Copy + PartialEq>(mut entries: Vec<(Prefix, V)>) -> Runs<u128, V> {
    entries.sort_by_key(|(prefix, _)| (prefix.first, prefix.len));
    let Some((outermost, _)) = entries.first() else { return Runs::default() };
    let base = outermost.first.0;
    let last = entries.iter().map(|(prefix, _)| prefix.last().0).fold(base, u128::max);
    let ranges = 2 * entries.len();
    let slots = if ranges <= ONE_SLOT { 1 } else { entries.len().next_power_of_two().min(SLOTS_MAX) };
    let mut runs = RunsBuilder::spanning(base, last, slots, ranges);
    flatten(base, None, entries, |start, value| runs.push(start, value));
    runs.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Address {
        text.parse::<std::net::IpAddr>().unwrap().into()
    }

    #[test]
    fn longest_prefix_answers() {
        let table = PrefixTable::new([
            (prefix("10.0.0.0/8"), 1),
            (prefix("10.1.0.0/16"), 2),
            (prefix("10.1.2.0/24"), 3),
            (prefix("::/0"), 9),
            (prefix("10.255.255.255/32"), 4),
        ]);
        for (address, value) in [
            ("10.0.0.1", Some(1)),
            ("10.1.0.1", Some(2)),
            ("10.1.2.255", Some(3)),
            ("10.1.3.0", Some(2)),
            ("10.2.0.0", Some(1)),
            ("10.255.255.255", Some(4)),
            ("11.0.0.0", Some(9)),
            ("2001:db8::", Some(9)),
        ] {
            assert_eq!(table.get(at(address)), value, "{address}");
        }
    }

    #[test]
    fn later_duplicates_count_and_gaps_are_gaps() {
        let table = PrefixTable::new([(prefix("192.0.2.0/24"), 1), (prefix("192.0.2.0/24"), 2)]);
        assert_eq!(table.get(at("192.0.2.9")), Some(2));
        assert_eq!(table.get(at("192.0.3.0")), None);
        assert_eq!(table.get(at("192.0.1.255")), None);
        let whole = PrefixTable::new([(prefix("ff00::/8"), 7)]);
        assert_eq!(whole.get(at("ffff::1")), Some(7));
        assert_eq!(PrefixTable::<u8>::default().get(at("::1")), None);
    }

    #[test]
    fn few_prefixes_occupy_little() {
        let hosts = |n: u32| (0..n).map(|host| (Prefix::containing(Address::v4(host << 8), 128), ()));
        assert_eq!(PrefixTable::new(hosts(0)).bytes(), 0);
        for n in [1, 10, 1000] {
            let bytes = PrefixTable::new(hosts(n)).bytes();
            assert!(bytes <= 80 * n as usize + 160, "{n} prefixes: {bytes} bytes");
        }
    }

    #[test]
    fn a_million_hosts_occupy_little_each() {
        // An odd factor makes a permutation: no two hosts are the same, hardly any are neighbours.
        let host = |i: u32| Prefix::containing(Address::v4(i.wrapping_mul(0x9e37_79b1)), 128);
        let crowd = |i: u32| {
            Prefix::containing(Address::v4((i / 10).wrapping_mul(0x9e37_79b1).wrapping_add(i % 10 * 3)), 128)
        };
        let hosts: [fn(u32) -> Prefix; 2] = [host, crowd];
        for (different, bytes) in [(1, 40_000_000), (1000, 13_000_000 + (2 << 20))] {
            for host in hosts {
                let value = |i: u32| (i % different) as u16;
                let table = PrefixTable::new((0..1_000_000).map(|i| (host(i), value(i))));
                assert!(table.bytes() <= bytes, "{different} values: {} bytes", table.bytes());
                assert_eq!(table.get(host(7).first()), Some(value(7)));
                assert_eq!(table.get(host(1_000_001).first()), None);
            }
        }
    }
}
