//! SYN cookies: who returns one has standing, everybody else costs the server nothing.

use repute_model::{Reason, Verdict};
use repute_wire::{parse_ethernet, tcp as flags};

use crate::common::frame::{ACK, Frame, Ip, PSH, SYN, tcp};
use crate::common::town::{Aim, Attack, Kind, SERVER, Town};
use crate::common::{INSIDE, OUTSIDE, policy};

const CLIENT: Ip = [198, 51, 100, 7];

/// A town under attack, whose box answers SYNs.
fn flooded() -> Town {
    let mut town = Town::new(policy("[profiles.ingress.crowds]\nsyn = \"cookie\""), 7, 8, 0, 0);
    town.attack(Attack {
        kind: Kind::Syn,
        per_s: 500,
        from_ms: 3_000,
        for_ms: 600_000,
        aim: Aim::One,
        network: None,
    });
    town.run(6_000);
    town.rig.ports.kept = Some(Vec::new());
    town
}

fn from_client(port: u16, what: u8, seq: u32, ack: u32) -> Frame {
    tcp((CLIENT, port), (SERVER, 443), what, 0).numbered(seq, ack)
}

/// What a packet of the client brings about: the verdict's reason, and what leaves the box.
fn send(town: &mut Town, frame: Frame) -> (Option<Reason>, Vec<(u8, Frame)>) {
    let judgement = town.rig.outside(1, frame);
    let expected = if judgement.reason.is_some() { Verdict::Challenge } else { Verdict::Forward };
    assert_eq!(judgement.verdict, expected);
    (judgement.reason, town.rig.ports.kept.replace(Vec::new()).unwrap())
}

fn number(frame: &Frame, at: usize) -> u32 {
    let l4 = usize::from(parse_ethernet(&frame.bytes, frame.wire_len).l4_off);
    u32::from_be_bytes(frame.bytes[l4 + at..l4 + at + 4].try_into().unwrap())
}

#[test]
fn who_returns_a_cookie_is_sent_to_connect_again_and_passes_then() {
    let mut town = flooded();
    let (reason, sent) = send(&mut town, from_client(40_000, SYN, 1_000, 0));
    assert_eq!((reason, sent.len()), (Some(Reason::SynCookie), 1));
    let (port, answer) = &sent[0];
    let parsed = parse_ethernet(&answer.bytes, answer.wire_len);
    assert_eq!((*port, parsed.tcp_flags, parsed.error), (OUTSIDE, flags::SYN | flags::ACK, None));
    assert_eq!((parsed.sport, parsed.dport, number(answer, 8)), (443, 40_000, 1_001));
    let cookie = number(answer, 4);

    let (reason, sent) = send(&mut town, from_client(40_000, ACK, 1_001, cookie.wrapping_add(1)));
    assert_eq!((reason, sent.len()), (Some(Reason::CookieReturned), 1));
    let reset = parse_ethernet(&sent[0].1.bytes, sent[0].1.wire_len);
    assert_eq!(
        (sent[0].0, reset.tcp_flags, number(&sent[0].1, 4)),
        (OUTSIDE, flags::RST, cookie.wrapping_add(1))
    );

    let (reason, sent) = send(&mut town, from_client(40_001, SYN, 5_000, 0));
    assert_eq!((reason, sent.len(), sent[0].0), (None, 1, INSIDE));
    assert!(town.rig.account().is_conserved());
    assert!(town.rig.account().ports[usize::from(OUTSIDE)].answered > 1_000);
}

#[test]
fn a_guess_earns_nothing_and_neither_does_somebody_elses_cookie() {
    let mut town = flooded();
    let (_, sent) = send(&mut town, from_client(40_000, SYN, 1_000, 0));
    let cookie = number(&sent[0].1, 4);
    let other =
        tcp(([198, 51, 100, 8], 40_000), (SERVER, 443), ACK | PSH, 0).numbered(1, cookie.wrapping_add(1));
    for frame in [from_client(40_000, ACK, 1_001, cookie), from_client(40_009, ACK, 1_001, cookie + 1), other]
    {
        assert_ne!(town.rig.outside(1, frame).reason, Some(Reason::CookieReturned));
    }
    let (reason, _) = send(&mut town, from_client(40_001, SYN, 5_000, 0));
    assert_eq!(reason, Some(Reason::SynCookie), "still a stranger");
}

#[test]
fn a_cookie_lives_for_a_minute_or_two() {
    for (wait, reason) in [(30_000, Some(Reason::CookieReturned)), (130_000, None)] {
        let mut town = flooded();
        let (_, sent) = send(&mut town, from_client(40_000, SYN, 1_000, 0));
        let cookie = number(&sent[0].1, 4);
        town.run(wait);
        let judged = town.rig.outside(1, from_client(40_000, ACK, 1_001, cookie.wrapping_add(1)));
        assert_eq!(judged.reason, reason, "after {wait} ms");
    }
}
