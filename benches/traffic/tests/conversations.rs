//! TCP conversations are consistent as the wire sees them: acknowledgements cover only octets that passed, each
//! direction is contiguous, retransmitted octets are the same, losses occur at the rate asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails its test")]

mod decode;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use decode::{Decoded, decode};
use repute_traffic::{
    Component, Plan, Preset,
    benign::{Clients, Outbound, Retry},
    event::Event,
};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

type Ends = (IpAddr, u16, IpAddr, u16);

/// One direction of a connection.
#[derive(Default)]
struct Direction {
    first: u32,
    /// Octets after the SYN that have passed, by relative position.
    passed: BTreeMap<u32, u8>,
    /// End of what has passed, SYN and FIN counted, relative.
    end: u32,
    acked: u32,
    repeated: u64,
    segments: u64,
}

fn plan(components: Vec<Component>) -> Plan {
    Plan { seed: 11, duration_us: 20_000_000, components }
}

fn segments(plan: &Plan) -> impl Iterator<Item = (Event, Decoded)> {
    let events = plan.events().unwrap().map(|event| {
        let seen = decode(&event.frame);
        (event, seen)
    });
    events.filter(|(_, seen)| seen.protocol == 6)
}

/// Follows every connection and checks each segment against what passed before.
fn follow(plan: &Plan) -> BTreeMap<Ends, Direction> {
    let mut flows: BTreeMap<Ends, Direction> = BTreeMap::new();
    for (_, seen) in segments(plan) {
        let ends = (seen.src, seen.sport, seen.dst, seen.dport);
        let back = (seen.dst, seen.dport, seen.src, seen.sport);
        if seen.flags & SYN != 0 {
            let flow =
                flows.entry(ends).or_insert_with(|| Direction { first: seen.seq, ..Direction::default() });
            assert_eq!(flow.first, seen.seq, "a repeated SYN has its own number");
            flow.end = 1;
        }
        if seen.flags & ACK != 0 {
            let other = flows.get_mut(&back).expect("an acknowledgement before any SYN");
            let acked = seen.ack.wrapping_sub(other.first);
            assert!(acked >= other.acked, "acknowledgements go back: {seen:?}");
            assert!(acked <= other.end, "acknowledged what never passed: {seen:?}");
            let missing =
                (other.acked.max(1)..acked).find(|at| !other.passed.contains_key(at) && *at != other.end - 1);
            assert_eq!(missing, None, "acknowledged over a hole: {seen:?}");
            other.acked = acked;
        }
        if seen.flags & (SYN | RST) == 0 {
            data(flows.get_mut(&ends).expect("data before a SYN"), &seen);
        }
    }
    flows
}

fn data(flow: &mut Direction, seen: &Decoded) {
    let start = seen.seq.wrapping_sub(flow.first);
    flow.segments += u64::from(!seen.payload.is_empty());
    let mut repeated = false;
    for (at, &octet) in (start..).zip(&seen.payload) {
        let before = flow.passed.insert(at, octet);
        repeated |= before.is_some();
        assert!(before.is_none_or(|before| before == octet), "retransmitted octets differ");
    }
    flow.repeated += u64::from(repeated);
    let fin = u32::from(seen.flags & FIN != 0);
    flow.end = flow.end.max(start + seen.payload.len() as u32 + fin);
}

#[test]
fn clients_of_both_sides_speak_consistent_tcp() {
    let clients = Clients { clients: 30, loss: 0.03, mistakes: 0.1, ..Clients::default() };
    let outbound = Outbound { hosts: 10, loss: 0.03, ..Outbound::default() };
    let flows = follow(&plan(vec![Component::Clients(clients), Component::Outbound(outbound)]));
    assert!(flows.len() > 100, "{} directions", flows.len());
    let (segments, repeated) =
        flows.values().fold((0, 0), |(all, again), flow| (all + flow.segments, again + flow.repeated));
    // Half of the losses happen behind the wire, where both copies are seen; long bursts lose at most one segment.
    let share = repeated as f64 / segments as f64;
    assert!((0.005..0.02).contains(&share), "{repeated} of {segments}");
}

#[test]
fn every_component_of_the_benign_preset_keeps_to_tcp() {
    let flows = follow(&Plan { duration_us: 8_000_000, ..Preset::Benign.plan(3) });
    assert!(flows.values().any(|flow| flow.repeated > 0));
}

#[test]
fn browsers_open_parallel_connections_but_at_most_eight() {
    let clients = Clients { clients: 40, ..Clients::default() };
    let mut by_time: BTreeMap<(IpAddr, u64), BTreeSet<u16>> = BTreeMap::new();
    for (event, seen) in segments(&plan(vec![Component::Clients(clients)])) {
        if seen.flags == SYN && seen.dport != 8080 {
            by_time.entry((seen.src, event.time_us / 250_000)).or_default().insert(seen.sport);
        }
    }
    let most = by_time.values().map(BTreeSet::len).max().unwrap();
    assert!((3..=8).contains(&most), "{most}");
}

#[test]
fn lost_syns_are_repeated_after_one_two_and_four_seconds() {
    let retry = Retry { clients: 40, lost: 3 };
    let mut calls: BTreeMap<(IpAddr, u32), Vec<u64>> = BTreeMap::new();
    for (event, seen) in segments(&plan(vec![Component::Retry(retry)])) {
        if seen.flags == SYN {
            calls.entry((seen.src, seen.seq)).or_default().push(event.time_us);
        }
    }
    for times in calls.values() {
        let waits: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(waits, [1_000_000, 2_000_000, 4_000_000][..waits.len()]);
    }
    assert!((35..=40).contains(&calls.len()));
    assert!(calls.values().any(|times| times.len() == 4));
}
