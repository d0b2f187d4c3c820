//! The models of E13 and P11 as the worker computes them: the requirements' own numbers, out of packets.

use repute_model::{Band, Command, Explanation, Factor, Limits, Score, Token};

use crate::common::frame::{ACK, Ip, SYN, Talk};
use crate::common::rig::{Rig, source};
use crate::common::{SMALL, policy};

const HOST: Ip = [10, 0, 2, 9];

/// The sweep comes by every tick, so that windows end when they should.
const PROMPT: Limits = Limits { sweep_ms: 1, ..SMALL };

const EGRESS: &str = "[destinations]\ndefault = 0.6\n\
    [services.shop]\nprefixes = [\"10.0.2.0/24\"]\ncriticality = 0.4\n\
    [profiles.egress]\nmodel = \"egress-interval\"\nprior = 0.8";

fn part(explained: &Explanation, factor: Factor) -> f64 {
    explained.terms[factor.index()].part()
}

/// One window of 1 s in which the host sends `bytes` in frames of 100 bytes, from `first` on.
fn window(rig: &mut Rig, bytes: u32, first: u64) {
    let start = rig.now.0;
    for i in 0..u64::from(bytes / 100) {
        let talk = Talk::new(HOST, 40_000, [198, 51, 100, (i % 40) as u8], 443);
        let frame = talk.asks(ACK, 46);
        assert_eq!(frame.wire_len, 100);
        rig.inside(if i == 0 { first } else { 1 }, frame);
    }
    rig.idle(start + 999 - rig.now.0);
}

#[test]
fn egress_interval_term_by_term() {
    let mut rig = Rig::sized(policy(EGRESS), PROMPT);
    // The first packet of all begins the first window; its baseline is what that window brings.
    rig.idle(1);
    window(&mut rig, 10_000, 0);
    rig.idle(1);
    assert_eq!(rig.explain(HOST).baseline_bytes_per_s, 10_000.0);
    let delta = 8_000 - rig.explain(HOST).score.get() as i16;
    rig.handle
        .commands
        .push(Command::Nudge { token: Token(1), source: source(HOST), delta, forgive: false })
        .unwrap();
    window(&mut rig, 15_000, 1);

    let explained = rig.explain(HOST);
    let expected = [
        (Factor::History, 0.4),
        (Factor::Volume, 0.1),
        (Factor::Destination, 0.09),
        (Factor::Criticality, 0.06),
    ];
    for (factor, value) in expected {
        assert!((part(&explained, factor) - value).abs() < 1e-9, "{factor}: {}", part(&explained, factor));
    }
    let others = Factor::ALL.iter().filter(|factor| !expected.iter().any(|(listed, _)| listed == *factor));
    assert!(others.into_iter().all(|&factor| explained.terms[factor.index()].weight == 0.0));
    assert_eq!((explained.score, explained.target), (Score::new(8_000), Score::new(6_175)));
    assert_eq!(explained.service, Some(0));
    rig.idle(1);
    assert_eq!(rig.explain(HOST).score, Score::new(6_175), "at the end of the interval it counts");
}

#[test]
fn egress_interval_does_not_clamp_the_deviation() {
    let text = EGRESS.replace("0.6", "1.0").replace("0.4", "1.0");
    let mut rig = Rig::sized(policy(&text), PROMPT);
    rig.idle(1);
    window(&mut rig, 10_000, 0);
    rig.idle(1);
    let delta = 8_000 - rig.explain(HOST).score.get() as i16;
    rig.handle
        .commands
        .push(Command::Nudge { token: Token(1), source: source(HOST), delta, forgive: false })
        .unwrap();
    window(&mut rig, 30_000, 1);
    let explained = rig.explain(HOST);
    assert!(
        (part(&explained, Factor::Volume) + 0.2).abs() < 1e-9,
        "three times the baseline is a deviation of 2"
    );
    assert_eq!(explained.target, Score::new(4_750));
}

#[test]
fn egress_interval_of_a_silent_host_follows_the_formula_window_by_window() {
    let mut rig = Rig::sized(policy(EGRESS), PROMPT);
    rig.idle(1);
    window(&mut rig, 10_000, 0);
    rig.idle(1);
    let mut old = rig.explain(HOST).score;
    for _ in 0..20 {
        rig.idle(1_000);
        // No volume at all is a deviation of 1.
        let unit = (0.5 * old.unit() + 0.2 * 0.0 + 0.15 * 0.6 + 0.15 * 0.4) * 0.95;
        assert_eq!(rig.explain(HOST).score, Score::from_unit(unit));
        old = rig.explain(HOST).score;
    }
    assert!(rig.explain(HOST).band >= Band::Poor);
}

#[test]
fn suspicion_term_by_term() {
    let zero = |name: &str| format!("{name} = {{ weight = 0, from = 0, full = 1 }}\n");
    let silent: String = Factor::ALL
        .iter()
        .filter(|factor| !factor.is_of_dns())
        .filter(|factor| !matches!(factor, Factor::Feed | Factor::Criticality | Factor::History))
        .map(|factor| zero(factor.name()))
        .collect();
    let text = format!(
        "[lists]\ndeny = [{{ prefix = \"203.0.113.5\", confidence = 60 }}]\n\
         [services.shop]\nprefixes = [\"10.0.2.0/24\"]\ncriticality = 0.7\n\
         [profiles.ingress]\nmodel = \"suspicion\"\ndecay = 0.9\n\
         [profiles.ingress.treatments]\npoor = \"pass\"\n[profiles.ingress.factors]\n\
         feed = {{ weight = 70, from = 0, full = 1 }}\ncriticality = {{ weight = 50, from = 0, full = 1 }}\n{silent}"
    );
    let mut rig = Rig::sized(policy(&text), PROMPT);
    let sender = [203, 0, 113, 5];
    rig.outside(1, Talk::new(sender, 40_000, HOST, 443).asks(SYN, 0));
    rig.idle(2);
    let explained = rig.explain(sender);
    assert_eq!(part(&explained, Factor::Feed), 42.0);
    let criticality = part(&explained, Factor::Criticality);
    assert!((criticality - 15.0).abs() < 1e-9, "{criticality}");
    assert_eq!((explained.score, explained.target), (Score::new(4_870), Score::new(4_870)));
    assert_eq!(explained.score.suspicion(), 51.3);
}
