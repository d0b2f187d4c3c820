//! What an operator is told about DNS: who asks most, and what is made of a name.

use std::sync::Arc;

use repute_model::{Address, Band, Command, NameLook, Report, Rpz, RpzEffect, Token, TopLook};
use repute_rpz::RpzLimits;

use crate::common::dns::{A, NOERROR, NXDOMAIN, answer, back, by_udp, query};
use crate::common::frame::Ip;
use crate::common::rig::{Rig, source};
use crate::common::{CACHED_DNS, policy};

const BUSY: Ip = [198, 51, 100, 7];
const CALM: Ip = [203, 0, 113, 8];

/// A query and what comes back for it.
fn asks(rig: &mut Rig, from: Ip, name: &str, rcode: u8) {
    let asked = query(7, name, A, None);
    rig.outside(1, by_udp((from, 40_000), &asked));
    rig.inside(1, back((from, 40_000), &answer(&asked, rcode, u8::from(rcode == NOERROR))));
}

fn top(rig: &mut Rig, rows: u16) -> TopLook {
    let look = Box::new(TopLook::with_room(rows));
    let reports = rig.tell(Command::LookAtTop { token: Token(1), look });
    let [Report::Top(Token(1), look)] = &reports[..] else { panic!("{reports:?}") };
    TopLook::clone(look)
}

fn name(rig: &mut Rig, text: &str) -> NameLook {
    let look = Box::new(NameLook::new(text.parse().unwrap(), A, Address(0)));
    let reports = rig.tell(Command::LookAtName { token: Token(2), look });
    let [Report::Name(Token(2), look)] = &reports[..] else { panic!("{reports:?}") };
    NameLook::clone(look)
}

#[test]
fn who_asks_most_comes_first() {
    let mut rig = Rig::sized(policy("[profiles.dns]"), CACHED_DNS);
    assert_eq!(top(&mut rig, 4), TopLook::default());
    for n in 0..40 {
        asks(&mut rig, BUSY, &format!("n{n}.busy.example.org"), if n % 4 == 0 { NXDOMAIN } else { NOERROR });
    }
    (0..4).for_each(|n| asks(&mut rig, CALM, &format!("n{n}.calm.example"), NOERROR));
    let found = top(&mut rig, 4);
    let who: Vec<_> = found.requesters.iter().map(|row| row.source).collect();
    assert_eq!(who, [source(BUSY), source(CALM)]);
    let asking = found.requesters[0].asking;
    assert!((asking.nxdomain - 0.25).abs() < 0.01 && asking.queries_per_s > 30.0, "{asking:?}");
    assert_eq!(found.requesters[1].standing.map(|(band, _)| band), Some(Band::Good));
    let what: Vec<_> = found.domains.iter().map(|row| row.name.name().unwrap().to_string()).collect();
    assert_eq!(what, ["example.org", "calm.example"]);
    assert_eq!(top(&mut rig, 1).domains.len(), 1);
    rig.idle(20_000);
    assert_eq!(top(&mut rig, 4), TopLook::default(), "it is of the last seconds");
}

#[test]
fn a_name_is_known_by_what_came_back_for_it() {
    let mut rig = Rig::sized(policy("[profiles.dns]"), CACHED_DNS);
    asks(&mut rig, BUSY, "www.example.org", NOERROR);
    let found = name(&mut rig, "WWW.example.org");
    assert!(found.exists && !found.attacked);
    let kept = found.kept[0].unwrap();
    assert_eq!((kept.rcode, kept.age_s, kept.left_s, kept.ruled), (0, 0, 60, None));
    assert_eq!(found.kept[1], None, "nobody asked with DNSSEC records");
    rig.idle(20_000);
    assert_eq!(
        name(&mut rig, "www.example.org").kept[0].map(|kept| (kept.age_s, kept.left_s)),
        Some((20, 40))
    );
    let hits = rig.account().dns.cache.hits;
    assert_eq!(hits, 0, "looking counts nothing");
    assert_eq!(name(&mut rig, "other.example.org").kept, [None; 2]);

    let zone = "32.0.100.51.198.rpz-ip CNAME .\n";
    let zone = repute_rpz::read(zone.as_bytes(), "rpz".parse().ok(), RpzLimits::default()).unwrap().zone;
    let mut ruled = policy("[profiles.dns]");
    ruled.dns.as_mut().unwrap().zones = Rpz::new(vec![Arc::new(zone)]).unwrap();
    rig.tell(Command::Install(Box::new(ruled)));
    let kept = name(&mut rig, "www.example.org").kept[0].unwrap();
    assert_eq!(kept.ruled.map(|found| found.action.effect()), Some(RpzEffect::NxDomain));
}
