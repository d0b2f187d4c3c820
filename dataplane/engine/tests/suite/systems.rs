//! Autonomous systems of requesters: what none of their hosts and none of their networks shows.

use std::num::NonZeroU32;

use repute_model::{Band, Command, Explanation, Factor, Homes, Policy, Prefix};

use crate::common::dns::{A, NOERROR, NXDOMAIN};
use crate::common::frame::Ip;
use crate::common::policy;
use crate::common::requesters::{Habit, Requester, Requesters, Skill};

const BOTS: u32 = 64_500;
const OTHERS: u32 = 64_501;
/// A little longer than a period of [`repute_engine`]'s account of systems.
const PERIOD: u64 = 65_600;

/// Two systems: one with 203.0.0.0/16, one with 198.51.0.0/16.
fn homes(first: u32) -> Homes {
    let prefix = |text: &str| -> Prefix { text.parse().unwrap() };
    let systems = [("203.0.0.0/16", first), ("198.51.0.0/16", OTHERS)];
    let systems = systems.map(|(text, number)| (prefix(text), NonZeroU32::new(number).unwrap()));
    Homes::new(systems, [(prefix("0.0.0.0/0"), *b"DE")])
}

fn known() -> Policy {
    Policy { homes: homes(BOTS), ..policy("[profiles.dns]") }
}

/// A host of a /24 of its system.
fn host(first: [u8; 2], network: u32, host: u8) -> Ip {
    [first[0], first[1], network as u8, host]
}

fn honest(first: [u8; 2], network: u32, skill: Skill) -> Requester {
    Requester::at(host(first, network, 200), Habit::Browser, skill)
}

/// Everybody asks for what exists, some also for what does not, for so many periods.
fn quiet(town: &mut Requesters, everybody: &mut [Requester], periods: u64) {
    let step = PERIOD / everybody.len() as u64;
    for period in 0..periods {
        for (n, who) in everybody.iter_mut().enumerate() {
            town.rig.idle(step);
            let name = format!("www{n}.garden-shop.com");
            assert!(town.resolve(who, &name, A, NOERROR, 2), "{period}: {n}");
            if n % 16 == 0 {
                town.resolve(who, &format!("wwww{n}.shop{n}.com"), A, NXDOMAIN, 0);
            }
        }
    }
}

/// Slow torture from every network of a system: three hosts in each of two hundred, each once in half a minute. How many
/// of the last half of their queries reached the server.
fn torture(town: &mut Requesters, below: &str) -> u32 {
    let mut reached = 0;
    for n in 0..1_800u32 {
        town.rig.idle(50);
        let name: String = (0..12).map(|_| char::from(b'a' + town.rng.below(26) as u8)).collect();
        let bot = host([203, 0], n % 200, 1 + (n / 200 % 3) as u8);
        let passed = town.strike(bot, &format!("{name}.{below}"));
        reached += u32::from(passed && n >= 900);
    }
    reached
}

fn value(why: &Explanation, factor: Factor) -> f64 {
    why.terms[factor.index()].value
}

fn told(why: &Explanation) -> String {
    let parts = why.terms.iter().filter(|term| term.part() > 0.0);
    let parts = parts.map(|term| format!("{} {:.2} of {:.2}", term.factor, term.evidence, term.part()));
    let parts = parts.collect::<Vec<_>>().join(", ");
    format!("{} {} {}: {parts}; {:?}", why.source, why.band, why.score, why.system)
}

fn town(policy: Policy) -> (Requesters, Vec<Requester>) {
    let mut town = Requesters::new(policy, 21);
    let skills = [Skill::Cookies, Skill::Tcp];
    let in_system = |first| (0..48).map(move |n| honest(first, 4 * n, skills[n as usize % 2]));
    let mut everybody: Vec<Requester> = in_system([203, 0]).chain(in_system([198, 51])).collect();
    quiet(&mut town, &mut everybody, 10);
    (town, everybody)
}

#[test]
fn slow_torture_from_one_system_is_challenged_and_its_neighbour_is_not() {
    let (mut town, mut everybody) = town(known());
    let before = town.rig.explain(everybody[0].ip);
    assert!([Factor::System, Factor::Spread].iter().all(|&factor| value(&before, factor) == 0.0));
    let reached = torture(&mut town, "garden-shop.com");
    let bot = town.rig.explain(host([203, 0], 77, 2));
    println!("{reached} of 900 reached; {}", told(&bot));
    assert_eq!(value(&bot, Factor::Network), 0.0, "three hosts of a /24 are no network");
    assert!(value(&bot, Factor::System) > 0.2 && value(&bot, Factor::Spread) > 0.5, "{}", told(&bot));
    assert!(bot.band >= Band::Neutral && reached < 90, "{reached}");
    let look = bot.system.unwrap();
    assert_eq!((look.number, look.is_learnt), (BOTS, true));
    assert!(look.failed >= 32 && look.spread.asking >= 32 && look.spread.usual < 0.3, "{look:?}");
    for n in 0..200 {
        let why = town.rig.explain(host([203, 0], n, 1));
        assert!(why.band < Band::Malicious, "nobody is blocked: {}", told(&why));
    }
    // The honest of the same system pass a challenge; those of another one are not asked for it.
    let neighbour = town.rig.explain(everybody[60].ip);
    assert!(neighbour.band <= Band::Good, "{}", told(&neighbour));
    assert_eq!((neighbour.system.unwrap().number, neighbour.system.unwrap().random), (OTHERS, 0));
    let same = town.rig.explain(everybody[7].ip);
    assert_eq!(value(&same, Factor::Spread), 0.0, "{}", told(&same));
    quiet(&mut town, &mut everybody, 1);
}

#[test]
fn where_no_system_is_known_nothing_is_said() {
    let (mut town, _) = town(policy("[profiles.dns]"));
    torture(&mut town, "garden-shop.com");
    let bot = town.rig.explain(host([203, 0], 77, 2));
    assert_eq!((value(&bot, Factor::System), value(&bot, Factor::Spread)), (0.0, 0.0), "{}", told(&bot));
    assert_eq!(bot.system, None);
}

#[test]
fn what_asks_from_everywhere_at_the_beginning_is_no_spread() {
    let mut town = Requesters::new(known(), 22);
    torture(&mut town, "garden-shop.com");
    let bot = town.rig.explain(host([203, 0], 77, 2));
    assert_eq!(value(&bot, Factor::Spread), 0.0, "{}", told(&bot));
    assert!(!bot.system.unwrap().is_learnt);
}

#[test]
fn a_new_file_moves_sources_to_their_new_system() {
    let mut town = Requesters::new(known(), 23);
    let mut who = honest([203, 0], 1, Skill::Cookies);
    town.resolve(&mut who, "www.garden-shop.com", A, NOERROR, 2);
    assert_eq!(town.rig.explain(who.ip).system.map(|look| look.number), Some(BOTS));
    let next = Policy { version: 2, edition: 2, homes: homes(64_999), ..known() };
    town.rig.tell(Command::Install(Box::new(next)));
    town.resolve(&mut who, "www.garden-shop.com", A, NOERROR, 2);
    assert_eq!(town.rig.explain(who.ip).system.map(|look| look.number), Some(64_999));
    town.rig.tell(Command::Install(Box::new(Policy { version: 3, edition: 3, ..policy("[profiles.dns]") })));
    town.resolve(&mut who, "www.garden-shop.com", A, NOERROR, 2);
    assert_eq!(town.rig.explain(who.ip).system, None);
}
