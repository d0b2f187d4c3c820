//! Response policy zones as workers hold them (draft-vixie-dnsop-dns-rpz; the precedence is BIND's).
//!
//! A zone says what becomes of a DNS transaction by its *triggers*: who asks, for what name, which address the answer
//! has. Importers make zones of zone files ([`RpzZone::new`]), the control plane puts them in order ([`Rpz::new`]), the DNS
//! stages ask twice: at the query ([`Rpz::at_query`]) and, where that leaves it open, at the answer
//! ([`Rpz::at_answer`]).
//!
//! What always holds, as in BIND, which goes on from a name to its alias once no zone has said anything of it: the name that
//! was asked for counts before its aliases, and addresses with the last of these; of one name an earlier zone counts before
//! a later one; within a zone the asker counts before the name, the name before the addresses; the longest prefix counts.
//! What passes by an earlier zone is not looked up in later ones.
//! Who names a server (NSDNAME, NSIP) is not enforced: an interceptor does not see whom a resolver asks.

mod action;
mod local;

use std::sync::Arc;

use crate::{Address, DomainName, DomainTable, Prefix, PrefixTable, named};

use action::Rule;

pub use action::{RpzAction, RpzEffect};
pub use local::{LocalData, LocalDataBuilder, LocalRecord};

named! {
    /// What a rule of a zone looks at.
    RpzTrigger;

    /// The address of who asks.
    ClientIp = "client-ip",
    /// The name that is asked for, or an alias of it in the answer.
    Qname = "qname",
    /// An address in the answer.
    Ip = "ip",
    /// The name of a server in charge; not enforced.
    Nsdname = "nsdname",
    /// The address of a server in charge; not enforced.
    Nsip = "nsip",
}

impl RpzTrigger {
    /// So many come first that are enforced: an interceptor does not see which servers a resolver asks.
    pub const ENFORCED: usize = Self::Nsdname as usize;

    /// Whether rules of this kind are enforced.
    pub const fn is_enforced(self) -> bool {
        (self as usize) < Self::ENFORCED
    }
}

/// The rules of one zone before they are compiled. Of two rules for the same the later one counts.
#[derive(Clone, Debug, Default)]
pub struct RpzRules {
    /// By who asks.
    pub clients: Vec<(Prefix, RpzAction)>,
    /// By name; a name that begins with an asterisk is a wildcard as in every zone (RFC 4592).
    pub names: Vec<(DomainName, RpzAction)>,
    /// By the addresses in answers.
    pub addresses: Vec<(Prefix, RpzAction)>,
    /// The data of local actions.
    pub local: LocalData,
}

/// One response policy zone, compiled.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RpzZone {
    /// With the length of the prefix, which names the rule.
    clients: PrefixTable<(Rule, u8)>,
    names: DomainTable<Rule>,
    /// With the length of the prefix, which decides between several addresses as well.
    addresses: PrefixTable<(Rule, u8)>,
    local: LocalData,
}

impl RpzZone {
    /// Compiles rules; `None` where there are more names than a table takes ([`DomainTable::ENTRIES_MAX`]).
    pub fn new(rules: RpzRules) -> Option<Self> {
        let RpzRules { clients, names, addresses, local } = rules;
        let prefixes = |rules: Vec<(Prefix, RpzAction)>| {
            let rule = |(prefix, action): (Prefix, _)| (prefix, (Rule::new(action), prefix.len128()));
            PrefixTable::new(rules.into_iter().map(rule))
        };
        Some(Self {
            clients: prefixes(clients),
            names: DomainTable::new(names.into_iter().map(|(name, action)| (name, Rule::new(action))))?,
            addresses: prefixes(addresses),
            local,
        })
    }

    /// The data of its local actions.
    pub fn local(&self) -> &LocalData {
        &self.local
    }

    /// The prefix of the rule about who asks.
    pub fn owner_of_client(&self, client: Address) -> Option<Prefix> {
        self.clients.get(client).map(|(_, len)| Prefix::containing(client, len))
    }

    /// The name that the rule about a name is written for: itself, or a wildcard.
    pub fn owner_of_name(&self, name: &[u8]) -> Option<DomainName> {
        self.names.owner_in_zone(name)
    }

    /// The prefix of the rule about an address in an answer.
    pub fn owner_of_address(&self, address: Address) -> Option<Prefix> {
        self.addresses.get(address).map(|(_, len)| Prefix::containing(address, len))
    }

    /// What the zone occupies beside itself, in bytes.
    pub fn bytes(&self) -> usize {
        self.clients.bytes() + self.names.bytes() + self.addresses.bytes() + self.local.bytes()
    }

    fn client(&self, client: Address) -> Option<(RpzTrigger, RpzAction)> {
        Some((RpzTrigger::ClientIp, self.clients.get(client)?.0.action()))
    }

    fn name(&self, name: &[u8]) -> Option<(RpzTrigger, RpzAction)> {
        Some((RpzTrigger::Qname, self.names.in_zone(name)?.action()))
    }

    /// The rule of the longest prefix around any of the addresses, of equally long ones that of the smallest address.
    fn address(&self, addresses: impl Iterator<Item = Address>) -> Option<(RpzTrigger, RpzAction)> {
        let found = addresses.filter_map(|address| Some((address, self.addresses.get(address)?)));
        let (_, (rule, _)) = found.max_by_key(|(address, (_, len))| (*len, std::cmp::Reverse(*address)))?;
        Some((RpzTrigger::Ip, rule.action()))
    }
}

/// What a rule says of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RpzMatch {
    /// The zone, by its place in the order.
    pub zone: u8,
    /// What of the transaction it was.
    pub trigger: RpzTrigger,
    /// At an answer: which of the names that were given, 0 being the one that was asked for. A client or an address is
    /// about all of it.
    pub name: u16,
    /// What is to be done.
    pub action: RpzAction,
}

/// What the zones say of a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RpzRuling {
    /// Nothing, whatever is answered.
    Nothing,
    /// It depends on the answer: an earlier zone, or any, has rules about addresses or aliases.
    AtAnswer,
    /// This.
    Match(RpzMatch),
}

/// All zones, in the order in which they count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rpz {
    zones: Box<[Arc<RpzZone>]>,
}

impl Rpz {
    /// So many zones there are at most, as in BIND.
    pub const ZONES_MAX: usize = 64;

    /// The zones in order; `None` where there are more than [`ZONES_MAX`](Self::ZONES_MAX).
    pub fn new(zones: Vec<Arc<RpzZone>>) -> Option<Self> {
        (zones.len() <= Self::ZONES_MAX).then(|| Self { zones: zones.into() })
    }

    /// Whether no zone is there.
    pub fn is_empty(&self) -> bool {
        self.zones.is_empty()
    }

    /// The zones in order.
    pub fn zones(&self) -> &[Arc<RpzZone>] {
        &self.zones
    }

    /// What becomes of a query of `client` for `name` (in wire form, not compressed, in lower case).
    ///
    /// A rule is used at once only where no earlier zone could have one about the answer's addresses, so that both looks
    /// come to the same; aliases that an answer may have count after the name.
    pub fn at_query(&self, client: Address, name: &[u8]) -> RpzRuling {
        for (zone, rules) in (0..).zip(&self.zones) {
            if let Some((trigger, action)) = rules.client(client).or_else(|| rules.name(name)) {
                return RpzRuling::Match(RpzMatch { zone, trigger, name: 0, action });
            }
            if !rules.addresses.is_empty() {
                return RpzRuling::AtAnswer;
            }
        }
        let names = self.zones.iter().any(|zone| !zone.names.is_empty());
        if names { RpzRuling::AtAnswer } else { RpzRuling::Nothing }
    }

    /// What becomes of an answer to `client` with these names, the one that was asked for and then its aliases in order,
    /// and these addresses.
    pub fn at_answer<'n>(
        &self,
        client: Address,
        names: impl Iterator<Item = &'n [u8]> + Clone,
        addresses: impl Iterator<Item = Address> + Clone,
    ) -> Option<RpzMatch> {
        let mut left = names.clone().count();
        (0..).zip(names).find_map(|(at, name)| {
            left -= 1;
            let addresses = || Some(addresses.clone()).filter(|_| left == 0);
            (0..).zip(&self.zones).find_map(|(zone, rules)| {
                let client = || rules.client(client).filter(|_| at == 0);
                let named = client().or_else(|| rules.name(name)).map(|found| (at, found));
                let found = named.or_else(|| Some((0, rules.address(addresses()?)?)));
                found.map(|(name, (trigger, action))| RpzMatch { zone, trigger, name, action })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Address {
        text.parse::<std::net::IpAddr>().unwrap().into()
    }

    type Rules<'a> = &'a [(&'a str, RpzAction)];

    fn zone(clients: Rules<'_>, names: Rules<'_>, addresses: Rules<'_>) -> Arc<RpzZone> {
        let prefixes =
            |rules: Rules<'_>| rules.iter().map(|(text, action)| (text.parse().unwrap(), *action)).collect();
        let rules = RpzRules {
            clients: prefixes(clients),
            names: names.iter().map(|(text, action)| (name(text), *action)).collect(),
            addresses: prefixes(addresses),
            local: LocalData::default(),
        };
        Arc::new(RpzZone::new(rules).unwrap())
    }

    /// What an answer with these names and addresses gets: the zone, what decided, what is done.
    fn answer(
        rpz: &Rpz,
        client: &str,
        names: &[&str],
        addresses: &[&str],
    ) -> Option<(u8, RpzTrigger, RpzAction)> {
        let names: Vec<DomainName> = names.iter().map(|text| name(text)).collect();
        let addresses: Vec<Address> = addresses.iter().map(|text| at(text)).collect();
        let found =
            rpz.at_answer(at(client), names.iter().map(DomainName::as_bytes), addresses.iter().copied());
        found.map(|found| (found.zone, found.trigger, found.action))
    }

    use RpzAction::{Drop, NoData, NxDomain, Passthru, TcpOnly};

    #[test]
    fn zones_come_before_triggers_and_triggers_before_lengths() {
        let first =
            zone(&[("192.0.2.0/24", Drop)], &[("a.example", NxDomain)], &[("198.51.100.0/24", NoData)]);
        let second =
            zone(&[("192.0.2.0/25", TcpOnly), ("203.0.113.1/32", Passthru)], &[("b.example", NoData)], &[]);
        let rpz = Rpz::new(vec![first, second]).unwrap();
        let client = |zone, action| Some((zone, RpzTrigger::ClientIp, action));
        assert_eq!(answer(&rpz, "192.0.2.1", &["b.example"], &[]), client(0, Drop));
        assert_eq!(answer(&rpz, "203.0.113.1", &["b.example"], &[]), client(1, Passthru));
        assert_eq!(
            answer(&rpz, "203.0.113.1", &["a.example"], &["198.51.100.1"]),
            Some((0, RpzTrigger::Qname, NxDomain))
        );
        // An address that an earlier zone lists counts before the name in a later one.
        assert_eq!(
            answer(&rpz, "203.0.113.2", &["b.example"], &["198.51.100.1"]),
            Some((0, RpzTrigger::Ip, NoData))
        );
        assert_eq!(answer(&rpz, "203.0.113.2", &["c.example"], &["198.51.101.1"]), None);
    }

    #[test]
    fn of_addresses_the_longest_prefix_then_the_smallest_one_counts() {
        let rules = [
            ("10.0.0.0/8", NoData),
            ("10.1.0.0/16", NxDomain),
            ("10.2.0.0/16", Drop),
            ("2001:db8::/32", TcpOnly),
        ];
        let rpz = Rpz::new(vec![zone(&[], &[], &rules)]).unwrap();
        let decides = |addresses: &[&str]| answer(&rpz, "192.0.2.1", &["a"], addresses).map(|found| found.2);
        assert_eq!(decides(&["10.3.0.1", "10.1.0.1"]), Some(NxDomain));
        assert_eq!(decides(&["10.2.0.1", "10.1.0.1"]), Some(NxDomain));
        assert_eq!(decides(&["10.2.0.1", "11.1.0.1"]), Some(Drop));
        // Lengths are counted as the tables do, IPv4 inside IPv6.
        assert_eq!(decides(&["2001:db8::1", "10.3.0.1"]), Some(NoData));
        assert_eq!(decides(&[]), None);
    }

    #[test]
    fn the_name_that_was_asked_for_counts_before_its_aliases() {
        let first = zone(&[], &[("alias.example", NxDomain)], &[("10.0.0.0/8", NoData)]);
        let second = zone(&[], &[("a.example", Drop)], &[]);
        let rpz = Rpz::new(vec![first, second]).unwrap();
        let found = |names: &[&str]| answer(&rpz, "192.0.2.1", names, &["10.0.0.1"]);
        assert_eq!(found(&["a.example", "alias.example"]), Some((1, RpzTrigger::Qname, Drop)));
        assert_eq!(found(&["a.example"]), Some((0, RpzTrigger::Ip, NoData)), "there is no alias");
        assert_eq!(found(&["b.example", "alias.example"]), Some((0, RpzTrigger::Qname, NxDomain)));
    }

    #[test]
    fn a_query_waits_where_the_answer_may_say_otherwise() {
        let names = zone(&[], &[("b.example", NxDomain)], &[]);
        let addresses = zone(&[], &[("c.example", Drop)], &[("10.0.0.0/8", NoData)]);
        let ruling = |zones: &[&Arc<RpzZone>], text: &str| {
            let rpz = Rpz::new(zones.iter().map(|&zone| Arc::clone(zone)).collect()).unwrap();
            rpz.at_query(at("192.0.2.1"), name(text).as_bytes())
        };
        let found =
            |zone, action| RpzRuling::Match(RpzMatch { zone, trigger: RpzTrigger::Qname, name: 0, action });
        assert_eq!(ruling(&[], "b.example"), RpzRuling::Nothing);
        assert_eq!(ruling(&[&names], "b.example"), found(0, NxDomain));
        // An alias in the answer may be listed.
        assert_eq!(ruling(&[&names], "x.example"), RpzRuling::AtAnswer);
        assert_eq!(ruling(&[&names, &addresses], "b.example"), found(0, NxDomain));
        assert_eq!(ruling(&[&addresses, &names], "b.example"), RpzRuling::AtAnswer);
        assert_eq!(ruling(&[&addresses, &names], "c.example"), found(0, Drop));
        let clients = zone(&[("198.51.100.0/24", Drop)], &[], &[]);
        assert_eq!(ruling(&[&clients], "b.example"), RpzRuling::Nothing);
    }

    #[test]
    fn an_alias_is_told_by_its_place() {
        let rpz = Rpz::new(vec![zone(&[], &[("*.bad.example", NxDomain)], &[])]).unwrap();
        let names = [name("good.example"), name("x.bad.example")];
        let found =
            rpz.at_answer(at("192.0.2.1"), names.iter().map(DomainName::as_bytes), std::iter::empty());
        assert_eq!(found.map(|found| found.name), Some(1));
    }

    #[test]
    fn rules_are_told_by_their_owners() {
        let zone = zone(
            &[("192.0.2.0/24", Drop)],
            &[("a.example", NxDomain), ("*.b.example", NxDomain)],
            &[("2001:db8::/32", Drop)],
        );
        assert_eq!(
            zone.owner_of_client(at("192.0.2.9")).map(|owner| owner.to_string()).unwrap(),
            "192.0.2.0/24"
        );
        assert_eq!(
            zone.owner_of_address(at("2001:db8::1")).map(|owner| owner.to_string()).unwrap(),
            "2001:db8::/32"
        );
        assert_eq!(zone.owner_of_client(at("192.0.3.9")), None);
        let owner = |text: &str| zone.owner_of_name(name(text).as_bytes()).map(|owner| owner.to_string());
        assert_eq!(owner("a.example").unwrap(), "a.example");
        assert_eq!(owner("x.y.b.example").unwrap(), "*.b.example");
        assert_eq!([owner("b.example"), owner("x.a.example"), owner("example")], [None, None, None]);
    }

    #[test]
    fn zones_are_bounded() {
        let empty = Arc::new(RpzZone::default());
        assert!(Rpz::new(vec![Arc::clone(&empty); Rpz::ZONES_MAX]).is_some());
        assert!(Rpz::new(vec![empty; Rpz::ZONES_MAX + 1]).is_none());
    }
}
