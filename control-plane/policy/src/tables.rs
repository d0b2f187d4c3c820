//! Prefix lists as the flat tables that workers look up in.

use repute_model::{Address, DomainTable, Listing, Prefix, PrefixTable};

use crate::config::{Config, Lists};
use crate::files::ListFile;
use crate::name_files::NameFile;
use crate::value::Cidr;

/// Where IPv4 lives in the 128-bit space.
const V4: Prefix = Prefix::containing(Address::v4(0), 96);

/// The prefix without the other family.
///
/// On the 128-bit scale `::/0` contains every IPv4 address; whoever writes it means IPv6. Such a prefix
/// becomes the (at most 96) prefixes around the IPv4 range.
pub(crate) fn one_family(prefix: Prefix) -> impl Iterator<Item = Prefix> {
    let contains_v4 = prefix.len128() < V4.len128() && prefix.contains(V4.first());
    let beside_v4 = |shared: u8| {
        let flipped = Address(V4.first().0 ^ (1 << (127 - u32::from(shared))));
        Prefix::containing(flipped, shared + 1)
    };
    let around = if contains_v4 { prefix.len128()..V4.len128() } else { 0..0 };
    (!contains_v4).then_some(prefix).into_iter().chain(around.map(beside_v4))
}

/// Names that nobody honest asks for: those of the config, and those of its files. There are never more than a table takes:
/// the text of a config and the files are bounded.
pub(crate) fn honeypots(config: &Config, files: &[NameFile]) -> DomainTable<()> {
    let own = config.profiles.dns.iter().flat_map(|dns| &dns.queries.honeypots).map(|domain| &domain.0);
    let names = own.chain(files.iter().flat_map(|file| &file.names));
    DomainTable::new(names.map(|name| (name.clone(), ()))).unwrap_or_default()
}

/// A table that only says whether an address is in it.
pub(crate) fn set(prefixes: &[Cidr]) -> PrefixTable<()> {
    map(prefixes.iter().map(|cidr| (cidr.0, ())))
}

/// A table of values; the longest prefix counts.
pub(crate) fn map<V: Copy + PartialEq>(entries: impl Iterator<Item = (Prefix, V)>) -> PrefixTable<V> {
    PrefixTable::new(entries.flat_map(|(prefix, value)| one_family(prefix).map(move |p| (p, value))))
}

/// Allow and deny in one table, those of files among them. Allow wins even over a longer deny: what it
/// covers is left out. Of equal denies one of the config counts, else that of the later file.
pub(crate) fn lists(lists: &Lists, [allow_files, deny_files]: &[Vec<ListFile>; 2]) -> PrefixTable<Listing> {
    let allow = allow_files.iter().flat_map(|file| file.prefixes.iter().copied());
    let allow: Vec<Prefix> =
        allow.chain(lists.allow.iter().map(|cidr| cidr.0)).flat_map(one_family).collect();
    let from_files = lists.deny_files.iter().zip(deny_files).flat_map(|(key, file)| {
        let confidence = key.confidence.get() as u8;
        file.prefixes.iter().map(move |&prefix| (prefix, confidence))
    });
    let named = lists.deny.iter().map(|deny| (deny.prefix.0, deny.confidence.get() as u8));
    let deny = from_files.chain(named).flat_map(|(prefix, confidence)| {
        one_family(prefix).map(move |prefix| (prefix, Listing::Deny(confidence)))
    });
    let outermost = outermost(allow.clone());
    let covered = |prefix: Prefix| outermost.get(prefix.first()).is_some_and(|len| len <= prefix.len128());
    let deny = deny.filter(|(prefix, _)| !covered(*prefix));
    PrefixTable::new(deny.chain(allow.iter().map(|&prefix| (prefix, Listing::Allow))))
}

/// The length of the widest of `prefixes` around an address.
fn outermost(mut prefixes: Vec<Prefix>) -> PrefixTable<u8> {
    // In their order the wider ones come first.
    prefixes.sort_unstable();
    prefixes.dedup_by(|inner, outer| outer.contains(inner.first()));
    PrefixTable::new(prefixes.into_iter().map(|prefix| (prefix, prefix.len128())))
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
        assert_eq!(one_family(cidr("0.0.0.0/0").0).count(), 1);
        assert_eq!(one_family(cidr("2001:db8::/32").0).count(), 1);
        assert_eq!(one_family(cidr("::/0").0).count(), 96);
    }

    #[test]
    fn allow_wins_over_wider_equal_and_narrower_denies() {
        let deny = |text| Deny { prefix: cidr(text), confidence: Int::new(90) };
        let config = Lists {
            allow: vec![cidr("10.1.0.0/16"), cidr("192.0.2.0/24"), cidr("::/0")],
            deny: vec![
                deny("10.0.0.0/8"),
                deny("192.0.2.0/24"),
                deny("10.1.2.0/24"),
                deny("198.51.100.0/24"),
            ],
            ..Lists::default()
        };
        let table = lists(&config, &[Vec::new(), Vec::new()]);
        assert_eq!(table.get(at("10.0.0.1")), Some(Listing::Deny(90)));
        assert_eq!(table.get(at("198.51.100.1")), Some(Listing::Deny(90)));
        for address in ["10.1.0.1", "10.1.2.3", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(table.get(at(address)), Some(Listing::Allow), "{address}");
        }
    }
}
