//! The standing of sources without an entry: whence they come and where they go, while the table has no room for them.

use repute_model::{Band, Command, Explanation, Factor, Reason, Rule, Token, Verdict};

use crate::common::frame::{Ip, SYN, Talk};
use crate::common::rig::{Rig, source};
use crate::common::{OUTSIDE, SMALL, policy};

const SERVER: Ip = [10, 0, 0, 80];
/// Where many stand badly.
const BAD: [u8; 3] = [198, 51, 100];

/// Evidence fades fast.
const TEXT: &str =
    "[profiles.ingress]\nevidence_half_life = \"2s\"\n[profiles.ingress.crowds]\nmode = \"off\"";

fn at([a, b, c]: [u8; 3], host: u8) -> Ip {
    [a, b, c, host]
}

fn knock(from: Ip) -> (u8, crate::common::frame::Frame) {
    (OUTSIDE, Talk::new(from, 40_000, SERVER, 443).asks(SYN, 0))
}

fn nudge_all(rig: &mut Rig, sources: u8, delta: i16) {
    for host in 0..sources {
        let source = source(at(BAD, host));
        rig.tell(Command::Nudge { token: Token(1), source, delta, forgive: delta > 0 });
    }
}

/// A table that has room for nobody who was not seen before, and so many bad sources of one /24.
fn crowded(bad: u8, text: &str) -> Rig {
    let mut rig = Rig::sized(policy(text), SMALL);
    nudge_all(&mut rig, bad, -7_000);
    let others: Vec<_> =
        (0..SMALL.sources * 3 / 4).map(|n| knock([192, 0, (n >> 8) as u8, n as u8])).collect();
    for some in others.chunks(64) {
        rig.breathe(1, some.iter().cloned());
    }
    rig.idle(4 * u64::from(SMALL.sweep_ms));
    rig
}

fn evidence(why: &Explanation, factor: Factor) -> f64 {
    why.terms[factor.index()].evidence
}

#[test]
fn who_comes_from_bad_company_may_not_begin_anything() {
    let mut rig = crowded(40, TEXT);
    let judged = rig.breathe(1, [knock(at(BAD, 200)), knock([203, 0, 113, 9])]);
    assert_eq!((judged[0].verdict, judged[0].reason), (Verdict::Drop, Some(Reason::BlockNew)));
    assert_eq!(judged[1].verdict, Verdict::Forward);
    let why = rig.explain(at(BAD, 201));
    assert_eq!((why.tracked, why.rule, why.band), (false, Rule::Stranger(Band::Poor), Band::Poor));
    assert!(evidence(&why, Factor::Neighbours) > 0.9 && why.treatment.block_new);
    assert!(why.terms[Factor::Neighbours.index()].weight > 0.0);
    let elsewhere = rig.explain([203, 0, 113, 10]);
    assert_eq!((evidence(&elsewhere, Factor::Neighbours), elsewhere.band), (0.0, Band::Good));
    let known = rig.explain(at(BAD, 3));
    assert_eq!(
        (known.tracked, known.terms[Factor::Neighbours.index()].weight),
        (true, 0.0),
        "it is known by itself"
    );
}

#[test]
fn a_few_bad_sources_are_no_bad_company() {
    let mut rig = crowded(2, TEXT);
    assert_eq!(rig.breathe(1, [knock(at(BAD, 200))])[0].verdict, Verdict::Forward);
    assert!(evidence(&rig.explain(at(BAD, 201)), Factor::Neighbours) > 0.2);
}

#[test]
fn company_that_has_become_better_is_forgotten() {
    let mut rig = crowded(40, TEXT);
    nudge_all(&mut rig, 40, 10_000);
    assert_eq!(rig.explain(at(BAD, 200)).band, Band::Poor, "not at once");
    rig.idle(20_000);
    assert_eq!(
        (rig.explain(at(BAD, 200)).band, rig.breathe(1, [knock(at(BAD, 200))])[0].verdict),
        (Band::Good, Verdict::Forward)
    );
}

#[test]
fn who_found_no_room_is_told_by_how_often() {
    let mut rig = crowded(0, TEXT);
    let stranger = [203, 0, 113, 9];
    assert_eq!(rig.outside(1, knock(stranger).1).verdict, Verdict::Forward);
    let why = rig.explain(stranger);
    assert_eq!((why.tracked, evidence(&why, Factor::Sightings)), (false, 1.0));
    rig.outside(1, knock(stranger).1);
    assert!(rig.explain(stranger).tracked, "the second time there is room");
}

/// With a weight for criticality a stranger stands by the service that he asks.
#[test]
fn the_service_that_is_asked_counts_where_it_has_a_weight() {
    let text = "[services.web]\nprefixes = [\"10.0.0.80\"]\ncriticality = 0.0\n[services.core]\nprefixes = [\"10.0.0.81\"]\n\
                criticality = 1.0\n[profiles.ingress.crowds]\nmode = \"off\"\n[profiles.ingress.factors]\n\
                criticality = { weight = 0.5, from = 0, full = 1 }";
    let mut rig = crowded(0, text);
    let to =
        |server: u8| (OUTSIDE, Talk::new([203, 0, 113, server], 40_000, [10, 0, 0, server], 443).datagram(9));
    let judged = rig.breathe(1, [to(80), to(81)]);
    let reasons = [judged[0].reason, judged[1].reason];
    assert_eq!(reasons, [Some(Reason::BlockNew), None], "{judged:?}");
}
