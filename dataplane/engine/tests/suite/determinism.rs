//! One seed, one policy, one stream of packets: one outcome, however the stream is cut into breaths.

use proptest::prelude::*;
use repute_engine::Account;
use repute_model::{BATCH, Judgement, Mitigation};

use crate::common::frame::Frame;
use crate::common::rig::Rig;
use crate::common::traffic::{self, Rng};
use crate::common::{SMALL, cases, policy};

/// Short half-lives, so that decay, dwell and expiry all happen within a test.
const QUICK: &str = "[profiles.ingress]\nhalf_life = \"2s\"\nevidence_half_life = \"3s\"\nwindow = \"100ms\"\n\
                     silence = \"500ms\"\n[profiles.ingress.bands]\ndwell_better = \"700ms\"";

/// What a tick brings.
type Stream = Vec<(u64, Vec<(u8, Frame)>)>;

fn stream(seed: u64, ticks: u32, gap_most: u32) -> Stream {
    let mut rng = Rng(seed);
    (0..ticks)
        .map(|_| {
            let gap = 1 + u64::from(rng.below(gap_most));
            let count = rng.below(BATCH as u32 + 1);
            (gap, (0..count).map(|_| traffic::frame(&mut rng, 60)).collect())
        })
        .collect()
}

/// Everything that can be seen from outside.
#[derive(PartialEq, Debug)]
struct Outcome {
    judgements: Vec<Judgement>,
    mitigations: Vec<Mitigation>,
    account: Account,
}

fn outcome(rig: Rig, judgements: Vec<Judgement>) -> Outcome {
    let mut account = *rig.account();
    // How many breaths there were is all that may differ, and which of them were measured.
    (account.batches, account.measured_breaths, account.measured_packets) = (0, 0, 0);
    account.measured_ticks = 0;
    Outcome { judgements, mitigations: rig.mitigations, account }
}

/// Plays a stream; `cut` says how many packets the next breath takes of those left in a tick, `idle`
/// whether the time between ticks is walked breath by breath.
fn play(stream: &Stream, mut cut: impl FnMut() -> usize, idle: bool) -> Outcome {
    let mut rig = Rig::sized(policy(QUICK), SMALL);
    let mut judgements = Vec::new();
    for (gap, frames) in stream {
        let mut gap = *gap;
        while idle && gap > 1 {
            rig.idle(1);
            gap -= 1;
        }
        let mut rest = frames.as_slice();
        loop {
            let (now, later) = rest.split_at(cut().min(rest.len()));
            judgements.extend(rig.breathe(gap, now.iter().cloned()));
            (gap, rest) = (0, later);
            if rest.is_empty() {
                break;
            }
        }
    }
    rig.worker.publish();
    outcome(rig, judgements)
}

#[test]
fn the_same_twice() {
    let stream = stream(11, 800, 40);
    let (a, b) = (play(&stream, || BATCH, false), play(&stream, || BATCH, false));
    assert_eq!(a, b);
    assert!(a.account.changes > 50 && !a.mitigations.is_empty(), "{} changes", a.account.changes);
    assert!(a.judgements.iter().any(|judgement| judgement.reason.is_some()));
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn batch_boundaries_within_a_tick_do_not_matter(seed in any::<u64>(), cuts in any::<u64>()) {
        let stream = stream(seed, 150, 40);
        let mut rng = Rng(cuts);
        prop_assert_eq!(
            play(&stream, || BATCH, false),
            play(&stream, || 1 + rng.below(BATCH as u32) as usize, false)
        );
    }

    #[test]
    fn idle_ticks_one_by_one_equal_one_step(seed in any::<u64>()) {
        let stream = stream(seed, 60, 400);
        prop_assert_eq!(play(&stream, || BATCH, false), play(&stream, || BATCH, true));
    }
}

#[test]
fn a_long_quiet_time_below_a_jump_is_walked() {
    let mut stream = stream(5, 100, 20);
    stream.push((repute_engine::JUMP_MS, Vec::new()));
    stream.extend(self::stream(6, 50, 20));
    let whole = play(&stream, || BATCH, false);
    assert_eq!(whole, play(&stream, || BATCH, true));
    assert_eq!(whole.account.jumps, 0);
}

#[test]
fn a_jump_is_one_step_and_time_never_runs_backwards() {
    let mut rig = Rig::sized(policy(QUICK), SMALL);
    let mut rng = Rng(3);
    for _ in 0..200 {
        rig.breathe(5, (0..20).map(|_| traffic::frame(&mut rng, 20)).collect::<Vec<_>>());
    }
    let low: Vec<_> = rig.mitigations.iter().map(|m| m.source.first()).collect();
    rig.idle(400 * repute_engine::JUMP_MS);
    assert_eq!(rig.account().jumps, 1);
    let source = repute_model::Source::of(low[0], repute_model::Width::OUTSIDE).unwrap();
    let after = rig.worker.explain(source).unwrap();
    assert_eq!(after.score.get(), 7_500, "two hundred half-lives lead to the prior");

    let late = rig.now;
    rig.now = repute_model::Tick(5);
    rig.breathe(0, [traffic::frame(&mut rng, 20)]);
    rig.worker.publish();
    assert_eq!(rig.account().tick, late.0);
}
