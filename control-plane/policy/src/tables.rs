//! Prefix lists as the flat tables that workers look up in.

use repute_model::{Address, Listing, Prefix, PrefixTable};

use crate::config::Lists;
use crate::value::Cidr;

/// Where IPv4 lives in the 128-bit space.
const V4: Prefix = Prefix::containing(Address::v4(0), 96);

/// The prefix without the other family.
///
/// On the 128-bit scale `::/0` contains every IPv4 address; whoever writes it means IPv6. Such a prefix
/// becomes the (at most 96) prefixes around the IPv4 range.
pub(crate) fn one_family(prefix: Prefix) -> Vec<Prefix> {
    let contains_v4 = prefix.len128() < V4.len128() && prefix.contains(V4.first());
    if !contains_v4 {
        return vec![prefix];
    }
    let beside_v4 = |len: u8| {
        let flipped = Address(V4.first().0 ^ (1 << (128 - u32::from(len))));
        Prefix::containing(flipped, len)
    };
    (prefix.len128() + 1..=V4.len128()).map(beside_v4).collect()
}

/// A table that only says whether an address is in it.
pub(crate) fn set(prefixes: &[Cidr]) -> PrefixTable<()> {
    map(prefixes.iter().map(|cidr| (cidr.0, ())))
}

/// A table of values; the longest prefix counts.
pub(crate) fn map<V: Copy + PartialEq>(entries: impl Iterator<Item = (Prefix, V)>) -> PrefixTable<V> {
    PrefixTable::new(
        entries.flat_map(|(prefix, value)| one_family(prefix).into_iter().map(move |p| (p, value))),
    )
}

/// Allow and deny in one table. Allow wins even over a longer deny: what it covers is left out.
pub(crate) fn lists(lists: &Lists) -> PrefixTable<Listing> {
    let allowed = set(&lists.allow);
    let covers = |prefix: Prefix| lists.allow.iter().any(|allow| covers(allow.0, prefix));
    let deny = lists
        .deny
        .iter()
        // The table answers for one address; only an allowed one is worth the walk over the list.
        .filter(|deny| allowed.get(deny.prefix.0.first()).is_none() || !covers(deny.prefix.0))
        .map(|deny| (deny.prefix.0, Listing::Deny(deny.confidence.get() as u8)));
    let allow = lists.allow.iter().map(|cidr| (cidr.0, Listing::Allow));
    map(deny.chain(allow))
}

fn covers(outer: Prefix, inner: Prefix) -> bool {
    outer.len128() <= inner.len128()
        && outer.contains(inner.first())
        && (outer.len128() >= V4.len128() || outer.first().is_v4() == inner.first().is_v4())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Deny;
    use crate::value::Int;

    fn cidr(text: &str) -> Cidr {
        Cidr(text.parse().unwrap())
    }

    fn at(text: &str) -> Address {
        text.parse::<std::net::IpAddr>().unwrap().into()
    }

    #[test]
    fn all_of_ipv6_is_nothing_of_ipv4() {
        let table = set(&[cidr("::/0")]);
        for address in ["::", "::1", "::fffe:ffff:ffff", "::1:0:0:0", "2001:db8::1", "ffff::1"] {
            assert!(table.get(at(address)).is_some(), "{address}");
        }
        for address in ["0.0.0.0", "10.0.0.1", "255.255.255.255"] {
            assert!(table.get(at(address)).is_none(), "{address}");
        }
    }

    #[test]
    fn all_of_ipv4_stays_one_prefix() {
        assert_eq!(one_family(cidr("0.0.0.0/0").0).len(), 1);
        assert_eq!(one_family(cidr("2001:db8::/32").0).len(), 1);
        assert_eq!(one_family(cidr("::/0").0).len(), 96);
    }

    #[test]
    fn allow_wins_over_wider_equal_and_narrower_denies() {
        let deny = |text| Deny { prefix: cidr(text), confidence: Int::new(90) };
        let table = lists(&Lists {
            allow: vec![cidr("10.1.0.0/16"), cidr("192.0.2.0/24"), cidr("::/0")],
            deny: vec![
                deny("10.0.0.0/8"),
                deny("192.0.2.0/24"),
                deny("10.1.2.0/24"),
                deny("198.51.100.0/24"),
            ],
        });
        assert_eq!(table.get(at("10.0.0.1")), Some(Listing::Deny(90)));
        assert_eq!(table.get(at("198.51.100.1")), Some(Listing::Deny(90)));
        for address in ["10.1.0.1", "10.1.2.3", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(table.get(at(address)), Some(Listing::Allow), "{address}");
        }
    }
}
