//! Attacks by hand-made packets: after how many packets of theirs the default policy limits the sender.
//!
//! A source is limited once its band is poor or worse. The bounds are promises, not measurements: each
//! leaves some room above what the engine does today.

use repute_engine::{Role, Wire};
use repute_model::{Band, Factor, Limits, Policy, Score};

use crate::common::frame::{ACK, Frame, Ip, RST, SYN, Talk, echo, tcp6, udp, unreachable};
use crate::common::rig::{Rig, source};
use crate::common::{INSIDE, OUTSIDE, ingress, policy};

const ATTACKER: Ip = [203, 0, 113, 66];

fn host(i: u32) -> Ip {
    [10, 0, (i >> 8) as u8, i as u8]
}

/// Plays an attack one step per `gap_ms`: each is a packet of the attacker and what comes back at once.
/// Returns how many packets of his passed the box before he was limited, and why he was.
fn until_limited(rig: &mut Rig, gap_ms: u64, step: impl Fn(u32) -> (Frame, Option<Frame>)) -> (u32, Factor) {
    for i in 0..1_000 {
        let (attack, back) = step(i);
        rig.outside(gap_ms, attack);
        if let Some(back) = back {
            rig.inside(0, back);
        }
        let limit = rig.mitigations.iter().find(|m| m.source == source(ATTACKER) && m.treatment.limits());
        if let Some(limit) = limit {
            assert!(limit.band >= Band::Poor);
            return (i + 1, limit.cause);
        }
    }
    panic!("not limited: {:#?}", rig.explain(ATTACKER));
}

fn assert_limited(
    policy: Policy,
    gap_ms: u64,
    most: u32,
    cause: Factor,
    step: impl Fn(u32) -> (Frame, Option<Frame>),
) {
    let mut rig = Rig::new(policy);
    rig.idle(1);
    let (packets, why) = until_limited(&mut rig, gap_ms, step);
    assert!(packets <= most && why == cause, "after {packets} packets by {why}");
}

/// Twenty clients are served by the first `servers` hosts: the box has seen both directions, and answers.
fn background(rig: &mut Rig, servers: u32) {
    for i in 0..servers.max(20) {
        let talk = Talk::new([192, 0, 2, (i % 20 + 1) as u8], 20_000 + i as u16, host(i % servers), 443);
        for part in talk.whole(300, 900) {
            rig.pass(1, part);
        }
    }
}

#[test]
fn horizontal_scan_of_refusing_hosts() {
    assert_limited(ingress(), 10, 12, Factor::Destinations, |i| {
        let probe = Talk::new(ATTACKER, 40_000, host(i), 22);
        (probe.asks(SYN, 0), Some(probe.answers(RST | ACK, 0)))
    });
}

#[test]
fn slow_horizontal_scan_of_refusing_hosts() {
    assert_limited(ingress(), 5_000, 12, Factor::Destinations, |i| {
        let probe = Talk::new(ATTACKER, 40_000, host(i), 22);
        (probe.asks(SYN, 0), Some(probe.answers(RST | ACK, 0)))
    });
}

#[test]
fn horizontal_scan_met_with_silence_of_hosts_that_answer_others() {
    let policy = policy("[profiles.ingress.factors]\nsyn-ack = { weight = 0, from = 8, full = 24 }");
    let mut rig = Rig::new(policy);
    background(&mut rig, 60);
    let (packets, cause) =
        until_limited(&mut rig, 200, |i| (Talk::new(ATTACKER, 40_000, host(i % 60), 23).asks(SYN, 0), None));
    // Silence is known after three seconds, in which he goes on.
    assert!(packets <= 30 && cause == Factor::Destinations, "after {packets} packets by {cause}");
}

#[test]
fn horizontal_scan_of_unknown_silent_hosts() {
    assert_limited(ingress(), 10, 20, Factor::SynAck, |i| {
        (Talk::new(ATTACKER, 40_000, host(i), 22).asks(SYN, 0), None)
    });
}

#[test]
fn vertical_scan() {
    assert_limited(ingress(), 10, 20, Factor::Ports, |i| {
        let probe = Talk::new(ATTACKER, 40_000, host(1), 1_000 + i as u16);
        (probe.asks(SYN, 0), Some(probe.answers(RST | ACK, 0)))
    });
}

#[test]
fn half_open_scan_of_open_ports() {
    let step = |i: u32| Talk::new(ATTACKER, 40_000, host(i / 3), 443);
    assert_limited(ingress(), 10, 45, Factor::Destinations, |i| match i % 3 {
        0 => (step(i).asks(SYN, 0), Some(step(i).answers(SYN | ACK, 0))),
        _ => (step(i).asks(RST, 0), None),
    });
}

#[test]
fn ping_sweep() {
    assert_limited(ingress(), 10, 15, Factor::Destinations, |i| (echo(ATTACKER, host(i), false), None));
}

#[test]
fn ping_sweep_of_answering_hosts() {
    assert_limited(ingress(), 10, 15, Factor::Destinations, |i| {
        (echo(ATTACKER, host(i), false), Some(echo(host(i), ATTACKER, true)))
    });
}

#[test]
fn udp_scan_of_closed_ports() {
    assert_limited(ingress(), 10, 20, Factor::Ports, |i| {
        let probe = udp((ATTACKER, 40_000), (host(1), 2_000 + i as u16), 8);
        let back = unreachable(host(1), ATTACKER, &probe);
        (probe, Some(back))
    });
}

#[test]
fn udp_scan_of_many_hosts() {
    assert_limited(ingress(), 10, 12, Factor::Destinations, |i| {
        let probe = udp((ATTACKER, 40_000), (host(i), 161), 40);
        let back = unreachable(host(i), ATTACKER, &probe);
        (probe, Some(back))
    });
}

#[test]
fn syn_flood_of_one_source() {
    assert_limited(ingress(), 1, 80, Factor::Connections, |i| {
        (Talk::new(ATTACKER, 1_024 + i as u16, host(1), 80).asks(SYN, 0), None)
    });
}

#[test]
fn udp_flood_of_one_source() {
    let mut rig = Rig::new(ingress());
    background(&mut rig, 20);
    let flood = |_| (udp((ATTACKER, 40_000), (host(1), 9_999), 1_000), None);
    let (packets, cause) = until_limited(&mut rig, 1, flood);
    assert!(packets <= 600 && cause == Factor::Unanswered, "after {packets} packets by {cause}");
}

#[test]
fn udp_flood_is_the_first_thing_ever_seen() {
    // Nobody has been answered yet, so it may be one direction of something honest: it takes more.
    let mut rig = Rig::new(ingress());
    let flood = (0..1_000).map(|_| {
        rig.breathe(1, (0..8).map(|_| (OUTSIDE, udp((ATTACKER, 40_000), (host(1), 9_999), 1_000))));
        rig.explain(ATTACKER).band
    });
    let ms = flood.take_while(|&band| band < Band::Poor).count();
    assert!(ms < 400, "after {ms} ms at 8000 packets a second");
}

#[test]
fn unsolicited_answers_once_the_box_has_seen_both_directions() {
    let mut rig = Rig::new(ingress());
    background(&mut rig, 20);
    let (packets, cause) =
        until_limited(&mut rig, 1, |i| (udp((ATTACKER, 53), (host(1), 1_024 + i as u16), 1_400), None));
    assert!(packets <= 100 && cause == Factor::Unsolicited, "after {packets} packets by {cause}");
}

#[test]
fn a_limited_scanner_gets_nothing_new_through() {
    let mut rig = Rig::new(ingress());
    for i in 0..200 {
        let probe = Talk::new(ATTACKER, 40_000, host(i), 22);
        if rig.outside(10, probe.asks(SYN, 0)).reason.is_none() {
            rig.inside(0, probe.answers(RST | ACK, 0));
        }
    }
    assert_eq!(rig.explain(ATTACKER).band, Band::Malicious);
    let reached = rig.ports.sent.iter().filter(|(port, ..)| *port == INSIDE).count();
    assert!(reached <= 20, "{reached} probes reached the inside");
    assert_eq!(rig.account().ports[usize::from(OUTSIDE)].received, 200);
}

#[test]
fn one_customer_of_an_ipv6_network_is_one_source() {
    let mut rig = Rig::new(ingress());
    rig.idle(1);
    // Each probe comes from another address of one /64.
    let net = 0x2001_0db8_0000_0007_u128 << 64;
    let mut passed = 0;
    for i in 0..40u128 {
        let (probe, target) = ((net | (i * 7919 + 1), 40_000), ((0x2001_0db8_00aa_u128 << 80) + i, 22));
        if rig.outside(10, tcp6(probe, target, SYN, 0)).reason.is_none() {
            rig.inside(0, tcp6(target, probe, RST | ACK, 0));
            passed += 1;
        }
    }
    assert!(passed <= 12, "{passed} passed");
    rig.worker.publish();
    assert_eq!(rig.account().tracked, 1);
}

/// One port carries both sides.
const BOTH: Wire = Wire { role: Role::Both, peer: Some(0) };

#[test]
fn a_scan_where_one_port_carries_everything() {
    for inside in ["", "inside = [\"10.0.0.0/8\"]\n"] {
        let mut rig = Rig::wired(policy(&format!("{inside}[profiles.ingress]")), Limits::default(), &[BOTH]);
        rig.idle(1);
        for i in 0..15 {
            let probe = Talk::new(ATTACKER, 40_000, host(i), 22);
            rig.breathe(10, [(0, probe.asks(SYN, 0)), (0, probe.answers(RST | ACK, 0))]);
        }
        assert!(rig.explain(ATTACKER).band >= Band::Poor, "{inside}: {:#?}", rig.explain(ATTACKER));
        assert!(rig.mitigations.iter().all(|m| m.source == source(ATTACKER)), "{inside}");
    }
}

#[test]
fn a_hijacked_host_inside_that_scans_the_world() {
    let mut rig = Rig::new(policy("[profiles.egress]"));
    rig.idle(1);
    let bot = [10, 0, 0, 13];
    let mut out = 0;
    for i in 0..200u32 {
        let probe = Talk::new(bot, 40_000, [198, 51, (i >> 8) as u8, i as u8], 23);
        let passes = rig.inside(20, probe.asks(SYN, 0)).reason.is_none();
        out += u32::from(passes);
        if passes && i % 2 == 0 {
            rig.outside(0, probe.answers(RST | ACK, 0));
        }
    }
    assert!(out <= 25, "{out} probes left the network");
}

#[test]
fn what_a_scan_is_made_of_counts_before_it_has_grown_by_an_eighth() {
    let passes = "[profiles.ingress.treatments]\nneutral = \"pass\"\npoor = \"pass\"\nmalicious = \"pass\"";
    let probes: [fn(u32) -> Frame; 3] = [
        |i| Talk::new(ATTACKER, 40_000, host(i), 22).asks(SYN, 0),
        |i| Talk::new(ATTACKER, 40_000, host(i), 5_000).datagram(20),
        |i| echo(ATTACKER, host(i), false),
    ];
    for probe in probes {
        let mut rig = Rig::new(policy(passes));
        background(&mut rig, 40);
        // What the model makes of it after so many probes; all of them come in one tick.
        let mut targets = vec![Score::MAX];
        for i in 1..300 {
            rig.outside(0, probe(i));
            let explained = rig.explain(ATTACKER);
            targets.push(explained.target);
            let at_least = targets[(i - i / 8 - 1) as usize];
            assert!(explained.score <= at_least, "{} after {i} probes", explained.score);
        }
        assert!(rig.explain(ATTACKER).score < Score::new(2_000), "{:?}", rig.explain(ATTACKER));
    }
}
