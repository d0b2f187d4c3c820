//! Lists of a million prefixes, as tables and as text.
//!
//! Called by the rows about feeds. What always holds: no two prefixes touch, so that none can be merged; a quarter
//! of them are networks, the others single addresses.

use std::fmt::Write;
use std::sync::Arc;
use std::time::SystemTime;

use repute_feeds::{Format, Merged, Shape, Terms, import};
use repute_model::{Address, Listing, Policy, Prefix, PrefixTable, Score};

use crate::stamp::listed;

/// Prefixes in the large feed.
pub const FEED: u32 = 1 << 20;
/// Certain.
const CONFIDENCE: u8 = 100;

/// Listed prefix number `n`: its first address and its length.
const fn entry(n: u32) -> (u32, u8) {
    (listed(n), if n.is_multiple_of(4) { 27 } else { 32 })
}

/// A policy with a deny list of so many prefixes.
pub fn with_feed(policy: Policy, prefixes: u32) -> Policy {
    let prefix = |n| {
        let (first, len) = entry(n);
        Prefix::containing(Address::v4(first), len + 96)
    };
    Policy { lists: table((0..prefixes).map(prefix)), ..policy }
}

/// A policy that knows the standing of so many destinations.
pub fn with_destinations(policy: Policy, prefixes: u32) -> Policy {
    let standing = |n| (Prefix::containing(Address::v4(entry(n).0), 128), Score::new((n % 10 * 1000) as u16));
    Policy { destinations: PrefixTable::new((0..prefixes).map(standing)), ..policy }
}

fn table(prefixes: impl Iterator<Item = Prefix>) -> PrefixTable<Listing> {
    PrefixTable::new(prefixes.map(|prefix| (prefix, Listing::Deny(CONFIDENCE))))
}

/// So many rules as config text: deny lists with confidences, and standings of destinations, half and half.
pub fn rules(count: u32) -> String {
    let mut text = String::from("[lists]\ndeny = [\n");
    for n in 0..count / 2 {
        let (first, len) = entry(n);
        let prefix = std::net::Ipv4Addr::from(first);
        let _ = writeln!(text, "{{ prefix = \"{prefix}/{len}\", confidence = {} }},", n % 100 + 1);
    }
    text += "]\n[destinations]\nentries = [\n";
    for n in 0..count - count / 2 {
        let (first, len) = entry(n);
        let prefix = std::net::Ipv4Addr::from(first);
        let _ = writeln!(text, "{{ prefix = \"{prefix}/{len}\", score = 0.{} }},", n % 9 + 1);
    }
    text + "]\n"
}

/// The same list as a netset: one prefix a line.
pub fn text(prefixes: u32) -> String {
    let mut text = String::with_capacity(prefixes as usize * 20);
    for n in 0..prefixes {
        let (first, len) = entry(n);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}/{len}", std::net::Ipv4Addr::from(first));
    }
    text
}

/// A policy with the deny list of a netset, read and joined as the daemon does it with a feed.
///
/// # Errors
/// A text that the importer refuses.
pub fn read(policy: Policy, text: &str) -> anyhow::Result<Policy> {
    let now = SystemTime::now();
    let import = import(Format::List, text.as_bytes(), &Terms::new("bench", now))?;
    let feeds = [("bench".into(), Arc::new(import))];
    Ok(Policy { lists: Merged::new(&feeds, &Shape::default(), now).take_table(), ..policy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_table_are_the_same_list() {
        let policy = crate::policy::forward().unwrap();
        assert_eq!(read(policy.clone(), &text(1000)).unwrap().lists, with_feed(policy, 1000).lists);
    }

    #[test]
    fn every_prefix_is_listed_and_its_neighbours_are_not() {
        let policy = with_feed(crate::policy::forward().unwrap(), 100);
        for n in 0..100 {
            let (first, len) = entry(n);
            let next = first + (1 << (32 - len));
            assert_eq!(policy.lists.get(Address::v4(first)), Some(Listing::Deny(CONFIDENCE)));
            assert_eq!(policy.lists.get(Address::v4(next)), None, "{n}");
        }
    }
}
