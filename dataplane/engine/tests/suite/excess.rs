//! Only the excess is limited: what a source sends beside the kind that made it suspicious goes on.

use repute_model::{Band, Command, Excess, Offence, Reason, Token};

use crate::common::frame::{ACK, Ip, PSH, SYN, Talk};
use crate::common::rig::{Rig, source};
use crate::common::{INSIDE, OUTSIDE, SMALL, policy};

/// A host of ours, and whom it talks with.
const HOST: Ip = [10, 0, 0, 7];
const SSH: Talk = Talk { client: (HOST, 50_000), server: ([198, 51, 100, 22], 22) };
const DNS: Talk = Talk { client: (HOST, 50_001), server: ([198, 51, 100, 53], 53) };
const FLOOD: Talk = Talk { client: (HOST, 4_444), server: ([203, 0, 113, 9], 4_444) };

/// The excess of poor and malicious sources has 100 packets a second.
fn rig(limit: &str) -> Rig {
    let limited = format!("{{ {limit}, only = \"excess\" }}");
    let text = format!(
        "inside = [\"10.0.0.0/8\"]\n[profiles.egress.treatments]\nneutral = {limited}\npoor = {limited}\n\
         malicious = {limited}"
    );
    Rig::sized(policy(&text), SMALL)
}

/// What the host sends passes or not; it is inside.
fn sends(rig: &mut Rig, frame: crate::common::frame::Frame) -> Option<Reason> {
    rig.inside(0, frame).reason
}

/// A question and its answer, and a keystroke and its echo; whether all of it passed.
fn talks(rig: &mut Rig) -> bool {
    let sent = [sends(rig, DNS.datagram(40)), sends(rig, SSH.asks(ACK | PSH, 36))];
    let came = [rig.outside(0, DNS.reply(120)).reason, rig.outside(0, SSH.answers(ACK | PSH, 36)).reason];
    sent.iter().chain(&came).all(Option::is_none)
}

fn connected(rig: &mut Rig) {
    for (asks, part) in SSH.whole(36, 36).into_iter().take(5) {
        let port = if asks { INSIDE } else { OUTSIDE };
        assert_eq!(rig.breathe(1, [(port, part)])[0].reason, None);
    }
    assert!(talks(rig));
}

/// Floods for so many ms with two packets in each; how many pass.
fn floods(rig: &mut Rig, ms: u64, talk: Talk) -> u64 {
    let mut passed = 0;
    for _ in 0..ms {
        let judgements = rig.breathe(1, (0..2).map(|_| (INSIDE, talk.datagram(1_000))));
        passed += judgements.iter().filter(|judgement| judgement.reason.is_none()).count() as u64;
    }
    passed
}

#[test]
fn a_flood_to_one_port_is_held_to_its_limit_and_everything_else_goes_on() {
    let mut rig = rig("meter = { packets = \"100pps\", packet_burst = 10 }");
    connected(&mut rig);
    floods(&mut rig, 1_000, FLOOD);
    assert!(rig.explain(HOST).band >= Band::Neutral);
    let mut passed = 0;
    for second in 0..5 {
        for _ in 0..10 {
            passed += floods(&mut rig, 100, FLOOD);
            assert!(talks(&mut rig), "in second {second}");
        }
    }
    assert!((500..=520).contains(&passed), "{passed} of 10000 in 5 s at 100 a second");
    let explained = rig.explain(HOST);
    let kind = explained.excess.unwrap();
    assert_eq!((kind.offence, kind.protocol, kind.port), (Offence::Traffic, Some(17), Some(4_444)));
    assert_eq!(
        (explained.treatment.to_string().as_str(), explained.rest.to_string().as_str()),
        ("meter+excess-only", "pass")
    );
}

#[test]
fn what_is_above_a_rate_waits_and_nothing_waits_behind_it() {
    let mut rig = rig("queue = { packets = \"100pps\", packet_burst = 10 }");
    connected(&mut rig);
    floods(&mut rig, 1_000, FLOOD);
    for _ in 0..20 {
        floods(&mut rig, 100, FLOOD);
        assert!(talks(&mut rig));
    }
    assert!(rig.account().held > 0 || rig.dropped(Reason::QueueSource) > 0);
    let queued: u64 = rig.account().ports.iter().map(|port| port.queued).sum();
    assert!(queued > 100, "{queued}");
}

#[test]
fn a_flood_that_moves_is_followed() {
    let mut rig = rig("meter = { packets = \"100pps\", packet_burst = 10 }");
    connected(&mut rig);
    floods(&mut rig, 2_000, FLOOD);
    let moved = Talk { server: (FLOOD.server.0, 5_555), ..FLOOD };
    floods(&mut rig, 1_000, moved);
    let passed = floods(&mut rig, 5_000, moved);
    assert!((500..=520).contains(&passed), "{passed} of 10000 in 5 s at 100 a second");
    assert!(talks(&mut rig));
}

#[test]
fn a_scan_loses_its_openings_and_keeps_its_sessions() {
    let mut rig = rig("block_new = true");
    connected(&mut rig);
    for i in 0..60u8 {
        let probe = Talk { client: (HOST, 40_000), server: ([203, 0, 113, i], 445) };
        rig.inside(10, probe.asks(SYN, 0));
        rig.outside(0, probe.answers(crate::common::frame::RST | ACK, 0));
    }
    let explained = rig.explain(HOST);
    assert!(explained.band >= Band::Neutral, "{:?}", explained.band);
    let kind = explained.excess.unwrap();
    assert_eq!((kind.offence, kind.protocol, kind.port), (Offence::Openings, Some(6), Some(445)));
    let probe = Talk { client: (HOST, 40_000), server: ([203, 0, 113, 99], 445) };
    assert_eq!(sends(&mut rig, probe.asks(SYN, 0)), Some(Reason::BlockNew));
    let web = Talk { client: (HOST, 40_001), server: ([198, 51, 100, 80], 443) };
    assert_eq!(sends(&mut rig, web.asks(SYN, 0)), None, "another kind of opening");
    assert!(talks(&mut rig));
}

#[test]
fn who_is_suspected_for_no_packet_is_limited_as_a_whole() {
    let mut rig = rig("drop = true");
    connected(&mut rig);
    rig.tell(Command::Nudge { token: Token(0), source: source(HOST), delta: -7_000, forgive: false });
    assert_eq!(sends(&mut rig, SSH.asks(ACK | PSH, 36)), Some(Reason::Standing));
    assert_eq!(rig.explain(HOST).excess, None::<Excess>);
}
