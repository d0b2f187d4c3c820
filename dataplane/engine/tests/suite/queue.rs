//! Held back and released: `queue` and `queue_new` through the whole worker.

use repute_model::{Command, Limits, Reason, Token, Verdict};

use crate::common::frame::{ACK, SYN, Talk};
use crate::common::rig::{Rig, source};
use crate::common::{OUTSIDE, policy};

const TALK: Talk = Talk { client: ([192, 0, 2, 1], 40_000), server: ([198, 51, 100, 2], 443) };

/// Sources of this band are shaped to 1000 packets a second, two at once.
const QUEUE: &str =
    "[profiles.ingress.treatments]\ngood = { queue = { packets = \"1000pps\", packet_burst = 2 } }";

#[test]
fn what_is_above_the_rate_leaves_later_in_order() {
    let mut rig = Rig::new(policy(QUEUE));
    let judgements = rig.breathe(1, (0..10).map(|_| (OUTSIDE, TALK.datagram(10))));
    let held = judgements.iter().filter(|judgement| judgement.verdict == Verdict::Queue).count();
    assert!((6..=9).contains(&held), "{held}");
    assert!(judgements.iter().all(|judgement| matches!(judgement.reason, None | Some(Reason::Shaped))));
    let port = rig.account().ports[usize::from(OUTSIDE)];
    assert_eq!((port.forwarded, port.queued), (10 - held as u64, held as u64));
    for _ in 0..held {
        rig.idle(1);
    }
    let released: u64 = rig.account().ports.iter().map(|port| port.released).sum();
    assert_eq!((released, rig.ports.sent.len()), (held as u64, 10));
    assert!(rig.account().is_conserved());
}

#[test]
fn a_thousand_packets_a_second_are_a_thousand_packets_a_second() {
    let limits = Limits { queue_source: 5_000, queue_packets: 8_192, ..Limits::DEFAULT };
    // Whatever such a rate does to its standing, every band is shaped alike.
    let bands = ["excellent", "good", "neutral", "poor", "malicious"];
    let queue =
        |band: &str| format!("{band} = {{ queue = {{ packets = \"1000pps\", packet_burst = 2 }} }}\n");
    let text = format!("[profiles.ingress.treatments]\n{}", bands.map(queue).concat());
    let mut rig = Rig::sized(policy(&text), limits);
    for _ in 0..10_000 {
        // Three a millisecond: three times what it may.
        rig.breathe(1, (0..3).map(|_| (OUTSIDE, TALK.datagram(10))));
    }
    let sent = rig.ports.sent.len() as f64;
    assert!((sent - 10_000.0).abs() <= 50.0, "{sent} packets in 10 s");
    assert!(rig.dropped(Reason::QueueHorizon) > 1_000, "what would wait too long is dropped by its name");
}

#[test]
fn nobody_overtakes_himself_when_the_limit_is_lifted() {
    let mut rig = Rig::new(policy(QUEUE));
    let frames = |rig: &mut Rig, n: u32| {
        let id = rig.ports.sent.len() as u32 + 1_000 * n;
        (0..6).map(move |i| (OUTSIDE, crate::common::frame::Frame { id: id + i, ..TALK.datagram(10) }))
    };
    let first = frames(&mut rig, 1);
    rig.breathe(1, first);
    rig.tell(Command::Nudge { token: Token(1), source: source(TALK.client.0), delta: 10_000, forgive: true });
    let second = frames(&mut rig, 2);
    rig.breathe(0, second);
    for _ in 0..20 {
        rig.idle(1);
    }
    let order: Vec<u32> = rig.ports.sent.iter().map(|&(_, id, _)| id).collect();
    assert_eq!(order.len(), 12);
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn new_connections_wait_for_their_turn_and_nothing_else_does() {
    let mut rig = Rig::new(policy("[profiles.ingress.treatments]\ngood = { queue_new = 100 }"));
    let client = |i: u8| Talk { client: ([192, 0, 2, i], 40_000), ..TALK };
    let syns = rig.breathe(1, (1..=5).map(|i| (OUTSIDE, client(i).asks(SYN, 0))));
    let held = syns.iter().filter(|judgement| judgement.reason == Some(Reason::ConnectionQueued)).count();
    assert_eq!(held, 4, "one at once, the others at one in ten milliseconds");
    assert_eq!(rig.outside(0, client(1).asks(ACK, 5)).verdict, Verdict::Forward);
    for _ in 0..39 {
        rig.idle(1);
    }
    assert!(rig.account().ports.iter().map(|port| port.released).sum::<u64>() < 4);
    rig.idle(2);
    assert_eq!(rig.account().ports.iter().map(|port| port.released).sum::<u64>(), 4);
}

#[test]
fn at_the_end_everything_held_leaves() {
    let mut rig = Rig::new(policy(QUEUE));
    rig.breathe(1, (0..10).map(|_| (OUTSIDE, TALK.datagram(10))));
    rig.worker.release_all(&mut rig.ports);
    assert_eq!((rig.ports.sent.len(), rig.account().held), (10, 0));
    assert!(rig.account().is_conserved());
}
