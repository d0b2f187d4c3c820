//! Two tables made into one, address by address.
//!
//! Called by the control plane where lists of the config and lists of feeds meet, never by a worker. **Always holds:**
//! the new table answers for every address what the rule makes of the two answers of the old ones.

use super::{Address, Prefix, PrefixTable};

impl<V: Copy + PartialEq> PrefixTable<V> {
    /// The table that answers `rule(ours, theirs)` for every address. `rule(None, None)` has to be `None`.
    ///
    /// Takes time and memory in proportion to both tables.
    pub fn combined(&self, other: &Self, rule: impl Fn(Option<V>, Option<V>) -> Option<V>) -> Self {
        let mut ranges = Vec::new();
        let (mut ours, mut theirs) = (self.ranges().peekable(), other.ranges().peekable());
        let mut now = (None, None);
        loop {
            let start = match (ours.peek(), theirs.peek()) {
                (Some(&(ours, _)), Some(&(theirs, _))) => ours.min(theirs),
                (Some(&(start, _)), None) | (None, Some(&(start, _))) => start,
                (None, None) => break,
            };
            // Of two that begin at one place the later one counts.
            while let Some((_, value)) = ours.next_if(|next| next.0 == start) {
                now.0 = value;
            }
            while let Some((_, value)) = theirs.next_if(|next| next.0 == start) {
                now.1 = value;
            }
            let value = rule(now.0, now.1);
            if ranges.last().is_none_or(|&(_, last)| last != value) {
                ranges.push((start, value));
            }
        }
        let ends = ranges.iter().skip(1).map(|&(next, _)| next - 1).chain([u128::MAX]);
        let ranges =
            ranges.iter().zip(ends).filter_map(|(&(start, value), last)| Some((start, last, value?)));
        Self::new(
            ranges.flat_map(|(start, last, value)| prefixes(start, last).map(move |prefix| (prefix, value))),
        )
    }
}

/// The widest prefixes that make up the addresses from `start` to `last`, in ascending order; `start <= last`.
fn prefixes(start: u128, last: u128) -> impl Iterator<Item = Prefix> {
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let start = next?;
        let fits = (last - start).checked_add(1).map_or(128, u128::ilog2);
        let bits = fits.min(start.trailing_zeros());
        let prefix = Prefix::known(Address(start), (128 - bits) as u8);
        next = prefix.last().0.checked_add(1).filter(|&next| next <= last);
        Some(prefix)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// Few bits in few places, so that prefixes meet.
    fn any_prefix() -> impl Strategy<Value = Prefix> {
        let v4 = (0u32..256, 112u8..=128).prop_map(|(host, len)| (Address::v4(0xc000_0200 | host), len));
        let edges = prop_oneof![Just(Address::v4(0)), Just(Address::v4(u32::MAX)), Just(Address(u128::MAX))];
        let other = (any::<u8>(), 0u8..=128).prop_map(|(at, len)| (Address(u128::from(at) << 120), len));
        prop_oneof![3 => v4, 1 => (edges, 0u8..=128), 1 => other]
            .prop_map(|(address, len)| Prefix::containing(address, len))
    }

    fn entries() -> impl Strategy<Value = Vec<(Prefix, u8)>> {
        proptest::collection::vec((any_prefix(), 0u8..3), 0..24)
    }

    /// The larger one counts, and nothing where both are the same.
    fn rule(ours: Option<u8>, theirs: Option<u8>) -> Option<u8> {
        if ours == theirs { None } else { ours.max(theirs) }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, rng_seed: RngSeed::Fixed(0x5eed), ..ProptestConfig::default() })]

        #[test]
        fn every_address_gets_what_the_rule_says(a in entries(), b in entries(), many in any::<bool>()) {
            // So many that IPv4 has a table of its own.
            let hosts = |n: u32| (0..n).map(|n| (Prefix::containing(Address::v4(0x0a00_0000 | n << 3), 128), 1));
            let ours = PrefixTable::new(a.iter().copied().chain(hosts(if many { 5000 } else { 0 })));
            let theirs = PrefixTable::new(b.iter().copied());
            let both = ours.combined(&theirs, rule);
            let fixed = [Address::v4(0), Address::v4(0x0a00_0008), Address::v4(0x0a00_0009), Address(0), Address(u128::MAX)];
            let edges = a.iter().chain(&b).flat_map(|(prefix, _)| {
                let (first, last) = (prefix.first().0, prefix.last().0);
                [first, last, first.wrapping_sub(1), last.wrapping_add(1)].map(Address)
            });
            for address in edges.chain(fixed) {
                prop_assert_eq!(both.get(address), rule(ours.get(address), theirs.get(address)), "{:?}", address);
                let turned = theirs.combined(&ours, rule);
                prop_assert_eq!(turned.get(address), both.get(address), "{:?}", address);
            }
        }
    }

    #[test]
    fn very_many_prefixes_stay_what_they_are() {
        let host = |n: u32| (Prefix::containing(Address::v4(0x0a00_0000 | n << 3), 128), n % 3);
        let some = |from: u32| PrefixTable::new((from..1 << 19).step_by(2).map(host));
        let all = PrefixTable::new((0..1 << 19).map(host));
        let first = |a: Option<u32>, b: Option<u32>| a.or(b);
        assert_eq!(some(0).combined(&PrefixTable::default(), first), some(0));
        assert_eq!(some(0).combined(&some(1), first), all);
    }

    #[test]
    fn nothing_and_everything() {
        let all = PrefixTable::new([(Prefix::containing(Address(0), 0), 7)]);
        let none = PrefixTable::default();
        let first = |a: Option<u8>, b: Option<u8>| a.or(b);
        assert_eq!(all.combined(&none, first), all);
        assert_eq!(none.combined(&all, first), all);
        assert!(none.combined(&none, first).is_empty());
    }
}
