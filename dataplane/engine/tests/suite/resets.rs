//! Established connections are ended at both ends, at numbers that these accept, and no more of them at once than may be.

use repute_model::{Command, Reason, Token, Verdict};
use repute_wire::{parse_ethernet, tcp as flags};

use crate::common::frame::{ACK, Frame, Ip, PSH, SYN, Talk, tcp};
use crate::common::rig::{Rig, source};
use crate::common::{INSIDE, OUTSIDE, SMALL, policy};

const CLIENT: Ip = [192, 0, 2, 7];
const SERVER: Ip = [10, 0, 0, 80];
const TALK: Talk = Talk { client: (CLIENT, 40_000), server: (SERVER, 443) };

/// Poor sources begin nothing, and what they have begun ends; the client has become one.
fn rig() -> Rig {
    let text = "[profiles.ingress.treatments]\npoor = { block_new = true, reset = true }";
    let mut rig = Rig::sized(policy(text), SMALL);
    for part in TALK.whole(100, 100).into_iter().take(5) {
        rig.pass(1, part);
    }
    rig.tell(Command::Nudge { token: Token(0), source: source(CLIENT), delta: -4_000, forgive: false });
    rig.ports.kept = Some(Vec::new());
    rig
}

/// What leaves when the client sends: port, flags, sequence number.
fn sends(rig: &mut Rig, frame: Frame) -> Vec<(u8, u16, u32)> {
    let judgement = rig.outside(1, frame);
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Drop, Some(Reason::ConnectionReset)));
    rig.ports.kept.replace(Vec::new()).unwrap().iter().map(|(port, frame)| reset(*port, frame)).collect()
}

fn reset(port: u8, frame: &Frame) -> (u8, u16, u32) {
    let parsed = parse_ethernet(&frame.bytes, frame.wire_len);
    assert_eq!((parsed.error, parsed.payload_len), (None, 0));
    let l4 = usize::from(parsed.l4_off);
    let ends = [(parsed.src, parsed.sport), (parsed.dst, parsed.dport)];
    let [client, server] =
        [(CLIENT, 40_000), (SERVER, 443)].map(|(ip, port)| (crate::common::frame::address(ip), port));
    assert_eq!(ends, if port == INSIDE { [client, server] } else { [server, client] });
    (port, parsed.tcp_flags, u32::from_be_bytes(frame.bytes[l4 + 4..l4 + 8].try_into().unwrap()))
}

fn segment(seq: u32, ack: u32) -> Frame {
    TALK.asks(ACK | PSH, 500).numbered(seq, ack)
}

#[test]
fn both_ends_are_reset_at_what_they_expect() {
    let mut rig = rig();
    let sent = sends(&mut rig, segment(5_000, 9_000));
    assert_eq!(sent, [(OUTSIDE, flags::RST, 9_000), (INSIDE, flags::RST, 5_000)]);
    let resets: Vec<u64> = rig.account().ports.iter().take(2).map(|port| port.resets).collect();
    assert_eq!((resets, rig.dropped(Reason::ConnectionReset)), (vec![1, 1], 1));
    assert!(rig.account().is_conserved());
}

#[test]
fn a_connection_is_ended_once_and_its_sender_where_it_has_got_on() {
    let mut rig = rig();
    assert_eq!(sends(&mut rig, segment(5_000, 9_000)).len(), 2);
    assert_eq!(sends(&mut rig, segment(5_500, 9_000)), []);
    // What was under way when its peer was reset has arrived.
    assert_eq!(sends(&mut rig, segment(5_500, 9_700)), [(OUTSIDE, flags::RST, 9_700)]);
    assert_eq!(sends(&mut rig, segment(5_500, 9_700)), []);
    rig.idle(3_000);
    assert_eq!(sends(&mut rig, segment(5_500, 9_700)).len(), 2, "the resets were lost");
}

#[test]
fn what_begins_is_refused_and_others_go_on() {
    let mut rig = rig();
    let other = Talk { client: ([192, 0, 2, 8], 1), ..TALK };
    assert_eq!(
        rig.outside(1, Talk { server: (SERVER, 80), ..TALK }.asks(SYN, 0)).reason,
        Some(Reason::BlockNew)
    );
    for part in other.whole(10, 10) {
        assert_eq!(rig.pass(1, part).reason, None);
    }
    assert_eq!(rig.inside(1, TALK.answers(ACK, 10)).reason, None, "its peers are not judged");
}

#[test]
fn no_more_are_ended_in_a_tick_than_may_be_and_the_rest_in_the_next() {
    let mut rig = rig();
    let each = || (0..60).map(|i| (OUTSIDE, tcp((CLIENT, 1_000 + i), (SERVER, 443), ACK, 10)));
    let resets = |rig: &Rig| rig.account().ports.iter().map(|port| port.resets).sum::<u64>();
    let judgements = rig.breathe(1, each());
    assert!(judgements.iter().all(|judgement| judgement.reason == Some(Reason::ConnectionReset)));
    rig.worker.publish();
    assert_eq!((resets(&rig), rig.account().resets_withheld), (64, 56));
    rig.breathe(1, each());
    assert_eq!(resets(&rig), 120);
}

#[test]
fn without_a_buffer_the_segment_is_stopped_all_the_same() {
    let mut rig = rig();
    rig.ports.copies = 1;
    assert_eq!(sends(&mut rig, segment(5_000, 9_000)), [(INSIDE, flags::RST, 5_000)]);
    rig.worker.publish();
    assert_eq!(rig.account().resets_withheld, 1);
    rig.ports.copies = 9;
    assert_eq!(sends(&mut rig, segment(5_000, 9_000)), [(OUTSIDE, flags::RST, 9_000)]);
}
