//! Honest traffic of many kinds, none of which the default policy may limit.

use repute_model::{Band, Verdict};

use crate::common::frame::{ACK, FIN, Frame, Ip, PSH, RST, SYN, Talk, echo};
use crate::common::rig::Rig;
use crate::common::{INSIDE, OUTSIDE, SMALL, ingress, policy};

const CLIENT: Ip = [192, 0, 2, 7];
const SERVER: Ip = [10, 0, 0, 80];

/// A packet of a side and how many ms after the one before it comes.
type Step = (u64, u8, Frame);

/// Plays steps; every packet has to pass and nobody may be limited.
fn assert_unlimited(rig: &mut Rig, steps: impl IntoIterator<Item = Step>) {
    for (ms, port, frame) in steps {
        let judgement = rig.breathe(ms, [(port, frame)])[0];
        let at = rig.now;
        assert_eq!(judgement.verdict, Verdict::Forward, "{at:?}: {judgement:?}");
    }
    rig.idle(10_000);
    assert!(rig.mitigations.is_empty(), "{:?}", rig.mitigations);
}

fn sides(ms: u64, parts: Vec<(bool, Frame)>) -> impl Iterator<Item = Step> {
    parts.into_iter().map(move |(client, frame)| (ms, if client { OUTSIDE } else { INSIDE }, frame))
}

#[test]
fn a_browser_opens_many_connections_to_a_few_servers() {
    let mut rig = Rig::new(ingress());
    for page in 0..50 {
        let load = (0..18u16).flat_map(|c| {
            let server = [10, 0, 0, 80 + (c % 4) as u8];
            sides(2, Talk::new(CLIENT, 20_000 + page * 18 + c, server, 443).whole(500, 1_400))
        });
        assert_unlimited(&mut rig, load);
    }
    assert!(rig.explain(CLIENT).band <= Band::Good);
}

#[test]
fn a_slow_client_retransmits_and_dribbles() {
    let talk = Talk::new(CLIENT, 40_000, SERVER, 80);
    let mut steps: Vec<Step> = Vec::new();
    for wait in [0, 1_000, 2_000, 4_000] {
        steps.push((wait, OUTSIDE, talk.asks(SYN, 0)));
    }
    steps.push((300, INSIDE, talk.answers(SYN | ACK, 0)));
    steps.push((2_000, OUTSIDE, talk.asks(ACK, 0)));
    for _ in 0..100 {
        steps.push((900, OUTSIDE, talk.asks(ACK | PSH, 10)));
        steps.push((100, INSIDE, talk.answers(ACK, 0)));
    }
    assert_unlimited(&mut Rig::new(ingress()), steps);
}

#[test]
fn one_way_capture_of_clients_that_work() {
    let mut rig = Rig::new(ingress());
    let connection = |n: u16| {
        let talk = Talk::new(CLIENT, 20_000 + n, [10, 0, (n % 30) as u8, 80], 443);
        sides(5, talk.whole(400, 1_400)).filter(|(_, port, _)| *port == OUTSIDE)
    };
    assert_unlimited(&mut rig, (0..200).flat_map(connection));
}

#[test]
fn one_way_capture_of_streams() {
    let talk = Talk::new(CLIENT, 40_000, SERVER, 443);
    let datagrams = (0..10_000).map(|_| (1, OUTSIDE, talk.datagram(1_200)));
    assert_unlimited(&mut Rig::new(ingress()), datagrams);
    let segments = (0..10_000).map(|_| (1, OUTSIDE, talk.asks(ACK, 1_400)));
    assert_unlimited(&mut Rig::new(ingress()), segments);
}

#[test]
fn mid_stream_start_in_both_directions() {
    let talk = Talk::new(CLIENT, 40_000, SERVER, 443);
    let download = (0..4_000).map(|i| match i % 3 {
        0 => (1, OUTSIDE, talk.asks(ACK, 0)),
        _ => (0, INSIDE, talk.answers(ACK, 1_400)),
    });
    assert_unlimited(&mut Rig::new(ingress()), download);
}

#[test]
fn mid_stream_start_of_an_upload() {
    let talk = Talk::new(CLIENT, 40_000, SERVER, 443);
    let upload = (0..6_000).map(|i| match i % 3 {
        0 => (1, INSIDE, talk.answers(ACK, 0)),
        _ => (0, OUTSIDE, talk.asks(ACK, 1_400)),
    });
    assert_unlimited(&mut Rig::new(ingress()), upload);
}

#[test]
fn peers_of_which_two_in_five_fail() {
    let mut rig = Rig::new(ingress());
    let peer = |n: u32| {
        let talk = Talk::new(CLIENT, 20_000 + n as u16, [10, 1, (n >> 8) as u8, n as u8], 6_881);
        let parts = match n % 5 {
            0 => vec![(true, talk.asks(SYN, 0)), (false, talk.answers(RST | ACK, 0))],
            1 => vec![(true, talk.asks(SYN, 0)), (true, talk.asks(SYN, 0))],
            _ => talk.whole(200, 900),
        };
        sides(20, parts)
    };
    assert_unlimited(&mut rig, (0..400).flat_map(peer));
}

#[test]
fn a_resolver_asks_many_servers() {
    // The resolver is inside and judged by an egress profile.
    let mut rig = Rig::new(policy("[profiles.egress]"));
    let query = |n: u32| {
        let server = [198, 51, (n >> 8) as u8, n as u8];
        let talk = Talk::new([10, 0, 0, 53], 1_024 + (n * 7 % 60_000) as u16, server, 53);
        let answer = (!n.is_multiple_of(20)).then(|| (8, OUTSIDE, talk.reply(300)));
        [Some((2, INSIDE, talk.datagram(40))), answer].into_iter().flatten()
    };
    assert_unlimited(&mut rig, (0..3_000).flat_map(query));
}

#[test]
fn answers_from_many_name_servers_outside() {
    let mut rig = Rig::new(ingress());
    let query = |n: u32| {
        let server = [198, 51, (n >> 8) as u8, n as u8];
        let talk = Talk::new([10, 0, 0, 53], 1_024 + (n * 7 % 60_000) as u16, server, 53);
        [(2, INSIDE, talk.datagram(40)), (8, OUTSIDE, talk.reply(300))]
    };
    assert_unlimited(&mut rig, (0..2_000).flat_map(query));
    assert_eq!(rig.dropped(repute_model::Reason::Standing), 0);
}

#[test]
fn a_health_checker_connects_and_closes_every_second() {
    let mut rig = Rig::new(ingress());
    let check = |n: u16| {
        let talk = Talk::new(CLIENT, 30_000 + n, SERVER, 443);
        [
            (990, OUTSIDE, talk.asks(SYN, 0)),
            (1, INSIDE, talk.answers(SYN | ACK, 0)),
            (4, OUTSIDE, talk.asks(ACK, 0)),
            (1, OUTSIDE, talk.asks(FIN | ACK, 0)),
            (1, INSIDE, talk.answers(FIN | ACK, 0)),
            (3, OUTSIDE, talk.asks(ACK, 0)),
        ]
    };
    assert_unlimited(&mut rig, (0..600).flat_map(check));
}

#[test]
fn a_health_checker_resets_every_second() {
    let mut rig = Rig::new(ingress());
    let check = |n: u16| {
        let talk = Talk::new(CLIENT, 30_000 + n, SERVER, 443);
        [
            (990, OUTSIDE, talk.asks(SYN, 0)),
            (1, INSIDE, talk.answers(SYN | ACK, 0)),
            (9, OUTSIDE, talk.asks(RST, 0)),
        ]
    };
    assert_unlimited(&mut rig, (0..600).flat_map(check));
}

#[test]
fn monitoring_pings_one_host() {
    let ping = |_| [(999, OUTSIDE, echo(CLIENT, SERVER, false)), (1, INSIDE, echo(SERVER, CLIENT, true))];
    assert_unlimited(&mut Rig::new(ingress()), (0..600).flat_map(ping));
}

#[test]
fn monitoring_pings_more_and_more_hosts() {
    let host = |n: u32| [10, 0, 1, n as u8];
    let round = |second: u32| {
        (0..=second / 4).flat_map(move |n| {
            let ms = if n == 0 { 990 - u64::from(second / 4) } else { 0 };
            [(ms, OUTSIDE, echo(CLIENT, host(n), false)), (1, INSIDE, echo(host(n), CLIENT, true))]
        })
    };
    assert_unlimited(&mut Rig::new(ingress()), (0..200).flat_map(round));
}

#[test]
fn who_pings_what_is_down_still_hears_what_answers() {
    let mut rig = Rig::new(ingress());
    let host = |n: u32| [10, 0, 1, n as u8];
    let ping = |rig: &mut Rig, n: u32| {
        let passed = rig.outside(20, echo(CLIENT, host(n), false)).verdict == Verdict::Forward;
        if passed && n < 4 {
            rig.inside(1, echo(host(n), CLIENT, true));
        }
        passed
    };
    let rounds: Vec<Vec<bool>> = (0..10).map(|_| (0..16).map(|n| ping(&mut rig, n)).collect()).collect();
    assert_eq!(rig.explain(CLIENT).band, Band::Poor);
    for round in &rounds[1..] {
        assert_eq!((&round[..4], &round[10..]), (&[true; 4][..], &[false; 6][..]));
    }
}

#[test]
fn quic_that_does_not_get_through() {
    let mut rig = Rig::new(ingress());
    for port in 0..30 {
        let friend = Talk::new([198, 51, 100, 1], 30_000 + port, SERVER, 4_433);
        rig.outside(1, friend.datagram(300));
        rig.inside(1, friend.reply(300));
    }
    let hellos = (0..80u16).map(|i| {
        let talk = Talk::new(CLIENT, 40_000 + i / 2, [10, 0, 1, (i / 2) as u8], 443);
        (400, OUTSIDE, talk.datagram(1_200))
    });
    assert_unlimited(&mut rig, hellos);
}

#[test]
fn a_video_call_over_udp() {
    let talk = Talk::new(CLIENT, 40_000, SERVER, 3_478);
    let call = (0..60_000u32).map(|i| match i % 2 {
        0 => (1, OUTSIDE, talk.datagram(1_100)),
        _ => (0, INSIDE, talk.reply(1_100)),
    });
    assert_unlimited(&mut Rig::sized(ingress(), SMALL), call);
}

#[test]
fn people_behind_one_address() {
    // Three hundred users of one office, of whom every tenth asks for something that is not there.
    let mut rig = Rig::new(ingress());
    let user = |n: u32| {
        let talk = Talk::new(CLIENT, 10_000 + n as u16, [10, 0, 0, (n % 40) as u8], 443);
        let gone = Talk::new(CLIENT, 10_000 + n as u16, [10, 0, 9, (n % 40) as u8], 443);
        let wrong = n
            .is_multiple_of(10)
            .then(|| vec![(true, gone.asks(SYN, 0)), (false, gone.answers(RST | ACK, 0))]);
        sides(3, talk.whole(400, 1_200)).chain(sides(3, wrong.unwrap_or_default()))
    };
    assert_unlimited(&mut rig, (0..3_000).flat_map(user));
}
