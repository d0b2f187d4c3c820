//! Shadow mode: everything is judged as it would be, and every packet goes on.

use proptest::prelude::*;
use repute_model::{Command, Effect, Factor, Limits, Policy, Reason, Verdict};

use super::conservation::{breaths, policies, wires};
use crate::common::frame::{Frame, Ip, SYN, Talk};
use crate::common::rig::Rig;
use crate::common::town::{Aim, Attack, Kind, Town};
use crate::common::{INSIDE, OUTSIDE, SMALL, cases, drop_all, ingress, policy, version};

const TALK: Talk = Talk { client: ([192, 0, 2, 1], 40_000), server: ([10, 0, 0, 80], 443) };

fn shadow(policy: Policy) -> Policy {
    Policy { shadow: true, ..policy }
}

fn would(rig: &Rig, reason: Reason) -> u64 {
    rig.account().shadow[reason.index()]
}

/// Numbers of what left by each port.
fn sent(rig: &Rig, port: u8) -> Vec<u32> {
    rig.ports.sent.iter().filter(|sent| sent.0 == port).map(|sent| sent.1).collect()
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_packet_with_a_way_out_takes_it_at_once_and_in_order(
        policy in policies().prop_map(shadow),
        wires in wires(),
        breaths in breaths(),
    ) {
        let mut rig = Rig::wired(policy, SMALL, &wires);
        let (mut next, mut told, mut stuck) = (0u32, 0u64, 0u64);
        for (ms, mut arrivals, _) in breaths {
            rig.ports.sent.clear();
            for (_, frame) in &mut arrivals {
                frame.id = next;
                next += 1;
            }
            let ways: Vec<_> = arrivals
                .iter()
                .map(|(port, frame)| (wires.get(usize::from(*port)).and_then(|wire| wire.peer), frame.id))
                .collect();
            let judgements = rig.breathe(ms, arrivals);
            for port in 0..repute_engine::PORTS as u8 {
                let meant: Vec<u32> = ways.iter().filter(|way| way.0 == Some(port)).map(|way| way.1).collect();
                prop_assert_eq!(sent(&rig, port), meant);
            }
            for (judgement, (peer, _)) in judgements.iter().zip(&ways) {
                told += u64::from(peer.is_some() && judgement.reason.is_some());
                stuck += u64::from(peer.is_none());
            }
        }
        let account = *rig.account();
        prop_assert_eq!(account.shadow.iter().sum::<u64>(), told);
        let total = |of: fn(&repute_engine::PortAccount) -> u64| account.ports.iter().map(of).sum::<u64>();
        prop_assert_eq!(total(|port| port.dropped_total()), stuck);
        prop_assert_eq!(rig.dropped(Reason::NoPeer), stuck);
        prop_assert_eq!(total(|port| port.queued + port.released + port.answered), 0);
        rig.worker.publish();
        prop_assert_eq!(rig.account().held, 0);
    }
}

#[test]
fn what_would_be_dropped_is_told_and_answers_to_it_count() {
    let mut rig = Rig::new(shadow(drop_all()));
    for _ in 0..50 {
        let judged = rig.outside(1, TALK.datagram(40));
        assert_eq!((judged.verdict, judged.reason), (Verdict::Drop, Some(Reason::Standing)));
        assert_eq!(rig.inside(1, TALK.reply(80)).verdict, Verdict::Forward);
    }
    assert_eq!((rig.ports.sent.len(), rig.ports.freed.len()), (100, 0));
    assert_eq!(would(&rig, Reason::Standing), 50);
    let why = rig.explain(TALK.client.0);
    assert!(why.shadow && why.treatment.drop);
    assert_eq!(
        why.target,
        rig.explain([198, 51, 100, 9]).score,
        "who is answered is not held to be unanswered"
    );
}

#[test]
fn what_would_be_dropped_is_told_by_service_until_others_are_configured() {
    let drop = "[profiles.ingress.treatments]\ngood = \"drop\"\n";
    let web = "[services.web]\nprefixes = [\"10.0.0.80\"]\nports = [\"tcp/443\"]\n";
    let dns = "[services.dns]\nprefixes = [\"10.0.0.80\"]\nports = [\"udp/53\"]\n";
    let told = |version_number: u64, services: &[&str]| {
        shadow(Policy { edition: version_number, ..version(&(services.concat() + drop), version_number) })
    };
    let mut rig = Rig::new(told(1, &[web, dns]));
    let counts = |rig: &Rig, service| {
        let board = rig.published.read_services();
        let row = *board.row(service);
        (board.policy_version, row.shadow_packets[Effect::Cut.index()], row.shadow_bytes[Effect::Cut.index()])
    };
    let frame = TALK.asks(SYN, 0);
    let bytes = u64::from(frame.wire_len);
    for _ in 0..10 {
        rig.outside(1, frame.clone());
        rig.outside(0, TALK.datagram(40));
    }
    rig.idle(512);
    // Services are numbered by name or by place: whichever, one of them is the web.
    let rows = [Some(0), Some(1), None].map(|service| counts(&rig, service));
    assert!(rows.contains(&(1, 10, 10 * bytes)) && rows.contains(&(1, 0, 0)), "{rows:?}");
    assert_eq!(rows[2].1, 10, "datagrams to port 443 are about none");
    // A feed changes nothing, another service everything.
    rig.tell(Command::Install(Box::new(Policy { edition: 2, ..told(1, &[web, dns]) })));
    rig.idle(512);
    assert_eq!(counts(&rig, None).1, 10);
    rig.tell(Command::Install(Box::new(told(3, &[web]))));
    rig.idle(512);
    assert_eq!(counts(&rig, None), (3, 0, 0));
}

#[test]
fn what_is_malformed_goes_on_too() {
    let mut rig = Rig::new(shadow(ingress()));
    let mut short = TALK.asks(SYN, 0);
    short.bytes.truncate(40);
    short.wire_len = 40;
    let judged = rig.outside(1, short);
    assert!(judged.verdict == Verdict::Drop && judged.reason.unwrap().is_malformed());
    assert_eq!((sent(&rig, INSIDE).len(), would(&rig, judged.reason.unwrap())), (1, 1));
}

/// Every band is shaped to 1000 packets a second, and connections begin at a hundred.
fn queues() -> Policy {
    let one = |band: &str| {
        format!("{band} = {{ queue = {{ packets = \"1000pps\", packet_burst = 2 }}, queue_new = 100 }}\n")
    };
    let bands = ["excellent", "good", "neutral", "poor", "malicious"].map(one).concat();
    // Nobody changes his band.
    let factors = Factor::ALL.iter().filter(|factor| **factor != Factor::History && !factor.is_of_dns());
    let factors: String = factors.map(|factor| format!("{factor} = {{ weight = 0 }}\n")).collect();
    policy(&format!(
        "[profiles.ingress.crowds]\nmode = \"off\"\n[profiles.ingress.treatments]\n{bands}[profiles.ingress.factors]\n{factors}"
    ))
}

/// A queue that nothing waits in says of each packet what a real one does, whichever of its limits is reached.
#[test]
fn a_queue_counts_as_if_it_were_in_force() {
    let limits = Limits { queue_packets: 40, queue_source: 24, queue_connections: 16, ..SMALL };
    let mut rigs = [queues(), shadow(queues())].map(|policy| Rig::sized(policy, limits));
    // One sends so much that it holds all that a source may, another one then fills the queue.
    let client = |n: u32| -> Ip { [192, 0, 2, [0, 1, 1, 1, 4, 5, 5, 7][n as usize % 8]] };
    let mut seen = std::collections::BTreeSet::new();
    for ms in 0..2_000u32 {
        let talk = |n: u32| Talk { client: (client(n), 40_000 + (n % 300) as u16), ..TALK };
        let frames = |n: u32| match n % 4 {
            0 => (OUTSIDE, talk(ms + n).asks(SYN, 0)),
            _ => (OUTSIDE, talk(n).datagram(20)),
        };
        let [real, told] = rigs.each_mut().map(|rig| rig.breathe(1, (0..8).map(frames)));
        let verdicts = |judged: &[repute_model::Judgement]| -> Vec<_> {
            judged.iter().map(|judgement| (judgement.verdict, judgement.reason)).collect()
        };
        assert_eq!(verdicts(&real), verdicts(&told), "at {ms} ms");
        seen.extend(told.iter().filter_map(|judgement| judgement.reason));
    }
    for reason in [Reason::Shaped, Reason::QueueSource, Reason::QueueFull, Reason::ConnectionQueued] {
        assert!(seen.contains(&reason), "{reason} was not tried: {seen:?}");
    }
    assert_eq!(rigs[1].ports.sent.len(), 2_000 * 8);
    assert!(rigs[1].account().held == 0 && rigs[0].account().held > 0);
}

#[test]
fn what_was_held_when_the_mode_changed_leaves_in_its_turn() {
    let mut rig = Rig::new(queues());
    rig.breathe(1, (0..10).map(|_| (OUTSIDE, TALK.datagram(10))));
    let held = rig.account().ports[usize::from(OUTSIDE)].queued;
    assert!(held > 5);
    rig.tell(Command::Install(Box::new(shadow(Policy { edition: 2, ..queues() }))));
    rig.breathe(0, (0..10).map(|_| (OUTSIDE, TALK.datagram(10))));
    rig.tell(Command::Install(Box::new(Policy { edition: 3, ..queues() })));
    for _ in 0..30 {
        rig.idle(1);
    }
    let port = rig.account().ports[usize::from(OUTSIDE)];
    assert_eq!((rig.ports.sent.len(), port.queued, rig.account().held), (20, held, 0));
    assert!(would(&rig, Reason::Shaped) > 5);
}

/// A flood in front of people, seen and told as if it were stopped, and nobody notices.
#[test]
fn a_flood_is_told_as_it_would_be_stopped_and_nobody_is_held_up() {
    let attack =
        Attack { kind: Kind::Syn, per_s: 500, from_ms: 10_000, for_ms: 30_000, aim: Aim::One, network: None };
    for syn in ["retry", "cookie"] {
        let text = format!("mode = \"shadow\"\n[profiles.ingress.crowds]\nsyn = \"{syn}\"");
        let mut town = Town::new(policy(&text), 88, 24, 700, 0);
        town.attack(attack);
        town.run(50_000);
        let (count, account) = (town.count, *town.rig.account());
        assert_eq!((count.known_lost, count.own_lost, count.delayed), (0, 0, 0), "{count:?}");
        assert!(count.newcomers > 30 && count.served == count.newcomers, "{count:?}");
        let total = |of: fn(&repute_engine::PortAccount) -> u64| account.ports.iter().map(of).sum::<u64>();
        assert_eq!(total(|port| port.dropped_total() + port.answered + port.queued), 0);
        let reason = if syn == "retry" { Reason::SynRetry } else { Reason::SynCookie };
        let (told, people) = (would(&town.rig, reason), count.newcomers + 24);
        assert!(told as f64 >= 0.97 * count.attack as f64, "{told} of {}", count.attack);
        assert!(told <= 500 * 30 + people, "{told}: people are asked once");
        assert_eq!(would(&town.rig, Reason::CookieReturned), 0, "nobody was given one");
    }
}

#[test]
fn the_mode_comes_from_the_config_and_changes_with_it() {
    let texts = ["mode = \"shadow\"\n", ""]
        .map(|mode| format!("{mode}[profiles.ingress.treatments]\ngood = \"drop\""));
    let mut rig = Rig::new(version(&texts[0], 1));
    let datagram: Frame = TALK.datagram(9);
    assert_eq!(rig.outside(1, datagram.clone()).reason, Some(Reason::Standing));
    rig.tell(Command::Install(Box::new(version(&texts[1], 2))));
    assert_eq!(rig.outside(1, datagram).reason, Some(Reason::Standing));
    assert_eq!(
        (rig.ports.sent.len(), rig.dropped(Reason::Standing), would(&rig, Reason::Standing)),
        (1, 1, 1)
    );
    assert!(!rig.explain(TALK.client.0).shadow);
}
