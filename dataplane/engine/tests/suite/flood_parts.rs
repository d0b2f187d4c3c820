//! What is part of a flood, and what only happens beside it.

use repute_engine::{Role, Wire};
use repute_model::{Judgement, Limits, Reason, Verdict};

use crate::common::frame::{Frame, Ip, fragment, udp};
use crate::common::rig::{PAIR, Rig};
use crate::common::town::{Aim, Attack, Kind, SERVER, Town};
use crate::common::traffic::Rng;
use crate::common::{INSIDE, OUTSIDE, ingress};

/// Both sides on one port, as in a capture: every source is judged and every destination protected.
const CAPTURE: [Wire; 1] = [Wire { role: Role::Both, peer: Some(OUTSIDE) }];

/// Where a stranger would be held up by now.
fn held_up(town: &Town) -> Vec<String> {
    town.rig.explain([198, 51, 100, 7]).held_up.iter().flatten().map(|(crowd, _)| crowd.to_string()).collect()
}

#[test]
fn neighbours_of_who_is_flooded_are_not() {
    for (seed, kind, per_s) in [
        (71, Kind::Syn, 20),
        (72, Kind::Syn, 5_000),
        (73, Kind::Syn, 100_000),
        (74, Kind::Datagrams, 60),
        (75, Kind::Segments, 2_000),
        (76, Kind::Reflected(53), 500),
    ] {
        for (aim, expected) in
            [(Aim::One, &["10.0.0.80/32"][..]), (Aim::Carpet, &["10.0.0.0/24", "10.0.0.80/32"])]
        {
            let mut town = Town::new(ingress(), seed, 24, 700, 0);
            let from_ms = 5_000;
            town.attack(Attack { kind, per_s, from_ms, for_ms: 10_000, aim, network: None });
            town.run(10_000);
            let held = held_up(&town);
            println!("{kind:?} {per_s}/s {aim:?}: {held:?}");
            match aim {
                Aim::One => assert_eq!(held, expected),
                _ => assert!(held.contains(&expected[0].to_owned()), "{held:?}"),
            }
        }
    }
}

/// A rig in which the server is heard: it answers somebody from time to time.
struct Heard {
    rig: Rig,
    inside: u8,
}

impl Heard {
    fn new(wires: &[Wire]) -> Self {
        let inside = if wires.len() == 1 { OUTSIDE } else { INSIDE };
        let mut heard = Self { rig: Rig::wired(ingress(), Limits::default(), wires), inside };
        (0..20).for_each(|_| heard.second(50, SERVER, Vec::new()).clear());
        heard
    }

    /// So many milliseconds in which `host` answers somebody once and these frames come, evenly; what becomes of them.
    fn second(&mut self, ms: u64, host: Ip, frames: Vec<Frame>) -> Vec<Judgement> {
        let friend = ([198, 51, 100, 1], 4_000);
        self.rig.outside(0, udp(friend, (host, 443), 40));
        self.rig.breathe(0, [(self.inside, udp((host, 443), friend, 40))]);
        let (mut due, mut judged) = (0, Vec::new());
        for at in 1..=ms {
            let until = frames.len() * at as usize / ms as usize;
            let arrivals = frames[due..until].iter().map(|frame| (OUTSIDE, frame.clone()));
            judged.extend(self.rig.breathe(1, arrivals.collect::<Vec<_>>()));
            due = until;
        }
        self.rig.ports.sent.clear();
        self.rig.ports.freed.clear();
        judged
    }
}

fn stopped(judged: &[Judgement]) -> usize {
    judged.iter().filter(|judgement| judgement.verdict != Verdict::Forward).count()
}

/// One of many senders that nobody answers, from a port that may be anybody's.
fn sender(n: u32, port: u16) -> (Ip, u16) {
    ([93, (n >> 8) as u8, n as u8, 9], port)
}

/// Reflectors send again and again, between the same ports: that they have been seen before the flood was noticed, or
/// were held up in it, makes them no part of a conversation. On both sides of the box as in a capture.
#[test]
fn who_sends_again_and_again_and_is_never_answered_is_part_of_it() {
    for wires in [&PAIR[..], &CAPTURE] {
        let (mut heard, mut rng) = (Heard::new(wires), Rng(81));
        let (mut all, mut gone) = (0, 0);
        for second in 0..20 {
            let frames = (0..1_000).map(|_| udp(sender(rng.below(3_000), 5_060), (SERVER, 80), 900));
            let frames = frames.collect();
            let judged = heard.second(1_000, SERVER, frames);
            if second > 0 {
                (all, gone) = (all + judged.len(), gone + stopped(&judged));
            }
        }
        println!("{} ports: stopped {gone} of {all}", wires.len());
        assert!(gone as f64 >= 0.95 * all as f64, "stopped {gone} of {all}");
    }
}

/// Nobody answers those who report to a collector either. They did so before the flood, and go on.
#[test]
fn who_was_there_long_before_is_no_part_of_it() {
    let (mut heard, mut rng) = (Heard::new(&PAIR), Rng(82));
    let report = |n: u32| udp(sender(n, 514 + n as u16), (SERVER, 514), 200);
    // Three new ones each second, every one of whom reports once a second.
    for second in 1..=30 {
        let judged = heard.second(1_000, SERVER, (0..3 * second).map(report).collect());
        assert_eq!(stopped(&judged), 0, "in second {second}");
    }
    heard.second(10_000, SERVER, Vec::new());
    let (mut lost, mut gone) = (0, 0);
    for _ in 0..10 {
        let strike = |_| udp(sender(rng.below(1 << 16) | 1 << 16, 7_777), (SERVER, 514), 900);
        let strikes: Vec<Frame> = (0..900).map(strike).collect();
        let frames = strikes.chunks(10).zip(0..).flat_map(|(ten, n)| [ten, &[report(n)]].concat());
        let judged = heard.second(1_000, SERVER, frames.collect());
        for eleven in judged.chunks(11) {
            (gone, lost) = (gone + stopped(&eleven[..10]), lost + stopped(&eleven[10..]));
        }
    }
    assert!(gone > 8_500 && lost == 0, "stopped {gone} of 9000, lost {lost} of 900");
}

/// Large answers come in fragments, of which only the first says what it is, and some of those come by another way.
#[test]
fn fragments_without_a_beginning_are_part_of_a_flood_of_answers() {
    const VICTIM: Ip = [10, 0, 0, 9];
    const NEIGHBOUR: Ip = [10, 0, 1, 9];
    let (mut heard, mut rng) = (Heard::new(&PAIR), Rng(83));
    for second in 0..6 {
        let from = |rng: &mut Rng| sender(rng.below(900), 53);
        let mut frames = Vec::new();
        for n in 0..100 {
            frames.push(udp(from(&mut rng), (VICTIM, 1_024 + rng.below(9_000) as u16), 1_200));
            if n % 25 == 0 {
                frames.push(fragment(from(&mut rng).0, VICTIM));
                frames.push(fragment(from(&mut rng).0, NEIGHBOUR));
            }
        }
        let judged = heard.second(1_000, SERVER, frames);
        assert_eq!(judged[1].verdict, if second == 0 { Verdict::Forward } else { Verdict::Drop });
        let fragments: Vec<_> = judged.chunks(27).flat_map(|part| &part[1..3]).collect();
        for (to_victim, to_neighbour) in fragments.chunks(2).map(|pair| (pair[0], pair[1])) {
            if second >= 3 {
                assert_eq!(to_victim.reason, Some(Reason::CrowdFragment), "in second {second}");
            }
            assert_eq!(to_neighbour.verdict, Verdict::Forward);
        }
    }
}
