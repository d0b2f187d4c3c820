//! Floods in which every packet has a source of its own, in front of people who want to be served.

use repute_model::{Command, CrowdChange, CrowdState, Flood, Report, Token, Verdict};
use repute_reputation::Watches;

use crate::common::frame::{ACK, Ip, RST, SYN, tcp, udp};
use crate::common::rig::Rig;
use crate::common::town::{Aim, Attack, Kind, SERVER, Town};
use crate::common::traffic::Rng;
use crate::common::{OUTSIDE, ingress, unguarded};

/// How the victim was before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Before {
    /// In use for twenty seconds.
    Calm,
    /// The box has only just begun.
    Boot,
    /// Nobody used it.
    Idle,
}

/// One flood among people; what is demanded of it.
fn flood(seed: u64, kind: Kind, per_s: u64, aim: Aim, before: Before) {
    let from_ms = if before == Before::Boot { 0 } else { 20_000 };
    let open_ms = if before == Before::Idle { 20_000 } else { 0 };
    let for_ms = if per_s > 100_000 { 5_000 } else { 60_000 };
    let mut town = Town::new(ingress(), seed, 24, 700, open_ms);
    town.attack(Attack { kind, per_s, from_ms, for_ms, aim, network: None });
    town.run(from_ms + for_ms.max(15_000));
    let count = town.count;
    let share = |part: u64, all: u64| part as f64 / all.max(1) as f64;
    let flooded = town.flooded.map(|at| at as i64 - from_ms as i64);
    println!("{per_s:>6}/s {kind:?} {aim:?} {before:?} seed {seed}: flood after {flooded:?} ms, {count:?}");
    assert!(share(count.stopped, count.attack) >= 0.97, "stopped {}", share(count.stopped, count.attack));
    assert!(share(count.known_lost, count.known) <= 0.001, "known clients lost {count:?}");
    assert!(share(count.own_lost, count.own) <= 0.001, "own conversations lost {count:?}");
    assert!(share(count.at_once, count.newcomers) >= 0.99, "newcomers {count:?}");
    assert!(count.newcomers > 5 && count.known > 50 && count.own > 50, "nothing was tested: {count:?}");
}

#[test]
fn slow_floods_are_stopped_and_people_are_served() {
    for (seed, aim) in (501..).zip([Aim::One, Aim::Two, Aim::Carpet]) {
        for (offset, before) in [(0, Before::Calm), (10, Before::Boot), (20, Before::Idle)] {
            flood(seed + offset, Kind::Syn, 20, aim, before);
            flood(seed + offset + 100, Kind::Syn, 200, aim, before);
        }
    }
}

/// The same for what is no SYN. People connect as ever.
#[test]
fn floods_of_other_kinds_are_stopped_and_people_are_served() {
    let kinds =
        [Kind::Datagrams, Kind::Segments, Kind::Reflected(443), Kind::Reflected(53), Kind::Reflected(4_500)];
    for (seed, kind) in (1_001..).step_by(10).zip(kinds) {
        for (offset, per_s) in [(0, 20), (1, 200), (2, 5_000)] {
            let (aim, before) =
                [(Aim::One, Before::Calm), (Aim::Two, Before::Boot), (Aim::Carpet, Before::Idle)]
                    [((seed / 10 + offset) % 3) as usize];
            flood(seed + offset, kind, per_s, aim, before);
        }
    }
}

#[test]
fn fast_floods_are_stopped_and_people_are_served() {
    flood(801, Kind::Syn, 5_000, Aim::One, Before::Calm);
    flood(802, Kind::Syn, 5_000, Aim::Carpet, Before::Boot);
    flood(803, Kind::Syn, 5_000, Aim::Two, Before::Idle);
}

#[test]
fn the_fastest_floods_are_stopped_and_people_are_served() {
    flood(901, Kind::Syn, 200_000, Aim::One, Before::Calm);
    flood(902, Kind::Syn, 200_000, Aim::Carpet, Before::Boot);
    flood(903, Kind::Syn, 200_000, Aim::Two, Before::Idle);
}

/// Maximum segment size; with SACK and window scale; with timestamps too.
const BARE: [u8; 4] = [2, 4, 5, 180];
const FULL: [u8; 12] = [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 8];
const TIMED: [u8; 20] = [2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 9];

/// What reflectors answer to somebody whose questions this box does not see, among what others answer him from the same
/// port: those were asked by a host that can do more than a forger. What was lost of the others, of how many.
fn reflected_among_answers(seed: u64, port: u16, per_s: u64) -> (u64, u64) {
    const VICTIM: Ip = [10, 0, 0, 9];
    let (mut rig, mut rng) = (Rig::new(ingress()), Rng(seed));
    // A neighbour is heard, so that both directions are known to be seen.
    let neighbour = |rig: &mut Rig| {
        rig.outside(0, udp(([198, 51, 100, 1], 4_000), ([10, 0, 0, 8], 53), 40));
        rig.inside(0, udp(([10, 0, 0, 8], 53), ([198, 51, 100, 1], 4_000), 40));
    };
    (0..20).for_each(|_| {
        rig.idle(50);
        neighbour(&mut rig);
    });
    let (mut attack, mut stopped, mut answers, mut lost) = (0, 0, 0, 0);
    for ms in 0..40_000u64 {
        let mut frames = Vec::new();
        let any = |rng: &mut Rng| [31, rng.word() as u8, rng.word() as u8, rng.word() as u8];
        let to = |rng: &mut Rng| (VICTIM, 1_024 + rng.below(60_000) as u16);
        for _ in 0..(ms + 1) * per_s / 1000 - ms * per_s / 1000 {
            let (from, to) = ((any(&mut rng), port), to(&mut rng));
            let frame = match rng.below(8) {
                0 => tcp(from, to, RST | ACK, 0),
                _ => tcp(from, to, SYN | ACK, 0).with_options(&BARE, 65_160),
            };
            frames.push((true, frame));
        }
        if ms % 1_000 == 0 {
            neighbour(&mut rig);
        }
        if rng.below(1_000) == 0 {
            let (from, to) = ((any(&mut rng), port), to(&mut rng));
            let frame = match rng.below(4) {
                0 => tcp(from, to, RST, 0),
                1 => tcp(from, to, SYN | ACK, 0).with_options(&FULL, 65_160),
                _ => tcp(from, to, SYN | ACK, 0).with_options(&TIMED, 65_160),
            };
            frames.push((false, frame));
        }
        let judged = rig.breathe(1, frames.iter().map(|(_, frame)| (OUTSIDE, frame.clone())));
        for ((strikes, _), judgement) in frames.iter().zip(judged) {
            let held = u64::from(judgement.verdict != Verdict::Forward);
            // The slowest flood is one after a little more than a second.
            match *strikes {
                true if ms >= 2_000 => (attack, stopped) = (attack + 1, stopped + held),
                true => {}
                false => (answers, lost) = (answers + 1, lost + held),
            }
        }
        rig.ports.sent.clear();
        rig.ports.freed.clear();
    }
    println!("port {port}, {per_s}/s, seed {seed}: stopped {stopped} of {attack}, lost {lost} of {answers}");
    assert!(stopped as f64 >= 0.97 * attack as f64, "stopped {stopped} of {attack}");
    (lost, answers)
}

#[test]
fn answers_of_another_make_than_the_flood_pass() {
    let (mut lost, mut answers) = (0, 0);
    for (seed, (port, per_s)) in (2_001..).zip([(443, 25), (443, 400), (80, 30), (22, 3_000), (443, 120)]) {
        let (gone, all) = reflected_among_answers(seed, port, per_s);
        (lost, answers) = (lost + gone, answers + all);
    }
    assert!(answers > 150 && lost * 50 <= answers, "lost {lost} of {answers}");
}

/// A flood whose sources all lie in one network is that network's: people elsewhere are not held up. When it comes from
/// everywhere, everybody is again.
#[test]
fn a_flood_of_one_network_holds_up_nobody_else() {
    let attack = Attack {
        kind: Kind::Syn,
        per_s: 400,
        from_ms: 10_000,
        for_ms: 28_000,
        aim: Aim::One,
        network: Some([198, 51, 100]),
    };
    let mut town = Town::new(ingress(), 61, 24, 300, 0);
    town.attack(attack);
    town.run(13_000);
    let server = crowds(&mut town, 0, false).into_iter().find(|crowd| crowd.crowd.len128() == 128).unwrap();
    let senders = server.numbers.senders.unwrap();
    let (network, share) = senders.network.unwrap();
    assert!(server.numbers.narrow && network.to_string() == "198.51.100.0/24" && share > 0.8, "{server:?}");
    assert!(senders.entropy < 0.5 && senders.port.unwrap().0 == 443, "{senders:?}");
    assert!(town.rig.explain([203, 0, 113, 7]).held_up.iter().all(Option::is_none));
    assert!(town.rig.explain([198, 51, 100, 250]).held_up[0].is_some());
    let before = town.newcomers_so_far();
    town.run(25_000);
    let delayed = town.delayed_since(before);
    assert_eq!(delayed.1, 0, "of {} newcomers", delayed.0);
    assert!(
        delayed.0 > 50 && town.count.stopped as f64 >= 0.97 * town.count.attack as f64,
        "{:?}",
        town.count
    );

    town.count = Default::default();
    town.attack(Attack { from_ms: 40_000, for_ms: 20_000, network: None, ..attack });
    town.run(24_000);
    let count = town.count;
    assert!(count.stopped as f64 >= 0.97 * count.attack as f64 && count.attack > 7_000, "{count:?}");
    let crowds = crowds(&mut town, 0, false);
    let server = crowds.iter().find(|crowd| crowd.crowd.len128() == 128).unwrap();
    assert!(!server.numbers.narrow && server.numbers.senders.unwrap().entropy > 0.8, "{server:?}");
}

/// Two million sources, a packet each, whether floods are answered or not: those who were known before stay known, and
/// nothing grows.
#[test]
fn two_million_strangers_push_nobody_out() {
    const STRANGERS: u32 = 2_000_000;
    for policy in [ingress(), unguarded()] {
        let mut town = Town::new(policy, 55, 200, 0, 0);
        town.run(15_000);
        town.rig.worker.publish();
        let known: Vec<Ip> = (0..200).map(|number| town.regular(number)).collect();
        let tracked = |town: &Town| known.iter().filter(|&&ip| town.rig.explain(ip).tracked).count();
        assert_eq!(tracked(&town), 200);
        let memory = town.rig.account().memory_bytes;
        for first in (0..STRANGERS).step_by(64) {
            let stranger = |n: u32| [31 + (n >> 20) as u8, (n >> 12) as u8, (n >> 4) as u8, (n << 4) as u8];
            let frames = (first..first + 64).map(|n| (OUTSIDE, udp((stranger(n), 9_000), (SERVER, 443), 20)));
            town.rig.breathe(u64::from(first.is_multiple_of(192)), frames);
            town.rig.ports.sent.clear();
            town.rig.ports.freed.clear();
        }
        town.rig.worker.publish();
        assert_eq!((tracked(&town), town.rig.account().memory_bytes), (200, memory));
    }
}

/// What the worker says about crowds from `cursor` on, until it has said everything.
fn crowds(town: &mut Town, cursor: u32, all: bool) -> Vec<CrowdChange> {
    let mut reports = town.rig.tell(Command::Crowds { token: Token(5), cursor, limit: 256, all });
    while !matches!(reports.last(), Some(Report::Page(Token(5), None))) {
        town.rig.idle(1);
        reports.append(&mut town.rig.reports);
    }
    let stands =
        |report| if let Report::CrowdStands(Token(5), stands) = report { Some(stands) } else { None };
    reports.into_iter().filter_map(stands).collect()
}

/// Whoever asks is told which crowds are in flood, why, and who is held up there; an operator's list lets somebody pass.
#[test]
fn a_flood_can_be_explained() {
    let mut town = Town::new(ingress(), 77, 8, 500, 0);
    town.attack(Attack {
        kind: Kind::Syn,
        per_s: 300,
        from_ms: 5_000,
        for_ms: 60_000,
        aim: Aim::One,
        network: None,
    });
    town.run(10_000);
    let stands = crowds(&mut town, 0, false);
    assert!(crowds(&mut town, Watches::PLACES, true).is_empty());
    let server = stands.iter().find(|stands| stands.crowd.to_string() == "10.0.0.80/32").unwrap();
    assert_eq!((server.flood, server.to), (Flood::Syn, CrowdState::Flood));
    assert!(
        server.numbers.per_s > 200.0 && server.numbers.heard && server.numbers.excess > server.numbers.limit
    );
    let stranger = town.rig.explain([198, 51, 100, 7]);
    let held: Vec<String> = stranger.held_up.iter().flatten().map(|(crowd, _)| crowd.to_string()).collect();
    assert!(held.contains(&"10.0.0.80/32".to_owned()), "{held:?}");
    let (_, floods) = stranger.held_up[0].unwrap();
    assert!(floods.has(Flood::Syn) && !floods.has(Flood::Request));
    let regular = town.rig.explain(town.regular(0));
    assert_eq!(regular.held_up, [None; 4], "who has proved himself is not held up");
}

/// A hundred times the newcomers within ten seconds, all of whom complete their handshakes.
#[test]
fn a_flash_crowd_is_no_flood() {
    for (seed, every) in [(31, 1000), (32, 100), (33, 20)] {
        let mut town = Town::new(ingress(), seed, 24, every, 0);
        town.run(20_000);
        town.newcomers_every(every.div_ceil(100));
        town.run(10_000);
        town.newcomers_every(every);
        town.count = Default::default();
        town.run(15_000);
        let count = town.count;
        println!(
            "a newcomer every {every} ms, then a hundred times as many: {count:?}, {} floods",
            town.floods
        );
        assert_eq!((town.floods, count.delayed), (0, 0));
        assert!(count.newcomers > 500 && count.served == count.newcomers, "{count:?}");
    }
}
