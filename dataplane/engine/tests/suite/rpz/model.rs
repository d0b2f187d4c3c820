//! Policy zones against a plain reading of them: any zones, any chain of aliases, a cache that knows the answer or not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use repute_model::{Command, RpzEffect};
use repute_wire::dns::{Rcode, Section};

use super::{leading, pass, rig, ruled, zones};
use crate::common::dns::{A, back, by_udp, query, read};
use crate::common::frame::{Frame, Ip};
use crate::common::rig::Rig;
use crate::common::{INSIDE, OUTSIDE, cases};

/// One zone as anybody would write it down.
#[derive(Clone, Debug, Default)]
struct Plain {
    /// Address and length.
    clients: BTreeMap<(Ip, u8), RpzEffect>,
    names: BTreeMap<String, RpzEffect>,
    addresses: BTreeMap<(Ip, u8), RpzEffect>,
}

fn covers((first, len): (Ip, u8), address: Ip) -> bool {
    let shift = 32 - u32::from(len);
    u32::from_be_bytes(first) >> shift == u32::from_be_bytes(address) >> shift
}

impl Plain {
    fn text(&self) -> String {
        let target = |effect: &RpzEffect| match effect {
            RpzEffect::NxDomain => "CNAME .",
            RpzEffect::NoData => "CNAME *.",
            RpzEffect::Passthru => "CNAME rpz-passthru.",
            RpzEffect::Drop => "CNAME rpz-drop.",
            RpzEffect::TcpOnly => "CNAME rpz-tcp-only.",
            RpzEffect::Local => "A 192.0.2.99",
        };
        let mut text = String::from("@ SOA a. b. 1 2 3 4 5\n");
        for (rules, kind) in [(&self.clients, "rpz-client-ip"), (&self.addresses, "rpz-ip")] {
            for (([a, b, c, d], len), effect) in rules {
                text.push_str(&format!("{len}.{d}.{c}.{b}.{a}.{kind} {}\n", target(effect)));
            }
        }
        for (name, effect) in &self.names {
            text.push_str(&format!("{name} {}\n", target(effect)));
        }
        text
    }

    fn longest(rules: &BTreeMap<(Ip, u8), RpzEffect>, address: Ip) -> Option<(u8, RpzEffect)> {
        let around = rules.iter().filter(|(prefix, _)| covers(**prefix, address));
        around.map(|((_, len), effect)| (*len, *effect)).max_by_key(|(len, _)| *len)
    }

    /// RFC 4592: itself, else the asterisk right below the longest name above it that the zone has.
    fn name(&self, name: &str) -> Option<RpzEffect> {
        let has = |name: &str| self.names.keys().any(|own| own == name || own.ends_with(&format!(".{name}")));
        if has(name) {
            return self.names.get(name).copied();
        }
        let above = |name: &str| name.split_once('.').map(|(_, above)| above.to_owned());
        let mut closest = above(name)?;
        while !has(&closest) {
            closest = above(&closest)?;
        }
        self.names.get(&format!("*.{closest}")).copied()
    }

    /// What it says of one name, and of addresses with the last one.
    fn decides(&self, client: Option<Ip>, name: &str, addresses: &[Ip]) -> Option<(bool, RpzEffect)> {
        if let Some((_, effect)) = client.and_then(|client| Self::longest(&self.clients, client)) {
            return Some((true, effect));
        }
        if let Some(effect) = self.name(name) {
            return Some((true, effect));
        }
        let found = addresses.iter().filter_map(|address| {
            let (len, effect) = Self::longest(&self.addresses, *address)?;
            Some((len, std::cmp::Reverse(*address), effect))
        });
        found.max_by_key(|(len, address, _)| (*len, *address)).map(|(.., effect)| (false, effect))
    }
}

/// What zones say: name by name, zone by zone. The place of the name that it is about, 0 for addresses.
fn decides(zones: &[Plain], client: Ip, names: &[&str], addresses: &[Ip]) -> Option<(usize, RpzEffect)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let addresses = if at + 1 == names.len() { addresses } else { &[] };
        let found =
            zones.iter().find_map(|zone| zone.decides((at == 0).then_some(client), name, addresses))?;
        Some((if found.0 { at } else { 0 }, found.1))
    })
}

const NAMES: [&str; 8] = ["a.x", "b.a.x", "c.b.a.x", "b.x", "a.y", "b.a.y", "x", "c.y"];
const WILD: [&str; 4] = ["*.x", "*.a.x", "*.y", "*.b.a.x"];

fn plain() -> impl Strategy<Value = Plain> {
    let effect = || prop::sample::select(RpzEffect::ALL.to_vec());
    let prefix = |first: [u8; 2]| {
        (0u8..2, 0u8..4, prop::sample::select(vec![16u8, 24, 31, 32])).prop_map(move |(c, d, len)| {
            let host = u32::from_be_bytes([first[0], first[1], c, d]) >> (32 - len) << (32 - len);
            (host.to_be_bytes(), len)
        })
    };
    let name = prop::sample::select([&NAMES[..], &WILD[..]].concat()).prop_map(str::to_owned);
    (
        prop::collection::btree_map(prefix([10, 9]), effect(), 0..3),
        prop::collection::btree_map(name, effect(), 0..5),
        prop::collection::btree_map(prefix([10, 8]), effect(), 0..3),
    )
        .prop_map(|(clients, names, addresses)| Plain { clients, names, addresses })
}

/// What somebody gets: nothing, or code, TC, aliases, and addresses.
type Got = Option<(Rcode, bool, usize, Vec<Ip>)>;

fn got(sent: &[(u8, Frame)]) -> Got {
    let (_, frame) = sent.iter().find(|(port, _)| *port == OUTSIDE)?;
    let told = read(frame);
    let records = told.message.records().unwrap().map(Result::unwrap);
    let records: Vec<_> = records.filter(|record| record.section == Section::Answer).collect();
    let addresses =
        records.iter().filter(|record| record.kind == A).map(|record| record.data.try_into().unwrap());
    let aliases = records.iter().filter(|record| record.kind == 5).count();
    Some((told.rcode(), told.message.header().is_truncated(), aliases, addresses.collect()))
}

proptest! {
    #![proptest_config(cases(400))]

    /// Asked for the first time, from a cache that was filled before, and from one that was filled meanwhile: what comes of
    /// a query is what a plain reading of the zones says.
    #[test]
    fn as_a_plain_model(
        zones_of in prop::collection::vec(plain(), 1..4),
        names in prop::collection::vec(prop::sample::select(NAMES.to_vec()), 1..4),
        client in (0u8..2, 0u8..4),
        addresses in prop::collection::vec((0u8..2, 0u8..4), 0..3),
        filled in 0u8..3,
    ) {
        // Aliases lead on, not round.
        let mut seen: Vec<&str> = Vec::new();
        names.iter().for_each(|name| if !seen.contains(name) { seen.push(name) });
        let names = seen;
        let client = ([10, 9, client.0, client.1], 40_000);
        let addresses: Vec<Ip> = addresses.iter().map(|(c, d)| [10, 8, *c, *d]).collect();
        let decided = decides(&zones_of, client.0, &names, &addresses);
        let whole = Some((Rcode::NOERROR, false, names.len() - 1, addresses.clone()));
        let expected = match decided {
            None | Some((_, RpzEffect::Passthru)) => whole,
            Some((_, RpzEffect::Drop)) => None,
            Some((_, RpzEffect::TcpOnly)) => Some((Rcode::NOERROR, true, 0, Vec::new())),
            Some((at, RpzEffect::NxDomain)) => Some((Rcode::NXDOMAIN, false, at, Vec::new())),
            Some((at, RpzEffect::NoData)) => Some((Rcode::NOERROR, false, at, Vec::new())),
            Some((at, RpzEffect::Local)) => Some((Rcode::NOERROR, false, at, vec![[192, 0, 2, 99]])),
        };

        let texts: Vec<String> = zones_of.iter().map(Plain::text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let zones = zones(&texts);
        let mut rig = rig("[profiles.dns]", if filled == 1 { &[] } else { &texts[..] });
        let asked = query(7, names[0], A, None);
        let said = leading(&asked, &names[1..], &addresses);
        let ask = |rig: &mut Rig, client: (Ip, u16)| {
            let (.., sent) = pass(rig, true, by_udp(client, &asked));
            match sent.iter().any(|(port, _)| *port == INSIDE) {
                true => got(&pass(rig, false, back(client, &said)).2),
                false => got(&sent),
            }
        };
        if filled > 0 {
            ask(&mut rig, ([192, 0, 2, 1], 40_000));
        }
        if filled == 1 {
            rig.tell(Command::Install(Box::new(ruled("[profiles.dns]", zones))));
        }
        prop_assert_eq!(ask(&mut rig, client), expected);
    }
}
