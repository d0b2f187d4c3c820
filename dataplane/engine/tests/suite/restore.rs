//! What a worker hands out and takes back: snapshots and restores.

use repute_engine::mailbox;
use repute_model::{
    Band, Command, Explanation, Factor, Judgement, Limits, RESTORE_MAX, Report, SNAPSHOT_MAX, Score,
    SourceState, Tick, Token,
};

use crate::common::frame::{ACK, Ip, RST, SYN, Talk};
use crate::common::rig::{PAIR, Rig, source};
use crate::common::traffic::{self, Rng};
use crate::common::{SMALL, ingress, policy};

/// Nobody has talked to it before.
const SERVER: Ip = [10, 9, 9, 9];

/// Everything a worker knows, page by page.
fn snapshot(rig: &mut Rig, limit: u16) -> Vec<SourceState> {
    let (mut states, mut cursor) = (Vec::new(), Some(0));
    while let Some(from) = cursor {
        rig.handle.commands.push(Command::Snapshot { token: Token(1), cursor: from, limit }).unwrap();
        let mut page = 0;
        'page: loop {
            rig.reports.clear();
            rig.idle(1);
            for report in std::mem::take(&mut rig.reports) {
                match report {
                    Report::State(Token(1), state) => {
                        page += 1;
                        states.push(state);
                    }
                    Report::Page(Token(1), next) => {
                        cursor = next;
                        break 'page;
                    }
                    _ => {}
                }
            }
        }
        assert!(page <= limit.max(1));
    }
    states
}

/// Restores all, in chunks; how many were taken.
fn restore(rig: &mut Rig, states: &[SourceState]) -> u32 {
    states.chunks(RESTORE_MAX).map(|chunk| restore_chunk(rig, chunk.into())).sum()
}

fn restore_chunk(rig: &mut Rig, states: Box<[SourceState]>) -> u32 {
    let len = states.len();
    let back = rig.tell(Command::Restore { token: Token(9), states });
    let found = back.iter().find_map(|report| match report {
        Report::Restored { token: Token(9), taken, states } => Some((*taken, states.len())),
        _ => None,
    });
    let (taken, back) = found.unwrap();
    assert_eq!(back, len, "what was sent comes back to be freed");
    taken
}

/// A worker with scanners, web clients and plain noise.
fn lived() -> Rig {
    let mut rig = Rig::sized(ingress(), SMALL);
    let mut rng = Rng(5);
    for i in 0..4_000u32 {
        let scan = Talk::new([192, 0, 2, (i % 5) as u8 + 1], 1, [10, 0, 3, (i / 5) as u8], 22);
        if i % 10 < 5 && i < 400 {
            rig.outside(1, scan.asks(SYN, 0));
            rig.inside(0, scan.answers(RST | ACK, 0));
        }
        rig.breathe(1, [traffic::frame(&mut rng, 60)]);
    }
    // What was asked is answered or silent by now.
    rig.idle(10_000);
    rig
}

/// A fresh worker at the same moment.
fn reborn(of: &Rig) -> Rig {
    let mut rig = Rig::sized(ingress(), SMALL);
    rig.now = of.now;
    rig.idle(0);
    rig
}

#[test]
fn a_restored_worker_judges_as_before() {
    let mut old = lived();
    let states = snapshot(&mut old, SNAPSHOT_MAX);
    let limited = states.iter().filter(|state| state.band >= Band::Poor).count();
    assert!(states.len() > 30 && limited >= 5, "{} states, {limited} limited", states.len());
    let mut new = reborn(&old);
    // The restore happens a tick later.
    let later = |state: &SourceState| SourceState {
        idle_ms: state.idle_ms + 1,
        unfaded_ms: state.unfaded_ms + 1,
        in_band_ms: state.in_band_ms + 1,
        in_window_ms: state.in_window_ms + 1,
        ..*state
    };
    let later: Vec<_> = states.iter().map(later).collect();
    assert_eq!(restore(&mut new, &later) as usize, states.len());
    old.idle(new.now.since(old.now));
    assert_eq!(new.mitigations.len(), limited, "every limit is reported");

    let standing = |judgement: Judgement| (judgement.verdict, judgement.standing);
    for step in 0..200u64 {
        for state in &states {
            let (a, b) =
                (old.worker.explain(state.source).unwrap(), new.worker.explain(state.source).unwrap());
            assert_eq!(
                (a.score, a.band, a.treatment),
                (b.score, b.band, b.treatment),
                "{} {step}",
                state.source
            );
            // A new worker doubts for a while that it sees both directions.
            let evidence = |explained: &Explanation| {
                explained
                    .terms
                    .map(|term| if term.factor == Factor::Unanswered { 0.0 } else { term.evidence })
            };
            assert_eq!(evidence(&a), evidence(&b), "{} {step}", state.source);
            assert_eq!((a.mitigations, a.service), (b.mitigations, b.service));
            assert_eq!(a.baseline_packets_per_s, b.baseline_packets_per_s);
        }
        // A packet of somebody known, and time.
        let client = [192, 0, 2, (step % 7) as u8 + 1];
        let talk = Talk::new(client, 5_000 + step as u16, SERVER, 443);
        let judged = [&mut old, &mut new].map(|rig| standing(rig.outside(700, talk.asks(SYN, 0))));
        assert_eq!(judged[0], judged[1], "{client:?} {step}");
    }
}

#[test]
fn who_is_there_gets_the_worse_of_both_and_nobody_is_evicted() {
    let limits = Limits { sources: 1_024, ..SMALL };
    let (mailbox, handle) = mailbox(64, 8_192);
    let mut rig = Rig::with(ingress(), limits, &PAIR, mailbox, handle);
    let known = [192, 0, 2, 7];
    rig.outside(1, Talk::new(known, 9, SERVER, 80).asks(SYN, 0));
    let bad = |ip| SourceState::new(source(ip), Score::new(100), Band::Malicious);
    let good = SourceState::new(source(known), Score::MAX, Band::Excellent);
    assert_eq!(restore(&mut rig, &[good]), 1);
    assert_eq!(rig.explain(known).band, Band::Good, "an old record makes nobody stand better");
    assert_eq!(restore(&mut rig, &[bad(known)]), 1);
    assert_eq!(rig.explain(known).band, Band::Malicious);
    assert!(rig.explain(known).score < Score::new(1_000));
    let many: Vec<_> = (0..2_000u32).map(|i| bad([198, 18, (i >> 8) as u8, i as u8])).collect();
    let taken = restore(&mut rig, &many);
    assert!((900..1_024).contains(&taken), "{taken}");
    rig.idle(1);
    assert_eq!((rig.account().evicted, rig.account().tracked), (0, u64::from(taken) + 1));
    assert_eq!(rig.explain(known).band, Band::Malicious);
}

#[test]
fn a_restore_takes_no_more_than_its_part_of_a_tick() {
    let mut rig = Rig::sized(ingress(), SMALL);
    let state =
        |i: u32| SourceState::new(source([198, 18, (i >> 8) as u8, i as u8]), Score::new(100), Band::Poor);
    let states: Box<[_]> = (0..600).map(state).collect();
    assert_eq!(restore_chunk(&mut rig, states.clone()), RESTORE_MAX as u32, "more are not looked at");
    for _ in 0..3 {
        rig.handle.commands.push(Command::Restore { token: Token(9), states: states.clone() }).unwrap();
    }
    for _ in 0..3 {
        rig.reports.clear();
        rig.idle(1);
        let back = rig.reports.iter().filter(|report| matches!(report, Report::Restored { .. }));
        assert_eq!(back.count(), 1, "one a tick");
    }
}

#[test]
fn lists_count_over_what_was_restored() {
    let lists = "[lists]\nallow = [\"192.0.2.1\"]\n[profiles.ingress]";
    let mut rig = Rig::sized(policy(lists), SMALL);
    let bad = |last| SourceState::new(source([192, 0, 2, last]), Score::new(100), Band::Malicious);
    let once_listed = SourceState { listed: true, ..bad(2) };
    assert_eq!(restore(&mut rig, &[bad(1), once_listed, bad(3)]), 3);
    let bands = [1, 2, 3].map(|last| rig.explain([192, 0, 2, last]).band);
    assert_eq!(bands, [Band::Excellent, Band::Good, Band::Malicious]);
}

#[test]
fn a_source_of_another_width_is_no_source_here() {
    let mut rig = Rig::sized(ingress(), SMALL);
    let wide = SourceState::new("192.0.2.0/24".parse().unwrap(), Score::new(100), Band::Poor);
    assert_eq!(restore(&mut rig, &[wide]), 0);
}

#[test]
fn fading_at_once_is_fading_step_by_step() {
    let mut rig = lived();
    let before = snapshot(&mut rig, 100);
    let profile = ingress().ingress.unwrap();
    let at = rig.now;
    rig.idle(50_000);
    let after = snapshot(&mut rig, 100);
    let waited = rig.now.since(at);
    for state in after {
        let was = before.iter().find(|was| was.source == state.source).unwrap();
        let aged = repute_reputation::aged(was, waited, &profile);
        // The sweep fades in steps of a 32nd of the half-life, and never raises what evidence holds down.
        let apart = aged.score.get().abs_diff(state.score.get());
        assert!(apart < 200 || state.score < aged.score, "{}: {} {}", state.source, aged.score, state.score);
        assert!(
            aged.tallies.iter().zip(state.tallies).all(|(a, b)| a.abs_diff(b) <= a / 24 + 8),
            "{aged:?} {state:?}"
        );
    }
    assert!(rig.now > Tick(50_000));
}
