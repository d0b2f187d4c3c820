//! Softened connections: what their suspicious end is told of the other one's window, and that it is told nothing else.

use proptest::prelude::*;
use repute_model::{Command, Token, Verdict};

use crate::common::frame::{ACK, Frame, Ip, PSH, RST, SYN, Talk};
use crate::common::rig::{Rig, source};
use crate::common::{INSIDE, OUTSIDE, SMALL, cases, policy};

const CLIENT: Ip = [192, 0, 2, 7];
const TALK: Talk = Talk { client: (CLIENT, 40_000), server: ([10, 0, 0, 80], 443) };
/// What Linux offers: 1460 bytes, SACK, time stamps, windows in units of 128.
const LINUX: [u8; 20] = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7];
/// Ten segments of 1220 bytes less time stamps, in units of 128.
const UNITS: u16 = 94;
const WINDOW: u16 = UNITS * 128;

/// Good sources, as everybody is at first, are softened for two round trips; excellent ones are not.
fn rig() -> Rig {
    let soften = "{ soften = { segments = 10, mss = 1220, round_trips = 2 } }";
    let mut rig = Rig::sized(policy(&format!("[profiles.ingress.treatments]\ngood = {soften}")), SMALL);
    rig.ports.kept = Some(Vec::new());
    rig
}

/// What leaves when a packet comes.
fn passes(rig: &mut Rig, port: u8, frame: Frame) -> Frame {
    let judgement = rig.breathe(1, [(port, frame)])[0];
    assert_eq!(judgement.verdict, Verdict::Forward);
    rig.ports.kept.replace(Vec::new()).unwrap().pop().unwrap().1
}

fn word(frame: &Frame, at: usize) -> u16 {
    u16::from_be_bytes([frame.bytes[at], frame.bytes[at + 1]])
}

fn window(frame: &Frame) -> u16 {
    word(frame, 48)
}

/// A segment of the server that acknowledges `ack` and offers `window`, as its sender receives it.
fn told(rig: &mut Rig, ack: u32, window: u16) -> u16 {
    let frame = TALK.answers(ACK, 0).numbered(9_001, ack).with_options(&[], window);
    self::window(&passes(rig, INSIDE, frame))
}

/// The handshake of a connection of the client with sequence numbers from 1000 on; the window that it is told of.
fn shake(rig: &mut Rig) -> u16 {
    passes(rig, OUTSIDE, TALK.asks(SYN, 0).numbered(1_000, 0).with_options(&LINUX, 64_240));
    let answer = TALK.answers(SYN | ACK, 0).numbered(9_000, 1_001).with_options(&LINUX, 65_160);
    let told = passes(rig, INSIDE, answer);
    passes(rig, OUTSIDE, TALK.asks(ACK, 0).numbered(1_001, 9_001));
    window(&told)
}

#[test]
fn handshakes_keep_everything_but_the_largest_segment_and_what_the_sender_is_told() {
    let mut rig = rig();
    let syn = TALK.asks(SYN, 0).numbered(1_000, 0).with_options(&LINUX, 64_240);
    let after = passes(&mut rig, OUTSIDE, syn.clone());
    assert_eq!((word(&after, 56), window(&after)), (1220, 64_240), "its own window is its own affair");
    assert_eq!(after.bytes[58..], syn.bytes[58..], "SACK-permitted, time stamps, scale");
    let answer = TALK.answers(SYN | ACK, 0).numbered(9_000, 1_001).with_options(&LINUX, 65_160);
    let after = passes(&mut rig, INSIDE, answer.clone());
    assert_eq!((word(&after, 56), window(&after)), (1220, WINDOW));
    assert_eq!((&after.bytes[..48], &after.bytes[58..]), (&answer.bytes[..48], &answer.bytes[58..]));
    assert_eq!(rig.account().softened, 2);
}

#[test]
fn windows_are_small_for_so_many_round_trips_and_then_the_receivers_own() {
    let mut rig = rig();
    assert_eq!(shake(&mut rig), WINDOW);
    let round = u32::from(WINDOW);
    for ack in [1_001, 1_001 + round - 1, 1_001 + round, 1_001 + 2 * round - 1] {
        assert_eq!(told(&mut rig, ack, 502), UNITS, "{ack}");
    }
    assert_eq!(told(&mut rig, 1_001 + 2 * round, 502), 502);
    assert_eq!(told(&mut rig, 1_001, 502), 502, "what is over is over");
    let softened = rig.account().softened;
    for part in [TALK.asks(ACK | PSH, 100), TALK.answers(ACK | PSH, 100)] {
        let from_client = part.bytes[26..30] == CLIENT;
        rig.pass(1, (from_client, part));
    }
    assert_eq!(rig.account().softened, softened);
}

#[test]
fn a_receiver_that_offers_less_is_not_talked_over() {
    let mut rig = rig();
    shake(&mut rig);
    for (offered, expected) in [(0, 0), (93, 93), (94, 94), (95, 94), (65_535, 94)] {
        assert_eq!(told(&mut rig, 1_001, offered), expected);
    }
}

#[test]
fn what_was_there_before_stays_as_it_is() {
    let mut rig = rig();
    assert_eq!(told(&mut rig, 1_001, 502), 502, "nobody knows the sender");
    rig.pass(1, (true, TALK.asks(ACK | PSH, 100)));
    assert_eq!(told(&mut rig, 1_001, 502), 502, "nobody saw the handshake: the scale is unknown");
    let stray = TALK.answers(SYN | ACK, 0).numbered(9_000, 77).with_options(&LINUX, 65_160);
    assert_eq!(window(&passes(&mut rig, INSIDE, stray)), 65_160, "the answer to no question");
}

#[test]
fn who_becomes_better_is_softened_no_more() {
    let mut rig = rig();
    shake(&mut rig);
    assert_eq!(told(&mut rig, 1_001, 502), UNITS);
    rig.tell(Command::Nudge { token: Token(0), source: source(CLIENT), delta: 10_000, forgive: true });
    assert_eq!(told(&mut rig, 1_001, 502), 502);
    rig.tell(Command::Nudge { token: Token(0), source: source(CLIENT), delta: -2_000, forgive: false });
    assert_eq!(told(&mut rig, 1_001, 502), 502, "what was given is not taken back");
}

#[test]
fn a_reset_ends_it() {
    let mut rig = rig();
    shake(&mut rig);
    passes(&mut rig, OUTSIDE, TALK.asks(RST, 0).numbered(1_001, 0));
    assert_eq!(told(&mut rig, 1_001, 502), 502);
}

#[test]
fn who_is_asked_is_softened_like_who_asks() {
    let mut rig = rig();
    // The source has an entry from something else that it did.
    passes(&mut rig, OUTSIDE, TALK.datagram(10));
    let asks = Talk { client: TALK.server, server: TALK.client };
    let syn = asks.asks(SYN, 0).numbered(500, 0).with_options(&LINUX, 64_240);
    let after = passes(&mut rig, INSIDE, syn);
    assert_eq!((word(&after, 56), window(&after)), (1220, WINDOW));
    let answer = asks.answers(SYN | ACK, 0).numbered(7_000, 501).with_options(&LINUX, 65_160);
    assert_eq!(window(&passes(&mut rig, OUTSIDE, answer)), 65_160);
    let told = |rig: &mut Rig, ack| {
        let frame = asks.asks(ACK, 0).numbered(501, ack).with_options(&[], 502);
        window(&passes(rig, INSIDE, frame))
    };
    assert_eq!(told(&mut rig, 7_001), UNITS);
    assert_eq!(told(&mut rig, 7_001 + u32::from(WINDOW)), UNITS);
    assert_eq!(told(&mut rig, 7_001 + 2 * u32::from(WINDOW)), 502);
}

proptest! {
    #![proptest_config(cases(256))]

    /// Whatever a receiver offers whose own right edge never moves to the left: the edge that the sender is told of
    /// neither does, and is never farther to the right.
    #[test]
    fn the_right_edge_never_moves_to_the_left(
        first in any::<u32>(),
        steps in prop::collection::vec((0_u32..4_000, 0_u32..600), 1..60),
    ) {
        let mut rig = rig();
        passes(&mut rig, OUTSIDE, TALK.asks(SYN, 0).numbered(first, 0).with_options(&LINUX, 64_240));
        let mut ack = first.wrapping_add(1);
        let answer = TALK.answers(SYN | ACK, 0).numbered(9_000, ack).with_options(&LINUX, 65_160);
        let mut given = u32::from(window(&passes(&mut rig, INSIDE, answer)));
        // Everything is counted from the first byte of the sender.
        let (mut acknowledged, mut edge) = (0, 65_160);
        for (more, opens) in steps {
            let more = more.min(given - acknowledged);
            (acknowledged, ack) = (acknowledged + more, ack.wrapping_add(more));
            edge += opens * 128;
            let offered = (edge - acknowledged).div_ceil(128).min(65_535);
            edge = edge.max(acknowledged + offered * 128);
            let told = u32::from(told(&mut rig, ack, offered as u16));
            prop_assert!(told <= offered);
            prop_assert!(acknowledged + told * 128 >= given, "{} {told} {given}", acknowledged);
            given = acknowledged + told * 128;
        }
    }
}
