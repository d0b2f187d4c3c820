//! Systems against what a plain account of the same queries says.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_model::{Factor, Home};

use super::*;

const AS: u32 = 64_500;
const PERIOD: u64 = 1 << PERIOD_BITS;

fn resident(system: u32, country: u8) -> Resident {
    let mut resident = Resident::NEW;
    resident.lives(Home { system: NonZeroU32::new(system), country: Some(country) });
    resident
}

fn inquiry(domain: u32, is_random: bool) -> Inquiry {
    Inquiry { carries_data: false, is_random, is_honeypot: false, domain, name: 1, below: 9 }
}

/// Evidence in 1/255.
fn evidence(resident: &Resident, factor: Factor) -> u32 {
    let found = resident.evidence().into_iter().find(|(one, _)| *one == factor).unwrap();
    (found.1 * 255.0).round() as u32
}

/// A query from network `n` of a system.
fn ask(systems: &mut Systems, system: u32, n: u64, name: (u32, bool), at: u64) -> Resident {
    let mut who = resident(system, (n % 5) as u8);
    systems.asks(&mut who, n << 20, &inquiry(name.0, name.1), Tick(at));
    who
}

/// What everybody asks for in a quiet system, for so many periods: one in ten names looks random, of many domains.
fn quiet(systems: &mut Systems, system: u32, periods: u64) {
    for period in 0..periods {
        for n in 0..256 {
            ask(
                systems,
                system,
                n % 64,
                (1_000 + n as u32, n % 10 == period % 10),
                period * PERIOD + 200 * n,
            );
        }
    }
}

#[test]
fn a_row_is_two_cache_lines() {
    assert_eq!(size_of::<Row>(), 128);
}

#[test]
fn many_networks_show_what_none_does_alone() {
    let told = |networks: u64, random: fn(u64) -> bool| {
        let mut systems = Systems::new();
        let last = (0..640).map(|n| ask(&mut systems, AS, n % networks, (n as u32, random(n % networks)), n));
        evidence(&last.last().unwrap(), Factor::System)
    };
    assert!(told(64, |_| true) > 230);
    assert_eq!(told(11, |_| true), 0, "eleven networks are few");
    assert!((110..128).contains(&told(64, |n| n % 2 == 0)));
    assert!(told(64, |n| n == 7) < 6, "however much one asks, it is one");
}

#[test]
fn one_loud_network_is_not_held_against_the_others() {
    let mut systems = Systems::new();
    quiet(&mut systems, AS, 1);
    for n in 0..10_000 {
        ask(&mut systems, AS, 3, (7, true), PERIOD + n);
    }
    assert!(evidence(&ask(&mut systems, AS, 9, (7, false), PERIOD + 10_000), Factor::System) < 60);
}

#[test]
fn failures_count_as_well_and_rest_makes_good() {
    let mut systems = Systems::new();
    for n in 0..64 {
        systems.learns(&mut resident(AS, 0), n << 20, 7, true, Tick(n));
    }
    assert!(evidence(&ask(&mut systems, AS, 0, (7, false), 100), Factor::System) > 230);
    let half = evidence(&ask(&mut systems, AS, 0, (7, false), PERIOD), Factor::System);
    assert!((200..240).contains(&half), "the half that is left says the same: {half}");
    assert_eq!(evidence(&ask(&mut systems, AS, 0, (7, false), 4 * PERIOD), Factor::System), 0);
}

#[test]
fn spread_is_held_against_those_who_ask_for_such_names() {
    let mut systems = Systems::new();
    quiet(&mut systems, AS, 12);
    let mut last = Resident::NEW;
    for n in 0..64 {
        last = ask(&mut systems, AS, n, (7, true), 12 * PERIOD + 10 * n);
    }
    assert!(evidence(&last, Factor::Spread) > 150, "{last:?}");
    let other = ask(&mut systems, AS, 5, (8, true), 12 * PERIOD + 900);
    assert_eq!(evidence(&other, Factor::Spread), 0, "a random name of another domain");
    let plain = ask(&mut systems, AS, 5, (7, false), 12 * PERIOD + 900);
    assert_eq!(evidence(&plain, Factor::Spread), 0, "an ordinary name of that domain");
    let neighbour = ask(&mut systems, AS + 1, 5, (7, true), 12 * PERIOD + 900);
    assert!(neighbour.is_calm(), "another system");
    let look = systems.look(AS, Tick(12 * PERIOD + 900)).unwrap();
    assert!(look.is_learnt && look.spread.asking == 64 && look.spread.usual < 0.2, "{look:?}");
    assert_eq!((look.countries.asking, look.countries.of), (5, 5));
}

#[test]
fn nothing_is_said_before_it_is_known_what_is_usual() {
    let mut systems = Systems::new();
    for at in 0..7 * 64 {
        let who = ask(&mut systems, AS, at % 64, (7, true), at * PERIOD / 64);
        assert_eq!(evidence(&who, Factor::Spread), 0, "{at}");
    }
}

/// The search list of a provider: every home router of it asks for the same name that does not exist.
#[test]
fn what_is_usual_is_no_spread() {
    let mut systems = Systems::new();
    for at in 0..40 * 64 {
        let mut who = resident(AS, 0);
        systems.learns(&mut who, (at % 64) << 20, 7, true, Tick(at * PERIOD / 64));
        assert!(evidence(&who, Factor::Spread) < 40, "{at}: {who:?}");
    }
}

#[test]
fn an_attack_is_not_soon_usual() {
    let mut systems = Systems::new();
    quiet(&mut systems, AS, 12);
    let mut last = Resident::NEW;
    for at in 0..10 * 64 {
        last = ask(&mut systems, AS, at % 64, (7, true), 12 * PERIOD + at * PERIOD / 64);
    }
    assert!(evidence(&last, Factor::Spread) > 120, "ten minutes later: {last:?}");
}

#[test]
fn countries_show_what_many_networks_of_one_country_do_not() {
    let mut systems = Systems::new();
    // Half of the networks fail at one domain, as always, all of them in one country of eight.
    let say = |systems: &mut Systems, country: u8, n: u64, at: u64| {
        let mut who = resident(AS, country);
        let fails = n.is_multiple_of(2);
        systems.asks(&mut who, n << 20, &inquiry(7, fails), Tick(at));
        who
    };
    for at in 0..12 * 64 {
        let n = at % 64;
        say(&mut systems, if n % 2 == 0 { 0 } else { (n / 2 % 8) as u8 }, n, at * PERIOD / 64);
    }
    let mut last = Resident::NEW;
    for n in 0..64 {
        last = say(&mut systems, (n / 2 % 8) as u8, n, 12 * PERIOD + n);
    }
    let before = evidence(&last, Factor::Spread);
    let last = say(&mut systems, 3, 6, 12 * PERIOD + 99);
    assert!(evidence(&last, Factor::Spread) > 120, "{before} {last:?}");
}

#[test]
fn whoever_rested_longest_makes_room() {
    let mut systems = Systems::new();
    let others = (1..).filter(|&system| set(system) == set(AS) && system != AS);
    let crowded: Vec<u32> = others.take(WAYS).collect();
    for (n, &system) in crowded.iter().chain([&AS]).enumerate() {
        ask(&mut systems, system, 1, (7, false), n as u64 * PERIOD);
    }
    let known = |system: u32| systems.sets[set(system)].iter().any(|row| row.system == system);
    assert_eq!(systems.forgotten(), 1);
    assert!(!known(crowded[0]) && crowded[1..].iter().all(|&system| known(system)) && known(AS));
    assert_eq!(systems.look(crowded[0], Tick(4 * PERIOD)), None);
}

/// The same account in maps: what each class said last, and which of them ask for names of which domain.
#[derive(Default)]
struct Plain {
    period: u64,
    seen: BTreeSet<u64>,
    random: BTreeSet<u64>,
    failed: BTreeSet<u64>,
    asking: BTreeMap<u32, BTreeSet<u64>>,
}

impl Plain {
    fn turn(&mut self, period: u64) {
        let passed = period - self.period;
        let kept = |class: &u64| passed == 0 || passed == 1 && class % 2 == period % 2;
        let sets = [&mut self.seen, &mut self.random, &mut self.failed];
        sets.into_iter().chain(self.asking.values_mut()).for_each(|set| set.retain(kept));
        self.period = period;
    }

    fn say(&mut self, class: u64, of_query: bool, domain: u32, odd: bool) {
        self.seen.insert(class);
        let said = if of_query { &mut self.random } else { &mut self.failed };
        if odd {
            said.insert(class)
        } else {
            said.remove(&class)
        };
        if odd {
            self.asking.entry(domain).or_default().insert(class);
        }
    }

    fn oddity(&self) -> u32 {
        let (seen, odd) = (self.seen.len() as u32, self.random.len().max(self.failed.len()) as u32);
        if seen < NETWORKS_MIN { 0 } else { 255 * odd / (seen + NETWORKS_DOUBT) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Networks are counted exactly; no domain is counted from more of them than ask, and of few domains from no fewer.
    #[test]
    fn as_in_maps(
        steps in prop::collection::vec((0u64..64, any::<bool>(), 1u32..9, any::<bool>(), 0u64..3_000), 1..300),
        few in any::<bool>(),
    ) {
        let (mut systems, mut plain, mut now) = (Systems::new(), Plain::default(), 0);
        for (class, of_query, domain, odd, passed) in steps {
            let domain = if few { 1 + domain % 3 } else { domain };
            now += passed;
            plain.turn(now >> PERIOD_BITS);
            let mut who = resident(AS, 0);
            if of_query {
                systems.asks(&mut who, class << 20, &inquiry(domain, odd), Tick(now));
            } else {
                systems.learns(&mut who, class << 20, domain, odd, Tick(now));
            }
            plain.say(class, of_query, domain, odd);
            if of_query {
                prop_assert_eq!(evidence(&who, Factor::System), plain.oddity());
            }
            let look = systems.look(AS, Tick(now)).unwrap();
            let counts = [&plain.seen, &plain.random, &plain.failed].map(|set| set.len() as u8);
            prop_assert_eq!([look.networks, look.random, look.failed], counts);
            let widest = plain.asking.values().map(BTreeSet::len).max().unwrap_or(0) as u8;
            prop_assert!(look.spread.asking <= widest && (!few || look.spread.asking == widest));
        }
    }
}
