//! Whole populations of requesters: who is honest is resolved, who is not ends badly, whatever he can do.

use repute_model::{Band, Explanation, Factor};

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
