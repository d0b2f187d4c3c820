//! What inspection finds, what it makes of it, and what it leaves alone.

use repute_model::{Band, Factor, Finding, Report, Tick};

use crate::common::frame::{ACK, FIN, Frame, Ip, PSH, SYN, Talk};
use crate::common::rig::Rig;
use crate::common::{SMALL, policy};

const CLIENT: Ip = [192, 0, 2, 7];
const SERVER: Ip = [10, 0, 0, 80];
const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";

fn rig() -> Rig {
    let text = "[signatures.beacon]\ntext = \"X-Beacon\"\nhits = 2\n[signatures.shell]\nhex = \"90 90 90\"\n\
                ports = [\"tcp/9000\"]\n[profiles.ingress.treatments]\ngood = \"inspect\"\nneutral = \"inspect\"";
    Rig::sized(policy(text), SMALL)
}

fn to(port: u16) -> Talk {
    Talk::new(CLIENT, 40_000, SERVER, port)
}

/// The same frame with this payload behind its headers.
fn with(mut frame: Frame, payload: &[u8]) -> Frame {
    let at = frame.bytes.len() - payload.len();
    frame.bytes[at..].copy_from_slice(payload);
    frame
}

fn datagram(port: u16, payload: &[u8]) -> Frame {
    with(to(port).datagram(payload.len()), payload)
}

/// Opens a connection and sends this first.
fn first(rig: &mut Rig, port: u16, payload: &[u8]) {
    rig.pass(1, (true, to(port).asks(SYN, 0).numbered(999, 0)));
    rig.pass(1, (false, to(port).answers(SYN | ACK, 0).numbered(1, 1_000)));
    rig.pass(1, (true, with(to(port).asks(ACK | PSH, payload.len()), payload).numbered(1_000, 2)));
}

/// What was found so far, as it was told.
fn found(rig: &mut Rig) -> Vec<(Finding, Option<u16>)> {
    let hits = rig.reports.drain(..).filter_map(|report| match report {
        Report::Inspected(inspected) => Some((inspected.hit.finding, inspected.hit.signature)),
        _ => None,
    });
    hits.collect()
}

#[test]
fn ports_keep_what_they_promise_or_do_not() {
    let mut rig = rig();
    first(&mut rig, 7_777, b"\0\0");
    assert_eq!(found(&mut rig), [], "nothing was promised");
    for (port, kept, broken, finding) in [
        (443, &[22, 3, 1, 0, 200, 1][..], &b"GET / HTTP/1.1\r\n"[..], Finding::NotTls),
        (80, b"GET / HTTP/1.1\r\n", &[22, 3, 1, 0, 200, 1], Finding::NotHttp),
        (22, b"SSH-2.0-x\r\n", b"\0\0\0\0", Finding::NotSsh),
    ] {
        first(&mut rig, port, kept);
        rig.outside(1, with(to(port).asks(ACK | PSH, 4), b"\0\0\0\0").numbered(1_000 + kept.len() as u32, 2));
        assert_eq!(found(&mut rig), [], "what follows is anything");
        first(&mut rig, port, broken);
        assert_eq!(found(&mut rig), [(finding, None)]);
    }
}

#[test]
fn queries_belong_to_ports_of_dns_and_nothing_else_does() {
    let mut rig = rig();
    for (port, payload, finding) in [
        (53, QUERY, None),
        (53, &b"tunnel tunnel"[..], Some(Finding::NotDns)),
        (4_444, QUERY, Some(Finding::DnsElsewhere)),
        (4_444, b"anything", None),
    ] {
        rig.outside(1, datagram(port, payload));
        assert_eq!(found(&mut rig), finding.map(|finding| (finding, None)).into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn signatures_are_found_at_their_ports_and_count_for_what_they_are_worth() {
    let mut rig = rig();
    let before = rig.explain(CLIENT).score;
    rig.outside(1, datagram(9_000, b"\x90\x90\x90"));
    assert_eq!(found(&mut rig), [], "the signature is one of TCP");
    first(&mut rig, 9_000, b"..\x90\x90\x90..");
    rig.outside(1, datagram(1_000, b"..X-Beacon: 7"));
    assert_eq!(found(&mut rig), [(Finding::Signature, Some(1)), (Finding::Signature, Some(0))]);
    rig.idle(100);
    let explained = rig.explain(CLIENT);
    let evidence = explained.terms[Factor::Signature.index()].evidence;
    assert_eq!(evidence, 3.0, "one hit, and one that counts for two");
    assert!(explained.score < before && explained.band > Band::Good);
    assert_eq!(rig.account().findings[Finding::Signature.index()], 2);
}

#[test]
fn flags_that_no_host_sets_are_found() {
    let mut rig = rig();
    for flags in [0, FIN, SYN | FIN] {
        rig.outside(1, to(443).asks(flags, 0));
    }
    assert_eq!(found(&mut rig), [(Finding::TcpFlags, None); 3]);
}

#[test]
fn of_many_hits_in_a_tick_a_few_are_told_and_the_rest_is_counted() {
    let mut rig = rig();
    rig.breathe(1, (0..10).map(|_| (0, datagram(1_000, b"X-Beacon"))));
    assert_eq!(found(&mut rig).len(), 4);
    rig.outside(1, datagram(1_000, b"X-Beacon"));
    let untold = rig.reports.iter().find_map(|report| match report {
        Report::Inspected(inspected) => Some(inspected.untold),
        _ => None,
    });
    assert_eq!((untold, rig.now), (Some(6), Tick(2)));
}

#[test]
fn bands_that_do_not_inspect_look_into_nothing() {
    let mut rig = Rig::sized(policy("[signatures.beacon]\ntext = \"X-Beacon\"\n[profiles.ingress]"), SMALL);
    rig.outside(1, datagram(1_000, b"X-Beacon"));
    assert_eq!(found(&mut rig), []);
}
