//! The self-test against software NICs of every kind, and the hash against published vectors.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use repute_model::toeplitz::{End, Flow, Input, Key, Reta, Spread, Toeplitz};
use repute_model::{Address, Owners, Width};
use repute_wire::parse_ip;
use serde_json::Value;

use super::soft_nic::SoftNic;
use super::{Absence, Claim, Fault, Hint, Outcome, SelfTest, flow};

const WORKERS: u16 = 4;

/// Any numbers: a linear congruential generator.
fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 31
    }
}

fn key(seed: u64) -> Key {
    let mut noise = noise(seed);
    let bytes: Vec<u8> = (0..40).map(|_| (noise() >> 40) as u8).collect();
    Key::new(&bytes).unwrap()
}

fn reta() -> Reta {
    Reta::even(128, WORKERS).unwrap()
}

/// What the box gives its ports.
fn spread() -> Spread {
    Spread::new(&key(1).for_sources(Width::OUTSIDE, reta().index_bits()), reta())
}

/// Packets between many hosts, IPv6 where `v6`.
fn flows(seed: u64, v6: bool) -> impl Iterator<Item = Flow> {
    let mut noise = noise(seed);
    std::iter::from_fn(move || {
        let mut address = || match v6 {
            true => Address(0x2001 << 112 | u128::from(noise()) << 40 | u128::from(noise() >> 32)),
            false => Address::v4(0x0a00_0000 | (noise() >> 40) as u32),
        };
        let (src, dst) = (address(), address());
        Some(Flow { src, dst, ports: Some((noise() as u16, 443)) })
    })
}

fn claim(owner: End) -> Claim {
    Claim { queues: WORKERS, hashes: Some(Input::Only(owner)), owner, width: Width::OUTSIDE }
}

/// What the self-test finds on a NIC, of packets of both families.
fn outcome(claim: Claim, nic: &SoftNic) -> Option<Outcome> {
    let mut test = SelfTest::new(claim, spread(), Owners::Toeplitz(Arc::new(spread())));
    for (v4, v6) in flows(7, false).zip(flows(8, true)).take(32) {
        for flow in [v4, v6] {
            let (queue, hash) = nic.receive(&flow);
            test.feed(&flow, queue, hash);
        }
    }
    test.outcome()
}

#[test]
fn a_right_hash_is_believed_and_costs_nothing() {
    for owner in [End::Source, End::Destination] {
        let nic = SoftNic { input: Some(Input::Only(owner)), spread: spread() };
        let found = outcome(claim(owner), &nic).unwrap();
        assert_eq!(found, Outcome { hint: Hint::Right, samples: 64, elsewhere: 0 });
        assert_eq!(found.to_string(), "RSS hashes the owner's address: packets arrive at their owner");
    }
}

#[test]
fn a_wrong_hash_is_named_with_its_cost() {
    for owner in [End::Source, End::Destination] {
        for input in Input::ALL.into_iter().filter(|&input| input != Input::Only(owner)) {
            let nic = SoftNic { input: Some(input), spread: spread() };
            let found = outcome(claim(owner), &nic).unwrap();
            assert_eq!(found.hint, Hint::Wrong(Fault::Over(input)));
            assert!((60..90).contains(&found.handed_over_percent()), "{found}");
            assert!(found.to_string().contains(&input.to_string()), "{found}");
            assert!(found.to_string().contains("handed over to another worker (64 looked at)"), "{found}");
        }
    }
}

#[test]
fn other_faults_have_names_too() {
    let given = key(1).for_sources(Width::OUTSIDE, reta().index_bits());
    let in_turn: Vec<u16> = (0..128).map(|entry| entry % WORKERS).collect();
    let input = Some(Input::Only(End::Source));
    for (fault, spread) in [
        (Fault::Unknown, Spread::new(&key(2), reta())),
        (Fault::Table, Spread::new(&given, Reta::new(&in_turn).unwrap())),
    ] {
        let found = outcome(claim(End::Source), &SoftNic { input, spread }).unwrap();
        assert_eq!(found.hint, Hint::Wrong(fault), "{found}");
        assert!(found.elsewhere > 30, "{found}");
    }
}

/// With a key that nobody fitted to sources, the hosts of one /64 arrive at several workers.
#[test]
fn a_key_that_parts_sources_is_noticed() {
    let spread = Spread::new(&key(1), reta());
    let nic = SoftNic { input: Some(Input::Only(End::Source)), spread: spread.clone() };
    let owners = Owners::Toeplitz(Arc::new(spread.clone()));
    let mut test = SelfTest::new(claim(End::Source), spread, owners);
    for flow in flows(9, true).take(64) {
        let (queue, hash) = nic.receive(&flow);
        test.feed(&flow, queue, hash);
    }
    assert_eq!(test.outcome().unwrap().hint, Hint::Wrong(Fault::Owners));
}

#[test]
fn absence_has_three_causes() {
    let nic = SoftNic { input: None, spread: spread() };
    let found = |claim| outcome(claim, &nic).unwrap();
    let one = found(Claim { queues: 1, ..claim(End::Source) });
    assert_eq!(one.hint, Hint::Absent(Absence::OneQueue));
    assert!(one.to_string().starts_with("the port has one queue: worker 0 hands over"), "{one}");
    let none = found(Claim { hashes: None, ..claim(End::Source) });
    assert_eq!(none.hint, Hint::Absent(Absence::NotOffered));
    assert!(none.to_string().contains("of 100 packets are handed over"), "{none}");
    assert_eq!(found(claim(End::Source)).hint, Hint::Absent(Absence::NotFilled));
}

#[test]
fn a_talkative_source_does_not_decide() {
    let nic = SoftNic { input: Some(Input::Only(End::Source)), spread: spread() };
    let mut test = SelfTest::new(claim(End::Source), spread(), Owners::Toeplitz(Arc::new(spread())));
    let mut feed = |flow: Flow| {
        let (queue, hash) = nic.receive(&flow);
        test.feed(&flow, queue, hash);
        test.outcome()
    };
    for flow in flows(3, false).take(63) {
        for _ in 0..10 {
            assert_eq!(feed(flow), None);
        }
    }
    let nobody = Flow { src: Address::v4(0), dst: Address::v4(1 << 30), ports: None };
    assert_eq!(feed(nobody), None);
    assert!(flows(4, false).take(1).any(|flow| feed(flow).is_some_and(|found| found.hint == Hint::Right)));
}

/// NICs hash fragments and tunnels otherwise: a few of them do not hide what the rest says, half of them do.
#[test]
fn a_few_odd_packets_do_not_matter() {
    let nic = SoftNic { input: Some(Input::Only(End::Source)), spread: spread() };
    for (odd, right) in [(4, true), (32, false)] {
        let mut test = SelfTest::new(claim(End::Source), spread(), Owners::Toeplitz(Arc::new(spread())));
        for (i, flow) in flows(5, false).take(64).enumerate() {
            let (queue, hash) = nic.receive(&flow);
            let wrong = ((queue + 1) % WORKERS, Some(0x0bad_0bad));
            let (queue, hash) = if i < odd { wrong } else { (queue, hash) };
            test.feed(&flow, queue, hash);
        }
        assert_eq!(test.outcome().unwrap().hint == Hint::Right, right, "{odd} odd ones");
    }
}

#[test]
fn a_fragment_has_no_ports() {
    let mut bytes = [
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0x12, 0x34, 0, 53, 0, 8, 0,
        0,
    ];
    let expected =
        Flow { src: Address::v4(0xc000_0201), dst: Address::v4(0xc633_6407), ports: Some((0x1234, 53)) };
    assert_eq!(flow(&parse_ip(&bytes, 28)), Some(expected));
    bytes[6] = 0x20;
    assert_eq!(flow(&parse_ip(&bytes, 28)), Some(Flow { ports: None, ..expected }));
    assert_eq!(flow(&parse_ip(&[], 0)), None);
}

/// The published verification suite, where the material lies (`REPUTE_CORPUS`, default `../shared/corpus`
/// beside the repository).
#[test]
fn the_published_suite_agrees() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("REPUTE_CORPUS").map_or(beside, PathBuf::from);
    let path = corpus.join("vectors/toeplitz_rss.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {} (set REPUTE_CORPUS)", path.display());
        return;
    };
    let suite: Value = serde_json::from_str(&text).unwrap();
    let toeplitz = Toeplitz::new(&Key::new(&hex(suite["key"].as_str().unwrap())).unwrap());
    let vectors = ["v4", "v6"].map(|family| suite[family].as_array().unwrap());
    assert_eq!(vectors.map(Vec::len), [5, 3]);
    for vector in vectors.into_iter().flatten() {
        let flow = vector_flow(vector);
        for (input, name) in [(Input::Addresses, "hash_l3"), (Input::AddressesPorts, "hash_l3l4")] {
            let expected = vector[name].as_str().unwrap().trim_start_matches("0x");
            let expected = u32::from_str_radix(expected, 16).unwrap();
            assert_eq!(toeplitz.hash(&input.bytes(&flow)), expected, "{vector}");
        }
    }
}

fn vector_flow(vector: &Value) -> Flow {
    let address = |name: &str| vector[name].as_str().unwrap().parse::<IpAddr>().unwrap().into();
    let port = |name: &str| u16::try_from(vector[name].as_u64().unwrap()).unwrap();
    Flow { src: address("src"), dst: address("dst"), ports: Some((port("sport"), port("dport"))) }
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
