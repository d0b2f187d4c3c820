//! The box as a server with addresses of its own: what is asked goes on from another address, what comes back finds who asked, and
//! nothing else passes.

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

/// Whom queries go to.
fn asked_of(net: &mut Net, queries: u16) -> BTreeSet<Address> {
    let sent = (0..queries).flat_map(|n| {
        net.step(
            1,
            [(OUTSIDE, udp_of((CLIENT.0, 1000 + n), (SERVICE, 53), &query(n, "a.example.org", A, None)))],
        )
    });
    sent.filter(|(port, _)| *port == INSIDE).map(|(_, frame)| parsed(&frame).dst).collect()
}

fn changes(net: &mut Net) -> Vec<(Upstream, bool, u8)> {
    let reports = net.rig.reports.drain(..);
    reports
        .filter_map(|report| match report {
            Report::Upstream(change) => Some((change.upstream, change.is_up, change.up)),
            _ => None,
        })
        .collect()
}

#[test]
fn who_is_down_gets_no_queries_and_who_is_up_again_gets_some() {
    let mut net = Net::up("");
    let [a, b, c, six] = upstreams();
    let told: BTreeSet<_> =
        changes(&mut net).into_iter().map(|(upstream, is_up, _)| (upstream, is_up)).collect();
    assert_eq!(told, [(a, true), (b, true), (c, true), (six, true)].into());
    assert_eq!(asked_of(&mut net, 9), [a.address, b.address, c.address].into());
    net.alive[1] = false;
    net.pass(3500);
    assert_eq!(changes(&mut net), [(b, false, 3)]);
    assert_eq!(asked_of(&mut net, 9), [a.address, c.address].into());
    net.alive[1] = true;
    net.pass(1000);
    assert_eq!(asked_of(&mut net, 9), [a.address, c.address].into(), "one answer is not enough");
    net.pass(1000);
    assert_eq!(changes(&mut net), [(b, true, 4)]);
    assert_eq!(asked_of(&mut net, 9), [a.address, b.address, c.address].into());
    net.rig.worker.publish();
    let counted = net.rig.account().endpoint.upstreams[1];
    assert_eq!((counted.up, counted.downs), (1, 1));
    assert!((3..=4).contains(&counted.failed_checks), "{counted:?}");
    assert!(net.checks.iter().all(|&checks| (5..=8).contains(&checks)), "{:?}", net.checks);
}

#[test]
fn a_server_that_fails_is_down() {
    let mut net = Net::begun(&text(""), LIMITS);
    net.alive = [false; 4];
    // Neighbours are found, and every check is answered by SERVFAIL.
    for _ in 0..4000 {
        let sent = net.step(1, []);
        assert_eq!(sent, []);
    }
    assert_eq!(changes(&mut net), [], "who was never up goes down without a word");
    assert_eq!(net.rig.account().ports[usize::from(INSIDE)].forwarded, 0);
}

#[test]
fn where_nobody_is_up_old_answers_are_given_and_else_the_server_failed() {
    let mut net = Net::up("cache = { stale_max = \"1h\" }");
    let sent = one(net.step(1, [(OUTSIDE, asks(1))]), INSIDE);
    one(net.answer(1, &sent, &answer(message(&sent), NOERROR, 1)), OUTSIDE);
    net.alive = [false; 4];
    net.pass(70_000);
    for id in 2..40 {
        let stale = one(net.step(1, [(OUTSIDE, asks(id))]), OUTSIDE);
        assert_eq!(read(&stale).rcode(), Rcode::NOERROR);
    }
    let unknown = query(9, "other.example.org", A, Some(&[]));
    let failed = one(net.step(1, [(OUTSIDE, udp_of(CLIENT, (SERVICE, 53), &unknown))]), OUTSIDE);
    let told = read(&failed);
    assert_eq!((told.rcode(), id_of(&failed)), (Rcode::SERVFAIL, 9));
    assert_eq!(net.rig.dropped(Reason::DnsServfail), 1);
    assert_eq!(net.step(1, [(OUTSIDE, tcp(CLIENT, (SERVICE, 53), SYN, 0))]), []);
    assert_eq!(net.rig.dropped(Reason::EndpointUpstream), 1);
    net.rig.worker.publish();
    assert_eq!(net.rig.account().dns.silent, 0, "no query went on that could stay without an answer");
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
fn a_connection_goes_to_one_upstream_and_ends_with_it() {
    let mut net = Net::up("");
    let client = |flags, payload: &[u8]| (OUTSIDE, tcp_of(CLIENT, (SERVICE, 53), flags, payload));
    let asked = query(7, "www.example.org", A, None);
    let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    let syn = one(net.step(1, [client(SYN, &[])]), INSIDE);
    let (there, again) = (parsed(&syn), one(net.step(1, [client(SYN, &[])]), INSIDE));
    assert_eq!((there.src, there.l4), (address(ORIGIN), L4::Tcp));
    assert_eq!((parsed(&again).dst, parsed(&again).sport), (there.dst, there.sport), "the same one again");
    let upstream = Upstream { address: there.dst, port: there.dport };
    let server = |flags, payload: &[u8]| (INSIDE, segment_of(upstream, there.sport, flags, payload));
    let back = one(net.step(1, [server(SYN | ACK, &[])]), OUTSIDE);
    let here = parsed(&back);
    assert_eq!(
        (here.src, here.sport, here.dst, here.dport),
        (address(SERVICE), 53, address(CLIENT.0), CLIENT.1)
    );
    assert_eq!(macs(&back), (CLIENT_MAC, CLIENT_PORT));
    let talk = [client(ACK, &[]), client(ACK | PSH, &framed(&asked))];
    for (port, frame) in net.step(1, talk) {
        assert_eq!((port, parsed(&frame).dst, parsed(&frame).sport), (INSIDE, there.dst, there.sport));
    }
    let said = framed(&answer(&asked, NOERROR, 1));
    let back = one(net.step(1, [server(ACK | PSH, &said)]), OUTSIDE);
    assert_eq!(&back.bytes[back.bytes.len() - said.len()..], &said[..]);
    assert_eq!(net.rig.account().dns.answered, 1);

    let other = upstreams().into_iter().find(|other| *other != upstream).unwrap();
    assert_eq!(net.step(1, [(INSIDE, segment_of(other, there.sport, ACK, &[]))]), []);
    assert_eq!(net.step(1, [(INSIDE, segment_of(upstream, there.sport ^ 64, ACK, &[]))]), []);
    assert_eq!(dropped(&net, INSIDE, Reason::EndpointUnasked), 2);
    one(net.step(1, [server(FIN | ACK, &[])]), OUTSIDE);
    one(net.step(1, [client(FIN | ACK, &[])]), INSIDE);
    net.pass(11_000);
    assert_eq!(net.step(1, [client(ACK, &[])]), []);
    assert_eq!(net.rig.dropped(Reason::EndpointConnection), 1);
}

#[test]
fn resets_of_the_box_find_both_ends() {
    let mut net = Net::up("");
    let zone =
        repute_rpz::read(&b"gone CNAME .\n"[..], "rpz".parse().ok(), RpzLimits::default()).unwrap().zone;
    let mut ruled = policy(&text(""));
    ruled.dns.as_mut().unwrap().zones = Rpz::new(vec![Arc::new(zone)]).unwrap();
    net.rig.tell(Command::Install(Box::new(ruled)));
    let client = |flags, payload: &[u8]| (OUTSIDE, tcp_of(CLIENT, (SERVICE, 53), flags, payload));
    let there = parsed(&one(net.step(1, [client(SYN, &[])]), INSIDE));
    let upstream = Upstream { address: there.dst, port: there.dport };
    one(net.step(1, [(INSIDE, segment_of(upstream, there.sport, SYN | ACK, &[]))]), OUTSIDE);
    one(net.step(1, [client(ACK, &[])]), INSIDE);
    let asked = query(7, "gone", A, None);
    let framed = [&(asked.len() as u16).to_be_bytes()[..], &asked].concat();
    let sent = net.step(1, [client(ACK | PSH, &framed)]);
    assert_eq!(net.rig.dropped(Reason::RpzNxdomain), 1);
    let mut ends: Vec<_> =
        sent.iter().map(|(port, frame)| (*port, parsed(frame).tcp_flags, parsed(frame))).collect();
    ends.sort_by_key(|(port, ..)| *port);
    let [(OUTSIDE, flags, here), (INSIDE, other, gone)] = ends[..] else { panic!("{ends:?}") };
    assert_eq!((flags, other), (RST.into(), RST.into()));
    assert_eq!((here.src, here.dst), (address(SERVICE), address(CLIENT.0)));
    assert_eq!((gone.src, gone.sport, gone.dst), (address(ORIGIN), there.sport, there.dst));
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
fn a_new_policy_changes_whom_is_asked_and_what_is_under_way_goes_on() {
    let mut net = Net::up("");
    let sent = one(net.step(1, [(OUTSIDE, asks(1))]), INSIDE);
    let fewer = text("").replace("\"10.0.0.53\", ", "").replace("\"198.18.0.1\", ", "");
    net.rig.tell(Command::Install(Box::new(policy(&fewer))));
    net.pass(5);
    assert_eq!(asked_of(&mut net, 9), [upstreams()[1].address].into());
    one(net.answer(1, &sent, &answer(message(&sent), NOERROR, 1)), OUTSIDE);
    // A box with addresses of its own does not become a bridge by a policy.
    net.rig.tell(Command::Install(Box::new(policy("[profiles.dns]"))));
    assert_eq!(net.step(1, [(OUTSIDE, asks(1)), (INSIDE, says(&sent, &[0; 12]))]), []);
    assert_eq!(net.rig.dropped(Reason::EndpointForeign), 2);
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

/// Two workers, and what they send.
struct Crew {
    workers: Vec<Worker<Frame>>,
    ports: Vec<Ports>,
    now: u64,
}

impl Crew {
    fn new() -> Self {
        let (board, owners) = (PoolBoard::shared(), Owners::Hash { workers: 2 });
        let workers =
            (0..2).zip(mesh(2, 256)).zip(crowd_mesh(2, 4096, 7)).map(|((number, peers), crowds)| {
                let (mailbox, _handle) = mailbox(16, 256);
                let policy = Box::new(policy(&text("")));
                let alone = Setup::alone(policy, LIMITS, 7, &PAIR, mailbox, Published::shared());
                let (team, endpoint) = (Team { owners: owners.clone(), peers }, setup(number, 2, &board));
                Worker::new(Setup { team: Some(team), crowds, endpoint: Some(endpoint), ..alone })
            });
        let workers: Vec<_> = workers.collect();
        let ports = workers.iter().map(|_| Ports { kept: Some(Vec::new()), ..Ports::default() }).collect();
        Self { workers, ports, now: 0 }
    }

    /// Everything arrives at one worker; what both send, in the end.
    fn turn(&mut self, at: usize, arrivals: Vec<(u8, Frame)>) -> Vec<(usize, u8, Frame)> {
        self.now += 1;
        let mut arrivals = Some(arrivals);
        for round in 0..4 {
            for (number, (worker, ports)) in self.workers.iter_mut().zip(&mut self.ports).enumerate() {
                let mut batch = Batch::new();
                while worker.take_handed(&mut batch) > 0 {
                    worker.breathe(Tick(self.now), &mut batch, ports);
                }
                let due =
                    if round == 0 && number == at { arrivals.take().unwrap_or_default() } else { Vec::new() };
                let mut batch: Batch<Frame> = due.into_iter().collect();
                worker.breathe(Tick(self.now), &mut batch, ports);
                assert!(worker.account().is_conserved());
            }
        }
        let sent = self.ports.iter_mut().enumerate().flat_map(|(number, ports)| {
            ports
                .kept
                .replace(Vec::new())
                .unwrap()
                .into_iter()
                .map(move |(port, frame)| (number, port, frame))
        });
        sent.collect()
    }
}

/// Whatever arrives where: who asks for neighbours is told, who owns a client gets the answers to its queries.
#[test]
fn workers_share_what_one_of_them_finds_out_and_answers_find_their_owner() {
    let mut crew = Crew::new();
    let answers = |sent: Vec<(usize, u8, Frame)>| -> Vec<(u8, Frame)> {
        let reply = |(number, port, frame): (usize, u8, Frame)| {
            assert_eq!((number, port), (0, INSIDE), "the first worker alone asks");
            let parsed = parsed(&frame);
            if let Some(asked) = Resolution::read(&frame.bytes, &parsed) {
                return raw(&asked.reply(mac(asked.target())));
            }
            match Neighbour::read(&frame.bytes, &parsed) {
                Some(Neighbour::Solicitation { target, .. }) => {
                    raw(&Neighbour::read(&frame.bytes, &parsed).unwrap().advertise(mac(target)).unwrap())
                }
                _ => says(&frame, &answer(message(&frame), NOERROR, 0)),
            }
        };
        sent.into_iter().map(|sent| (INSIDE, reply(sent))).collect()
    };
    // Everything that comes back arrives at the other worker.
    (0..6).fold(Vec::new(), |arrivals, _| answers(crew.turn(1, arrivals)));
    let mut asked = [0, 0];
    for n in 0..40u16 {
        let client: Ip = [198, 51, 100, n as u8];
        let frame = udp_of((client, 4000), (SERVICE, 53), &query(n, &format!("h{n}.example"), A, None));
        let sent = crew.turn(usize::from(n % 2), vec![(OUTSIDE, frame)]);
        let queries: Vec<_> = sent
            .into_iter()
            .filter(|(_, _, frame)| parsed(frame).payload_len > 17 && parsed(frame).l4 == L4::Udp)
            .collect();
        let [(number, INSIDE, frame)] = &queries[..] else { panic!("{queries:?}") };
        let source = Source::of(address(client), Width::OUTSIDE).unwrap();
        assert_eq!(*number, usize::from(owner(source, 2)));
        asked[*number] += 1;
        let back = crew
            .turn(usize::from(n / 2 % 2), vec![(INSIDE, says(frame, &answer(message(frame), NOERROR, 1)))]);
        let back: Vec<_> = back.into_iter().filter(|(_, port, _)| *port == OUTSIDE).collect();
        let [(by, _, frame)] = &back[..] else { panic!("{back:?}") };
        assert_eq!((by, parsed(frame).dst, id_of(frame)), (number, address(client), n));
    }
    assert!(asked.iter().all(|&queries| queries > 5), "{asked:?}");
    assert!(crew.workers.iter().all(|worker| worker.account().misowned == 0));
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
