//! The shard against a plain model: it holds what a map would hold, and when full it keeps whom it must.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use repute_model::{
    Address, Band, Baseline, Dwell, Factor, Homes, Inspection, Limits, Listing, Model, Policy, PrefixTable,
    Profile, Protect, Ramp, Score, Source, SourceState, Thresholds, Tick, Treatment, Weighting, Width,
};
use repute_reputation::{Flags, Rules, Shard, Slot};

fn profile() -> Profile {
    let ramp = Ramp { from: 0.0, full: 1.0 };
    let mut factors = [Weighting { weight: 0.0, ramp }; Factor::COUNT];
    factors[Factor::Feed.index()].weight = 1.0;
    let drop = Treatment { drop: true, ..Treatment::PASS };
    Profile {
        model: Model::WeightedSum,
        prior: Score::new(7_500),
        half_life_ms: 600_000,
        evidence_half_life_ms: 300_000,
        window_ms: 1_000,
        silence_ms: 3_000,
        excuse: 4.0,
        factors,
        baseline: Baseline { alpha: 0.1, warm_up: 8, floor_packets_per_s: 100.0, floor_bytes_per_s: 1e6 },
        thresholds: Thresholds { least: [8_500, 6_500, 4_500, 2_500].map(Score::new), hysteresis: 300 },
        dwell: Dwell { worse_ms: 50, better_ms: 10_000 },
        treatments: [Treatment::PASS, Treatment::PASS, Treatment::PASS, drop, drop],
        crowds: repute_model::CrowdRules::OFF,
    }
}

/// 10.1.0.0/16 is allowed, 10.2.0.0/16 denied.
fn policy() -> Policy {
    let lists = [("10.1.0.0/16", Listing::Allow), ("10.2.0.0/16", Listing::Deny(100))];
    Policy {
        version: 1,
        edition: 1,
        digest: [0; 32],
        shadow: false,
        inside: PrefixTable::default(),
        ingress: Some(profile()),
        egress: None,
        dns: None,
        protect: Protect::default(),
        control_packets_per_s: 1_000,
        lists: PrefixTable::new(lists.map(|(prefix, listing)| (prefix.parse().unwrap(), listing))),
        homes: Homes::default(),
        destinations: PrefixTable::default(),
        destination_default: Score::MAX,
        services: Vec::new(),
        inspection: Inspection::default(),
    }
}

fn rules(policy: &Policy) -> Rules<'_> {
    Rules { policy, profile: policy.ingress.as_ref().unwrap() }
}

fn source(bits: u32) -> Source {
    Source::of(Address::v4(bits), Width::OUTSIDE).unwrap()
}

fn limits(sources: u32) -> Limits {
    Limits { sources, contacts: 256, sweep_ms: 20, ..Limits::default() }
}

/// What can happen to a shard.
#[derive(Clone, Debug)]
enum Step {
    /// A packet of this source.
    Packet(u32),
    /// Time passes, one sweep a tick.
    Sweep(u16),
    /// Time jumps, far enough for idle entries to expire.
    Jump,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        40 => (0..400u32).prop_map(Step::Packet),
        5 => (1..60u16).prop_map(Step::Sweep),
        1 => Just(Step::Jump),
    ];
    vec(step, 1..400)
}

/// Every source the shard holds, each found under its own number.
fn held(shard: &Shard, universe: impl Iterator<Item = u32>) -> BTreeSet<u32> {
    let found: BTreeSet<u32> = universe.filter(|&bits| shard.find(source(bits)).is_some()).collect();
    for &bits in &found {
        let slot = shard.find(source(bits)).unwrap();
        assert_eq!(shard.warm(slot).address, Address::v4(bits));
    }
    found
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_shard_that_is_not_full_is_a_map(steps in steps()) {
        let policy = policy();
        let rules = rules(&policy);
        // A third of the table at most: nothing is ever refused or taken away.
        let mut shard = Shard::new(&limits(2_048), 3);
        let mut model: BTreeMap<u32, u32> = BTreeMap::new();
        let mut now = Tick(1);
        for step in steps {
            match step {
                Step::Packet(i) => {
                    let bits = 0x0a09_0000 + i;
                    let known = shard.find(source(bits));
                    prop_assert_eq!(known.is_some(), model.contains_key(&bits));
                    let slot = known.or_else(|| shard.admit(source(bits), rules.profile.prior, rules, now)).unwrap();
                    shard.hot_mut(slot).last_seen = now.low();
                    shard.hot_mut(slot).tat_packets += 1;
                    let count = model.entry(bits).or_default();
                    *count += 1;
                    // What is kept about a source is its own.
                    prop_assert_eq!(shard.hot(slot).tat_packets, u64::from(*count));
                }
                Step::Sweep(ticks) => for _ in 0..ticks {
                    now = Tick(now.0 + 1);
                    shard.sweep(rules, now, 20, |_, _| {});
                },
                Step::Jump => {
                    now = Tick(now.0 + 700_000);
                    shard.jump(rules, now, |_, _| {});
                    model.clear();
                }
            }
            prop_assert_eq!(shard.occupancy().tracked, model.len() as u64);
        }
        let universe = (0..400).map(|i| 0x0a09_0000 + i);
        prop_assert_eq!(held(&shard, universe), model.keys().copied().collect::<BTreeSet<_>>());
        let occupancy = shard.occupancy();
        prop_assert_eq!((occupancy.evicted, occupancy.refused), (0, 0));
        prop_assert_eq!(occupancy.admitted, occupancy.tracked + occupancy.expired);
    }

    #[test]
    fn a_full_shard_never_gives_up_whom_it_must_keep(
        kept in vec((0..4u8, any::<u8>()), 1..20),
        crowd in vec(0..5_000u32, 200..2_000),
    ) {
        let policy = policy();
        let rules = rules(&policy);
        let mut shard = Shard::new(&limits(64), 3);
        let mut now = Tick(10);
        let mut must_stay = BTreeSet::new();
        for (why, i) in kept {
            let bits = [0x0a01_0000, 0x0a02_0000, 0x0a03_0000, 0x0a04_0000][usize::from(why)] + u32::from(i) + 1;
            let Some(slot) = shard.find(source(bits)).or_else(|| shard.admit(source(bits), rules.profile.prior, rules, now)) else { continue };
            match why {
                2 => { shard.nudge(slot, -4_000, false, rules, now); }
                3 => shard.hot_mut(slot).flags.set(Flags::PROVEN, true),
                // The lists have named it on admission.
                _ => {}
            }
            must_stay.insert(bits);
        }
        // Each comes twice in a row, so that the prefilter has seen it.
        for i in crowd.into_iter().flat_map(|i| [i, i]) {
            now = Tick(now.0 + 1);
            let bits = 0x0b00_0000 + i;
            let found = shard.find(source(bits)).or_else(|| shard.admit(source(bits), rules.profile.prior, rules, now));
            if let Some(slot) = found {
                shard.hot_mut(slot).last_seen = now.low();
            }
            shard.sweep(rules, now, 20, |_, _| {});
            prop_assert!(shard.occupancy().tracked <= 64);
        }
        prop_assert_eq!(held(&shard, must_stay.iter().copied()), must_stay.clone());
        prop_assert!(must_stay.len() > 40 || shard.occupancy().evicted > 0, "{:?}", shard.occupancy());
    }
}

#[test]
fn a_shard_of_known_good_and_bad_refuses_newcomers() {
    let policy = policy();
    let rules = rules(&policy);
    let mut shard = Shard::new(&limits(64), 3);
    let admit = |shard: &mut Shard, bits: u32| -> Option<Slot> {
        // Often enough for the prefilter to have seen it, even if it just aged.
        (0..4).find_map(|_| shard.admit(source(bits), rules.profile.prior, rules, Tick(5_000)))
    };
    for i in 0..64 {
        let slot = admit(&mut shard, 0x0a03_0001 + i).unwrap();
        shard.nudge(slot, -4_000, false, rules, Tick(5_000));
        assert_eq!(shard.hot(slot).band, Band::Poor);
    }
    assert!((0..100).all(|i| admit(&mut shard, 0x0b00_0001 + i).is_none()));
    assert_eq!((shard.occupancy().tracked, shard.occupancy().evicted), (64, 0));
}

/// What a restore may say of one source.
fn known(source: Source) -> impl Strategy<Value = SourceState> {
    let standing = (0..=10_000u16, 0..Band::ALL.len(), any::<bool>());
    let baseline = (any::<u8>(), any::<u8>(), 0..2_000_000u32);
    (standing, baseline).prop_map(move |((score, band, proven), (samples, mitigations, in_band_ms))| {
        SourceState {
            proven,
            samples,
            mitigations,
            in_band_ms,
            packets_mean: f32::from(samples),
            ..SourceState::new(source, Score::new(score), Band::ALL[band])
        }
    })
}

proptest! {
    #![proptest_config(cases(256))]

    /// Records of one source, in any order and any number of times, make the worst of all of them.
    #[test]
    fn of_all_that_is_known_the_worst_counts(states in vec(known(source(0x0a09_0001)), 1..6), again in any::<bool>()) {
        let policy = policy();
        let now = Tick(10_000_000);
        let restored = |order: &[SourceState]| {
            let mut shard = Shard::new(&limits(2_048), 7);
            order.iter().for_each(|state| assert!(shard.restore(state, rules(&policy), now).is_some()));
            let slot = shard.find(source(0x0a09_0001)).unwrap();
            shard.state_of(slot, source(0x0a09_0001), now)
        };
        let mut order = states.clone();
        if again {
            order.extend_from_slice(&states);
        }
        let all = restored(&order);
        prop_assert_eq!(all.score, states.iter().map(|state| state.score).min().unwrap());
        let band = states.iter().map(|state| state.band).max().unwrap();
        prop_assert_eq!(all.band, band);
        let entered = states.iter().filter(|state| state.band == band).map(|state| state.in_band_ms).min();
        prop_assert_eq!(Some(all.in_band_ms), entered);
        prop_assert_eq!(all.mitigations, states.iter().map(|state| state.mitigations).max().unwrap());
        prop_assert_eq!(all.samples, states.iter().map(|state| state.samples).max().unwrap());
        prop_assert_eq!(all.packets_mean, f32::from(all.samples));
        prop_assert_eq!(all.proven, states.iter().any(|state| state.proven));
        order.reverse();
        prop_assert_eq!(restored(&order), all);
    }
}

#[test]
fn what_inspection_found_comes_back_and_fades_to_nothing() {
    let policy = policy();
    let mut shard = Shard::new(&limits(64), 7);
    let known = SourceState { hits: 2 * 256, ..SourceState::new(source(9), Score::new(7_500), Band::Good) };
    shard.restore(&known, rules(&policy), Tick(1_000)).unwrap();
    let slot = shard.find(source(9)).unwrap();
    let hits = |shard: &Shard, now| shard.state_of(slot, source(9), now).hits;
    assert_eq!(hits(&shard, Tick(1_000)), known.hits);
    shard.found(slot, 256);
    let half_life = policy.ingress.as_ref().unwrap().evidence_half_life_ms;
    let then = Tick(1_000 + half_life);
    (1_001..=then.0).for_each(|tick| shard.sweep(rules(&policy), Tick(tick), 100, |_, _| {}));
    assert!(hits(&shard, then).abs_diff(3 * 128) < 32, "{}", hits(&shard, then));
    let waited = SourceState { hits: 3 * 256, ..known };
    assert_eq!(repute_reputation::aged(&waited, half_life, rules(&policy).profile).hits, 3 * 128);
}
