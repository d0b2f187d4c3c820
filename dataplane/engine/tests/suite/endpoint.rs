//! The box as a server with addresses of its own: what is asked goes on from another address, what comes back finds who asked, and
//! nothing else passes.

mod connections;
mod crew;
mod pool;

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use repute_engine::handover::mesh;
use repute_engine::{Batch, PoolBoard, Published, Setup, Team, Worker, crowd_mesh, mailbox};
use repute_model::{
    Address, Command, Limits, Owners, Reason, Report, Rpz, Source, Tick, Upstream, Verdict, Width, owner,
};
use repute_rpz::RpzLimits;
use repute_wire::arp::Resolution;
use repute_wire::dns::Rcode;
use repute_wire::{L4, Neighbour};

use crate::common::dns::{A, NOERROR, SERVFAIL, answer, message, query, read};
use crate::common::endpoint::{
    CLIENT_MAC, CLIENT_PORT, LIMITS, Net, ORIGIN, ORIGIN_6, SERVICE, SERVICE_6, UPSTREAM_PORT, between, hop,
    mac, macs, parsed, raw, says, setup, text, upstreams,
};
use crate::common::frame::{
    ACK, FIN, Frame, Ip, PSH, RST, SYN, address, echo, fragment, tcp, tcp_of, udp_of,
};
use crate::common::ports::Ports;
use crate::common::rig::PAIR;
use crate::common::{INSIDE, OUTSIDE, cases, policy};

const CLIENT: (Ip, u16) = ([198, 51, 100, 7], 40_000);

fn asks(id: u16) -> Frame {
    udp_of(CLIENT, (SERVICE, 53), &query(id, "www.example.org", A, None))
}

fn id_of(frame: &Frame) -> u16 {
    u16::from_be_bytes([message(frame)[0], message(frame)[1]])
}

/// The one frame that leaves, which has to leave by this port.
fn one(sent: Vec<(u8, Frame)>, port: u8) -> Frame {
    let [(by, frame)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(*by, port);
    frame.clone()
}

fn dropped(net: &Net, port: u8, reason: Reason) -> u64 {
    net.rig.account().ports[usize::from(port)].dropped[reason.index()]
}

/// A segment of an upstream to the box.
fn segment_of(upstream: Upstream, port: u16, flags: u8, payload: &[u8]) -> Frame {
    let ip = (upstream.address.0 as u32).to_be_bytes();
    let mut frame = tcp_of((ip, upstream.port), (ORIGIN, port), flags, payload);
    frame.bytes[..6].copy_from_slice(&UPSTREAM_PORT);
    frame.bytes[6..12].copy_from_slice(&mac(hop(upstream.address)));
    frame
}

#[test]
fn a_query_goes_on_from_another_address_and_its_answer_finds_who_asked() {
    let mut net = Net::up("paths = { neutral = \"default\", poor = \"default\" }");
    let mut seen = BTreeSet::new();
    for id in 0..60 {
        let asked = query(id, &format!("h{id}.example.org"), A, None);
        let sent =
            one(net.step(50, [(OUTSIDE, udp_of((CLIENT.0, 40_000 + id), (SERVICE, 53), &asked))]), INSIDE);
        let there = parsed(&sent);
        let to = Upstream { address: there.dst, port: there.dport };
        assert_eq!(to, upstreams()[(usize::from(id) + 1) % 3], "they take turns");
        assert_eq!((there.src, macs(&sent)), (address(ORIGIN), (mac(hop(to.address)), UPSTREAM_PORT)));
        assert!(there.sport >= 1024);
        assert!(seen.insert((there.sport, id_of(&sent))), "a port and an id of its own");
        assert_eq!(&message(&sent)[2..], &asked[2..]);

        let back = one(net.answer(1, &sent, &answer(message(&sent), NOERROR, 2)), OUTSIDE);
        let here = parsed(&back);
        assert_eq!(
            (here.src, here.sport, here.dst, here.dport),
            (address(SERVICE), 53, address(CLIENT.0), 40_000 + id)
        );
        assert_eq!(macs(&back), (CLIENT_MAC, CLIENT_PORT));
        assert_eq!(message(&back), &answer(&asked, NOERROR, 2)[..]);
    }
    let ports: BTreeSet<u16> = seen.iter().map(|(port, _)| *port).collect();
    assert!(ports.len() > 50 && ports.last().unwrap() - ports.first().unwrap() > 30_000, "{ports:?}");
    let account = net.rig.account();
    assert_eq!((account.dns.answered, account.dns.unasked, account.dns.silent), (60, 0, 0));
    net.rig.worker.publish();
    let counted = net.rig.account().endpoint.upstreams;
    assert_eq!(counted.map(|upstream| upstream.asked)[..4], [20, 20, 20, 0]);
    assert_eq!(counted.map(|upstream| upstream.answered)[..4], [20, 20, 20, 0]);
    assert_eq!(counted.map(|upstream| upstream.up)[..5], [1, 1, 1, 1, 0]);
}

#[test]
fn the_cache_answers_as_in_front_of_a_server() {
    let mut net = Net::up("");
    let sent = one(net.step(1, [(OUTSIDE, asks(1))]), INSIDE);
    one(net.answer(1, &sent, &answer(message(&sent), NOERROR, 1)), OUTSIDE);
    let given = one(net.step(1, [(OUTSIDE, asks(2))]), OUTSIDE);
    assert_eq!(
        (id_of(&given), parsed(&given).src, macs(&given)),
        (2, address(SERVICE), (CLIENT_MAC, CLIENT_PORT))
    );
    assert_eq!(net.rig.dropped(Reason::DnsCached), 1);
}

#[test]
fn over_ipv6_it_is_the_same() {
    let mut net = Net::up("");
    let client = (Address(0x2001_0db8_0002 << 80 | 7), 4000);
    let asked = query(77, "www.example.org", A, None);
    let frame = between(client, (SERVICE_6, 53), (CLIENT_MAC, CLIENT_PORT), &asked);
    let sent = one(net.step(1, [(OUTSIDE, frame)]), INSIDE);
    assert_eq!((parsed(&sent).src, parsed(&sent).dst), (ORIGIN_6, upstreams()[3].address));
    let back = one(net.answer(1, &sent, &answer(message(&sent), NOERROR, 1)), OUTSIDE);
    assert_eq!((parsed(&back).src, parsed(&back).dst), (SERVICE_6, client.0));
    assert_eq!(message(&back), &answer(&asked, NOERROR, 1)[..]);
}

#[test]
fn nobody_answers_but_who_was_asked_and_only_once() {
    let mut net = Net::up("");
    let sent = one(net.step(1, [(OUTSIDE, asks(1))]), INSIDE);
    let said = answer(message(&sent), NOERROR, 1);
    let (there, [a, b, ..]) = (parsed(&sent), upstreams());
    let (from, to) = ((there.dst, there.dport), (there.src, there.sport));
    let other = if from.0 == a.address { b } else { a };
    let way = (mac(hop(from.0)), UPSTREAM_PORT);
    let mut wrong_id = said.clone();
    wrong_id[0] ^= 1;
    let forged = [
        between((other.address, other.port), to, way, &said),
        between((from.0, from.1 ^ 1), to, way, &said),
        between(from, (to.0, to.1 ^ 1), way, &said),
        between(from, to, way, &wrong_id),
        between(from, to, way, message(&sent)),
        between(from, to, way, &said[..11]),
    ];
    let count = forged.len() as u64;
    for frame in forged {
        assert_eq!(net.step(1, [(INSIDE, frame)]), []);
    }
    assert_eq!(dropped(&net, INSIDE, Reason::EndpointUnasked), count);
    one(net.step(1, [(INSIDE, says(&sent, &said))]), OUTSIDE);
    assert_eq!(net.step(1, [(INSIDE, says(&sent, &said))]), [], "a second one");
    assert_eq!(dropped(&net, INSIDE, Reason::EndpointUnasked), count + 1);
}

#[test]
fn what_is_asked_about_the_box_itself_is_answered() {
    let mut net = Net::up("");
    let host = (address(CLIENT.0), CLIENT_MAC);
    let told = one(net.step(1, [(OUTSIDE, raw(&Resolution::request(address(SERVICE), host)))]), OUTSIDE);
    let told = Resolution::read(&told.bytes, &parsed(&told)).unwrap();
    assert_eq!((told.sender(), told.target()), ((address(SERVICE), CLIENT_PORT), host.0));
    let padded = raw(&[&Resolution::request(address(ORIGIN), host)[..], &[0; 18]].concat());
    let told = one(net.step(1, [(INSIDE, padded)]), INSIDE);
    assert_eq!(told.wire_len, 42);

    let host = (Address(0x2001_0db8_0001 << 80 | 7), CLIENT_MAC);
    let told = one(net.step(1, [(OUTSIDE, raw(&Neighbour::solicit(SERVICE_6, host)))]), OUTSIDE);
    let said = Neighbour::read(&told.bytes, &parsed(&told));
    assert_eq!(said, Some(Neighbour::Advertisement { target: SERVICE_6, mac: CLIENT_PORT }));

    let pong = one(net.step(1, [(OUTSIDE, echo(CLIENT.0, SERVICE, false))]), OUTSIDE);
    assert_eq!((parsed(&pong).src, parsed(&pong).icmp_type), (address(SERVICE), 0));
    let counts = [Reason::Neighbour, Reason::Echo].map(|reason| dropped(&net, OUTSIDE, reason));
    assert_eq!((counts, net.rig.account().ports[usize::from(OUTSIDE)].answered), ([2, 1], 3));
}

#[test]
fn everything_else_is_dropped_by_its_reason() {
    let mut net = Net::up("");
    let asked = query(1, "www.example.org", A, None);
    let edit = |mut frame: Frame, edit: fn(&mut Vec<u8>)| {
        edit(&mut frame.bytes);
        frame.wire_len = frame.bytes.len() as u32;
        frame
    };
    let host = (address(CLIENT.0), CLIENT_MAC);
    let cases = [
        (raw(&Resolution::request(address([192, 0, 2, 54]), host)), Reason::EndpointForeign),
        (udp_of(CLIENT, ([192, 0, 2, 54], 53), &asked), Reason::EndpointForeign),
        (edit(asks(1), |bytes| bytes[5] = 7), Reason::EndpointForeign),
        (udp_of((SERVICE, 53), (SERVICE, 53), &asked), Reason::EndpointForeign),
        (udp_of((ORIGIN, 53), (SERVICE, 53), &asked), Reason::EndpointForeign),
        (udp_of(([224, 0, 0, 1], 53), (SERVICE, 53), &asked), Reason::EndpointForeign),
        (edit(asks(1), |bytes| bytes[12..14].copy_from_slice(&[0x88, 0xcc])), Reason::EndpointForeign),
        (udp_of(CLIENT, (SERVICE, 54), &asked), Reason::EndpointClosed),
        (tcp(CLIENT, (SERVICE, 80), SYN, 0), Reason::EndpointClosed),
        (echo(CLIENT.0, SERVICE, true), Reason::EndpointClosed),
        (asks(1).tagged(7), Reason::EndpointShape),
        (edit(asks(1), |bytes| bytes[20] = 0x20), Reason::FragmentLength),
        (fragment(CLIENT.0, SERVICE), Reason::EndpointShape),
        (Frame { segments: 2, ..asks(1) }, Reason::EndpointShape),
        (udp_of((CLIENT.0, 53), (SERVICE, 53), &answer(&asked, NOERROR, 1)), Reason::EndpointUnasked),
        (tcp(CLIENT, (SERVICE, 53), ACK, 0), Reason::EndpointConnection),
        (edit(asks(1), |bytes| bytes.truncate(20)), Reason::ShortIpv4),
    ];
    for (frame, reason) in cases {
        let before = net.rig.dropped(reason);
        assert_eq!(net.step(1, [(OUTSIDE, frame)]), [], "{reason}");
        assert_eq!(net.rig.dropped(reason), before + 1, "{reason}");
    }
    let from = (upstreams()[0].address, 53);
    let way = (mac(from.0), UPSTREAM_PORT);
    let cases = [
        (between(from, (address(CLIENT.0), 5000), way, &asked), Reason::EndpointForeign),
        (between(from, (address(ORIGIN), 53), way, &asked), Reason::EndpointClosed),
        (raw(&Resolution::request(address([10, 0, 0, 77]), (from.0, way.0))), Reason::EndpointForeign),
    ];
    for (frame, reason) in cases {
        let before = dropped(&net, INSIDE, reason);
        assert_eq!(net.step(1, [(INSIDE, frame)]), [], "{reason}");
        assert_eq!(dropped(&net, INSIDE, reason), before + 1, "{reason}");
    }
}

#[test]
fn full_tables_give_up_what_is_oldest_and_count_it() {
    let mut net = Net::begun(&text("same = { rate = 0 }"), Limits { flows: 16, ..LIMITS });
    net.pass(5);
    let mut sent = Vec::new();
    for n in 0..200u16 {
        let asked = query(n, &format!("h{n}.example.org"), A, None);
        sent.extend(net.step(1, [(OUTSIDE, udp_of((CLIENT.0, 1000 + n), (SERVICE, 53), &asked))]));
    }
    assert_eq!(sent.len(), 200);
    let answered = |net: &mut Net, (_, frame): &(u8, Frame)| {
        !net.answer(0, frame, &answer(message(frame), NOERROR, 1)).is_empty()
    };
    assert!(answered(&mut net, &sent[199]) && !answered(&mut net, &sent[0]));
    net.rig.worker.publish();
    let displaced = net.rig.account().endpoint.flows_displaced;
    assert!((184..200).contains(&displaced), "{displaced}");
    assert_eq!(dropped(&net, INSIDE, Reason::EndpointUnasked), 1);
}

#[test]
fn in_shadow_mode_everything_goes_on_that_has_somewhere_to_go() {
    let shadow = format!("mode = \"shadow\"\n{}", text("paths = { good = \"block\" }"));
    let mut net = Net::begun(&shadow, LIMITS);
    net.pass(5);
    let (judgements, sent) = net.judge(1, [(OUTSIDE, asks(1))]);
    assert_eq!((judgements[0].verdict, judgements[0].reason), (Verdict::Drop, Some(Reason::DnsBlocked)));
    let sent = one(sent, INSIDE);
    one(net.answer(1, &sent, &answer(message(&sent), SERVFAIL, 0)), OUTSIDE);
    assert_eq!(net.step(1, [(OUTSIDE, tcp(CLIENT, (SERVICE, 53), ACK, 0))]), []);
    assert_eq!(dropped(&net, OUTSIDE, Reason::EndpointConnection), 1);
    net.alive = [false; 4];
    net.pass(5000);
    assert_eq!(net.step(1, [(OUTSIDE, asks(2)), (OUTSIDE, asks(3))]), []);
    assert_eq!(dropped(&net, OUTSIDE, Reason::EndpointUpstream), 2);
}

#[test]
fn the_same_seed_asks_from_the_same_ports() {
    let run = || {
        let mut net = Net::up("");
        (0..20)
            .flat_map(|n| net.step(1, [(OUTSIDE, asks(n))]))
            .map(|(_, frame)| frame.bytes)
            .collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.len() == 20 && first == run());
}

/// Any bytes on either port.
fn arrival() -> impl Strategy<Value = (u8, Frame)> {
    let bytes = prop::collection::vec(any::<u8>(), 0..120);
    let edits = prop::collection::vec((0usize..90, any::<u8>()), 0..4);
    let kinds = (0u8..8, any::<u16>(), edits, bytes, 0u8..2);
    kinds.prop_map(|(kind, n, edits, bytes, port)| {
        let host = (address([10, 0, 0, 53]), mac(address([10, 0, 0, 53])));
        let mut frame = match kind {
            0 => raw(&bytes),
            1 | 2 => udp_of((CLIENT.0, n), (SERVICE, 53), &query(n, "www.example.org", A, None)),
            3 => tcp((CLIENT.0, n % 8), (SERVICE, 53), [SYN, ACK, RST, FIN | ACK][usize::from(n % 4)], 0),
            4 => raw(&Resolution::request(address(if n % 2 == 0 { SERVICE } else { ORIGIN }), host)),
            5 => raw(&Neighbour::solicit(SERVICE_6, (ORIGIN_6, CLIENT_MAC))),
            6 => segment_of(upstreams()[0], n, ACK, &[]),
            _ => echo(CLIENT.0, SERVICE, false),
        };
        for (at, value) in edits {
            if let Some(byte) = frame.bytes.get_mut(at) {
                *byte = value;
            }
        }
        (port, frame)
    })
}

proptest! {
    #![proptest_config(cases(100))]

    /// Whatever comes, every packet is accounted for (the rig looks after every breath), nothing leaves towards upstreams but
    /// from the box's own addresses, and nothing towards clients but from its services.
    #[test]
    fn nothing_is_lost_and_nothing_passes(batches in prop::collection::vec(prop::collection::vec(arrival(), 0..20), 0..30)) {
        let mut net = Net::up("");
        for arrivals in batches {
            for (port, frame) in net.step(1, arrivals) {
                let parsed = repute_wire::parse_ethernet(&frame.bytes, frame.wire_len);
                if !parsed.has_addresses() {
                    continue;
                }
                let own: &[Address] = if port == INSIDE {
                    &[address(ORIGIN), ORIGIN_6]
                } else {
                    &[address(SERVICE), SERVICE_6]
                };
                prop_assert!(own.contains(&parsed.src), "{port} {parsed:?}");
            }
        }
        let judged = net.rig.account().ports.iter().map(|port| port.received).sum::<u64>();
        prop_assert!(judged > 0);
    }
}
