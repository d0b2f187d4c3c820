//! The side tables against plain models and exact arithmetic: contacts, GCRA, prefilter.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, VecDeque};

use common::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use repute_model::{Meter, Tick};
use repute_reputation::{ContactState, Contacts, Prefilter, Refused, conforms};

/// A contact as the model keeps it.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Kept {
    asker: Option<(u32, u8)>,
    host: u32,
    state: ContactState,
}

fn key(i: u32) -> u64 {
    (u64::from(i) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn state(i: u8) -> ContactState {
    use ContactState::{Answered, Failed, Loose, Pending, Used};
    [Pending, Loose, Answered, Used, Failed][usize::from(i % 5)]
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn contacts_are_a_map_that_may_forget_but_never_lies(
        steps in vec((0..3u8, 0..300u32, any::<u8>(), 0..50u64), 1..600),
    ) {
        let mut contacts = Contacts::new(256);
        let mut model: BTreeMap<u32, Kept> = BTreeMap::new();
        let (mut inserted, mut now) = (0u64, 0);
        for (what, i, value, ms) in steps {
            now += ms;
            let found = contacts.get(key(i)).copied();
            match found {
                Some(contact) => {
                    let kept = Kept { asker: contact.asker(), host: contact.host(), state: contact.state() };
                    prop_assert_eq!(Some(&kept), model.get(&i));
                }
                None => { model.remove(&i); }
            }
            match what {
                0 if found.is_none() => {
                    let asker = (value % 3 != 0).then_some((u32::from(value) * 7, value));
                    let kept = Kept { asker, host: u32::from(value) << 8 | i, state: state(value) };
                    contacts.insert(key(i), kept.asker, kept.host, kept.state, Tick(now));
                    model.insert(i, kept);
                    inserted += 1;
                }
                1 => {
                    let old = contacts.settle(key(i), state(value));
                    prop_assert_eq!(old, model.get(&i).map(|kept| kept.state));
                    if let Some(kept) = model.get_mut(&i) {
                        kept.state = state(value);
                    }
                }
                _ => {}
            }
        }
        let here = (0..300).filter(|&i| contacts.get(key(i)).is_some()).count() as u64;
        prop_assert_eq!(here + contacts.forgotten(), inserted);
    }

    #[test]
    fn silence_is_charged_once_to_everyone_who_waits(
        asked in vec((0..200u32, 0..5u8, 0..2_000u64), 1..100),
    ) {
        // Room enough that nothing is forgotten.
        let mut contacts = Contacts::new(1 << 14);
        let mut waiting: BTreeMap<u32, u64> = BTreeMap::new();
        for (i, value, at) in asked {
            if contacts.get(key(i)).is_none() {
                contacts.insert(key(i), Some((i, 0)), i, state(value), Tick(at));
                if state(value) == ContactState::Pending {
                    waiting.insert(i, at);
                }
            }
        }
        let mut silent: BTreeMap<u32, u64> = BTreeMap::new();
        for now in 2_000..8_000 {
            contacts.expire(now % 500, 500, Tick(now), 3_000, |contact| {
                assert!(silent.insert(contact.host(), now).is_none(), "charged twice");
                true
            });
        }
        prop_assert_eq!(silent.len(), waiting.len());
        for (host, at) in waiting {
            let noticed = silent[&host] - at;
            prop_assert!((3_000..3_500).contains(&noticed), "after {} ms", noticed);
        }
    }

    #[test]
    fn gcra_agrees_with_exact_arithmetic(
        rate in 1..=1_000_000u32,
        burst in 1..=60u32,
        gaps in vec((0..400u64, 1..40u32), 1..60),
    ) {
        let meter = Meter { packets_per_s: Some(rate), packet_burst: burst, bytes_per_s: None, byte_burst: 0 };
        let (mut tat, mut unused, mut now) = (0, 0, 1_000);
        // Time in units of 1/(10^6·rate) ns, so that a packet's cost of 10^9/rate ns is a whole number.
        let unit = u128::from(rate);
        let (cost, tick) = (1_000_000_000u128, 1_000_000 * unit);
        let tolerance = (cost * u128::from(burst)).max(tick);
        let mut exact = 0u128;
        let mut passed = 0u64;
        for (ms, packets) in gaps {
            now += ms;
            for _ in 0..packets {
                let ours = conforms(&meter, Tick(now), 64, &mut tat, &mut unused);
                let at = u128::from(now) * tick;
                let next = exact.max(at) + cost;
                let theirs = next <= at + tolerance;
                // The whole nanoseconds of the cost run ahead by less than one a packet.
                let close = (next.max(at + tolerance) - next.min(at + tolerance)) <= unit * (u128::from(passed) + u128::from(burst) + 2);
                prop_assert!(ours.is_ok() == theirs || close, "at {now}: {ours:?}, exactly {theirs}");
                prop_assert!(ours.is_ok() || ours == Err(Refused::Packets));
                if ours.is_ok() {
                    exact = next;
                    passed += 1;
                }
            }
        }
        prop_assert_eq!(unused, 0);
    }

    #[test]
    fn the_prefilter_never_forgets_more_than_half_within_its_window(
        keys in vec(0..600u32, 1..3_000),
        size in 1..2_000u32,
    ) {
        let mut filter = Prefilter::new(size);
        let window = filter.window() as usize;
        let mut recent: VecDeque<u32> = VecDeque::new();
        let mut times: BTreeMap<u32, u32> = BTreeMap::new();
        for (n, i) in keys.into_iter().enumerate() {
            recent.push_back(i);
            *times.entry(i).or_default() += 1;
            if recent.len() > window {
                let old = recent.pop_front().unwrap();
                *times.get_mut(&old).unwrap() -= 1;
            }
            let (seen, counted) = (times[&i], filter.count(key(i) ^ key(i) >> 32));
            // Each counter is halved once a window; before the first halving nothing is lost at all.
            let least = if n < 15 { seen } else { seen.min(15).div_ceil(2) };
            prop_assert!(counted >= least && counted <= 15, "{} of {}", counted, seen);
        }
    }
}
