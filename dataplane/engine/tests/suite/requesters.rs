//! Whole populations of requesters: who is honest is resolved, who is not ends badly, whatever he can do.

use repute_model::{Band, Explanation, Factor};

use crate::common::dns::{A, NOERROR};
use crate::common::policy;
use crate::common::requesters::{Habit, Requester, Requesters, Skill};

const SEEDS: [u64; 3] = [11, 12, 13];
const HONEST: [Habit; 4] = [Habit::Browser, Habit::Searcher, Habit::Mail, Habit::Resolver];
const SKILLS: [Skill; 2] = [Skill::Cookies, Skill::Tcp];

fn town(seed: u64) -> Requesters {
    Requesters::new(policy("[profiles.dns]"), seed)
}

fn told(why: &Explanation) -> String {
    let parts = why.terms.iter().filter(|term| term.part() > 0.0);
    let parts = parts.map(|term| format!("{} {:.2} of {:.2}", term.factor, term.evidence, term.part()));
    format!("{} {}: {}", why.band, why.score, parts.collect::<Vec<_>>().join(", "))
}

#[test]
fn who_is_honest_is_resolved() {
    let mut town = town(7);
    let kinds = HONEST.iter().flat_map(|&habit| SKILLS.map(|skill| (habit, skill))).cycle();
    let mut everybody: Vec<Requester> =
        kinds.zip(0..40).map(|((habit, skill), n)| Requester::new(2 * n, habit, skill)).collect();
    while town.asked < 12_000 {
        let who = town.rng.below(everybody.len() as u32) as usize;
        town.step(&mut everybody[who]);
    }
    for who in &everybody {
        println!("{:?} {:?}: {}", who.habit, who.skill, told(&town.rig.explain(who.ip)));
    }
    let share = town.answered as f64 / town.asked as f64;
    println!("{} of {} answered, {:?}", town.answered, town.asked, town.rig.account().dns);
    assert!(share >= 0.998, "{share}");
}

/// One bad requester among good ones, asking as often as all of them.
fn one_bad(seed: u64, habit: Habit, skill: Skill) -> (Requesters, Requester) {
    let mut town = town(seed);
    let mut bad = Requester::new(4_001, habit, skill);
    let mut good: Vec<Requester> =
        (0..8).map(|n| Requester::new(2 * n, Habit::Browser, SKILLS[n as usize % 2])).collect();
    for n in 0..400 {
        town.step(&mut bad);
        let (asked, answered) = (town.asked, town.answered);
        town.step(&mut good[n % 8]);
        assert_eq!(town.answered - answered, town.asked - asked, "{n}: a good one loses nothing");
    }
    (town, bad)
}

#[test]
fn algorithms_and_tunnels_end_badly() {
    for seed in SEEDS {
        for skill in [Skill::Cookies, Skill::Tcp, Skill::None] {
            for (habit, cause) in
                [(Habit::Algorithm, Factor::RandomNames), (Habit::Tunnel, Factor::FreshNames)]
            {
                let (town, bad) = one_bad(seed, habit, skill);
                let why = town.rig.explain(bad.ip);
                println!("seed {seed} {habit:?} {skill:?}: {} reached, {}", town.reached, told(&why));
                assert!(why.band >= Band::Poor, "{}", told(&why));
                assert!(why.terms[cause.index()].value > 0.3, "{}", told(&why));
            }
        }
    }
}

/// Letters by chance.
fn random(town: &mut Requesters) -> String {
    (0..10).map(|_| char::from(b'a' + town.rng.below(26) as u8)).collect()
}

#[test]
fn a_domain_under_attack_keeps_its_names_and_the_server_its_peace() {
    for seed in SEEDS {
        let mut town = town(seed);
        let mut honest: Vec<Requester> =
            (0..10).map(|n| Requester::new(2 * n, Habit::Browser, SKILLS[n as usize % 2])).collect();
        let exists = |n: u32| format!("host{}.garden-shop.com", n % 20);
        let visit = |town: &mut Requesters, honest: &mut [Requester], n: u32| {
            let who = n as usize % honest.len();
            assert!(town.resolve(&mut honest[who], &exists(n), A, NOERROR, 2), "seed {seed}: {n}");
        };
        (0..60).for_each(|n| visit(&mut town, &mut honest, n));
        let (mut asked, mut reached, begun) = (0, 0, town.rig.now.0);
        for n in 0..6_000 {
            town.rig.idle(1);
            for _ in 0..2 {
                let (bot, name) = (town.rng.below(3_000), random(&mut town));
                let from = [203, 0, (bot >> 8) as u8, bot as u8 | 1];
                let passed = town.strike(from, &format!("{name}.garden-shop.com"));
                if town.rig.now.0 > begun + 2_000 {
                    (asked, reached) = (asked + 1, reached + u32::from(passed));
                }
            }
            if n % 10 == 0 {
                visit(&mut town, &mut honest, n);
            }
        }
        let share = f64::from(reached) / f64::from(asked);
        println!(
            "seed {seed}: {reached} of {asked} random names reached the server, {:?}",
            town.rig.account().dns
        );
        assert!(asked > 5_000 && share <= 0.05, "{share}");
        assert!(town.rig.account().dns.attacked >= 1);
        // A name that nobody asked for yet is found by who can prove himself.
        assert!(town.resolve(&mut honest[0], "new.garden-shop.com", A, NOERROR, 2));
        assert!(town.resolve(&mut honest[1], "newer.garden-shop.com", A, NOERROR, 2));
    }
}

#[test]
fn neighbours_who_ask_a_little_each_are_seen_together() {
    let mut town = town(5);
    for n in 0..600 {
        town.rig.idle(5);
        let name = random(&mut town) + &random(&mut town);
        town.strike([203, 0, 113, (n % 200) as u8 + 1], &format!("{name}.com"));
    }
    let why = town.rig.explain([203, 0, 113, 77]);
    let network = why.terms[Factor::Network.index()];
    assert!(network.value > 0.8, "{}", told(&why));
    assert!(why.terms[Factor::RandomNames.index()].evidence < 0.3, "three queries are few: {}", told(&why));
    assert!(town.rig.explain([203, 0, 114, 77]).terms[Factor::Network.index()].value == 0.0);
}
