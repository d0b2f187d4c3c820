//! Every component yields what its parameters say: counts, rates, times, targets, labels.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails its test")]

mod decode;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use decode::{Decoded, decode};
use repute_traffic::{
    Component, Plan,
    address::number_of,
    attack::{Asks, Carpet, Drift, Kind, Proto, Queries, Reflection, Scan, SynFlood},
    benign::{Dns, Ntp, Ping, Quic, Sessions},
    event::{Event, Label, Side},
};

const S: u64 = 1_000_000;

fn run(component: Component) -> Vec<(Event, Decoded)> {
    let plan = Plan { seed: 21, duration_us: 20 * S, components: vec![component] };
    let decoded = plan.events().unwrap().map(|event| {
        let seen = decode(&event.frame);
        (event, seen)
    });
    decoded.collect()
}

fn labelled(packets: &[(Event, Decoded)], label: Label) -> Vec<&(Event, Decoded)> {
    packets.iter().filter(|(event, _)| event.tag.label == label).collect()
}

fn sources(packets: &[&(Event, Decoded)]) -> BTreeMap<IpAddr, u64> {
    let mut sources = BTreeMap::new();
    for (event, _) in packets {
        *sources.entry(event.src).or_insert(0) += 1;
    }
    sources
}

fn within(packets: &[&(Event, Decoded)], from: u64, to: u64) {
    assert!(packets.iter().all(|(event, _)| (from..to).contains(&event.time_us)));
}

#[test]
fn a_syn_flood_has_its_rate_sources_and_backlog() {
    let (rate, start_us, duration_us) = (500.0, 2 * S, 4 * S);
    let flood =
        SynFlood { rate, sources: Some(4), start_us, duration_us, backlog: 100, ..SynFlood::default() };
    let packets = run(Component::SynFlood(flood));
    let attack = labelled(&packets, Label::Attack);
    assert_eq!(attack.len(), 2000);
    assert_eq!(sources(&attack).len(), 4);
    within(&attack, 2 * S, 6 * S);
    assert!(attack.iter().all(|(event, seen)| {
        (seen.flags, seen.dport, number_of(seen.dst), event.side) == (2, 443, Some(10), Side::Outside)
    }));
    let answers = labelled(&packets, Label::Response);
    assert_eq!(answers.len(), 300, "each of the backlog is answered three times");
    assert!(answers.iter().all(|(event, seen)| seen.flags == 0x12 && event.side == Side::Inside));
}

#[test]
fn a_spray_never_repeats_a_source() {
    let flood =
        SynFlood { rate: 1000.0, sources: None, start_us: 0, duration_us: 5 * S, ..SynFlood::default() };
    let packets = run(Component::SynFlood(flood));
    let attack = labelled(&packets, Label::Attack);
    assert_eq!(attack.len(), 5000);
    assert_eq!(sources(&attack).len(), 5000);
    assert!(attack.iter().all(|(event, _)| &*event.tag.attack == "syn-spray"));
}

#[test]
fn reflection_comes_from_amplifiers_that_nobody_asked() {
    let reflection =
        Reflection { rate: 800.0, reflectors: 200, start_us: S, duration_us: 5 * S, ..Reflection::default() };
    let packets = run(Component::Reflection(reflection));
    let attack = labelled(&packets, Label::Attack);
    assert_eq!(attack.len(), 4000);
    within(&attack, S, 6 * S);
    assert!((190..=200).contains(&sources(&attack).len()));
    let ports: BTreeSet<u16> = attack.iter().map(|(_, seen)| seen.sport).collect();
    assert_eq!(ports, [53, 123, 1900, 11_211].into());
    assert!(attack.iter().all(|(_, seen)| seen.payload.len() > 250 && number_of(seen.dst) == Some(11)));
    assert!(
        packets.iter().all(|(event, seen)| event.side == Side::Outside || matches!(seen.protocol, 1 | 58))
    );
}

#[test]
fn unwanted_queries_ask_the_name_server_and_are_answered() {
    for asks in [Asks::Algorithm, Asks::Tunnel, Asks::Torture, Asks::Flood] {
        let queries = Queries {
            asks,
            rate: 100.0,
            requesters: 5,
            start_us: 0,
            duration_us: 3 * S,
            ..Queries::default()
        };
        let packets = run(Component::Queries(queries));
        let (asked, answers) = (labelled(&packets, Label::Attack), labelled(&packets, Label::Response));
        assert_eq!((asked.len(), answers.len(), sources(&asked).len()), (300, 300, 5));
        assert!(asked.iter().all(|(_, seen)| seen.dport == 53 && number_of(seen.dst) == Some(53)));
        let names: BTreeSet<&[u8]> = asked.iter().map(|(_, seen)| &seen.payload[12..]).collect();
        assert_eq!(names.len() > 295, asks != Asks::Flood, "{asks:?}: {}", names.len());
        let refuses = answers.iter().filter(|(_, seen)| seen.payload[3] & 15 == 3).count();
        assert_eq!(refuses == 300, matches!(asks, Asks::Algorithm | Asks::Torture));
    }
}

#[test]
fn a_carpet_covers_the_network_thinly() {
    let carpet = Carpet { rate: 1000.0, sources: 30, start_us: 0, duration_us: 6 * S, ..Carpet::default() };
    let packets = run(Component::Carpet(carpet));
    let attack = labelled(&packets, Label::Attack);
    assert_eq!((attack.len(), sources(&attack).len()), (6000, 30));
    let mut targets = BTreeMap::new();
    for (_, seen) in &attack {
        *targets.entry(number_of(seen.dst).unwrap()).or_insert(0u32) += 1;
    }
    assert_eq!(targets.len(), 254);
    assert!(targets.values().all(|&count| count < 60));
}

#[test]
fn a_horizontal_scan_meets_open_closed_and_silent_hosts() {
    let scan = Scan { rate: 50.0, probes: 254, sources: 2, start_us: 0, complete: 0.0, ..Scan::default() };
    let packets = run(Component::Scan(scan));
    let attack = labelled(&packets, Label::Attack);
    for (source, _) in sources(&attack) {
        let syns: Vec<_> =
            attack.iter().filter(|(event, seen)| event.src == source && seen.flags == 2).collect();
        assert_eq!(syns.len(), 254);
        assert_eq!(syns.iter().map(|(event, _)| event.dst).collect::<BTreeSet<_>>().len(), 254);
        let span = syns[253].0.time_us - syns[0].0.time_us;
        assert!((49 * S / 10..=53 * S / 10).contains(&span), "{span}");
    }
    let answers = labelled(&packets, Label::Response);
    let open = answers.iter().filter(|(_, seen)| seen.flags == 0x12).count();
    let closed = answers.iter().filter(|(_, seen)| seen.flags == 0x14).count();
    // Three web servers and the QUIC server are open; SSH, SMTP, DNS, NTP and every second desk refuse.
    assert_eq!((open, closed, answers.len()), (2 * 4, 2 * 24, 2 * 28));
    let resets = attack.iter().filter(|(_, seen)| seen.flags == 4).count();
    assert_eq!(resets, open);
}

#[test]
fn connect_scans_complete_the_handshake_of_open_ports() {
    let scan = Scan { rate: 100.0, probes: 254, start_us: 0, complete: 1.0, ..Scan::default() };
    let packets = run(Component::Scan(scan));
    let acks = packets.iter().filter(|(event, seen)| event.side == Side::Outside && seen.flags == 0x10);
    assert_eq!(acks.count(), 4);
}

#[test]
fn a_udp_scan_is_told_port_unreachable_once_a_second() {
    let scan = Scan { kind: Kind::Vertical, proto: Proto::Udp, rate: 100.0, probes: 500, ..Scan::default() };
    let packets = run(Component::Scan(Scan { start_us: 0, ..scan }));
    assert_eq!(labelled(&packets, Label::Attack).len(), 500);
    let answers = labelled(&packets, Label::Response);
    assert!((4..=6).contains(&answers.len()), "{}", answers.len());
    let (_, told) = answers[0];
    assert!(matches!((told.protocol, told.sport), (1, 0x0303) | (58, 0x0104)), "{told:?}");
}

#[test]
fn a_sweep_hears_from_every_machine_that_exists() {
    let scan = Scan { proto: Proto::Icmp, rate: 100.0, probes: 300, start_us: 0, ..Scan::default() };
    let packets = run(Component::Scan(scan));
    assert_eq!(labelled(&packets, Label::Attack).len(), 300);
    assert_eq!(labelled(&packets, Label::Response).len(), 8 + 40);
}

#[test]
fn a_drift_begins_benign_and_doubles() {
    let drift =
        Drift { clients: 1, first: 1.0, doubling_us: 2 * S, limit: 60.0, start_us: 0, ..Drift::default() };
    assert_eq!(drift.rate_after(4 * S), 4.0);
    assert_eq!(drift.rate_after(40 * S), 60.0);
    let packets = run(Component::Drift(drift));
    let client = packets[0].0.src;
    let syns = |from: u64, to: u64| {
        let mut seen: Vec<Label> = Vec::new();
        for (event, decoded) in &packets {
            if event.src == client && decoded.flags == 2 && (from * S..to * S).contains(&event.time_us) {
                seen.push(event.tag.label);
            }
        }
        seen
    };
    assert!(syns(0, 6).iter().all(|&label| label == Label::Benign));
    assert!(syns(8, 20).iter().all(|&label| label == Label::Attack));
    let (early, middle, late) = (syns(0, 2).len(), syns(6, 8).len(), syns(14, 16).len());
    assert!((2..=4).contains(&early) && (18..=30).contains(&middle), "{early} {middle}");
    assert!((110..=130).contains(&late), "{late}");
}

#[test]
fn dns_has_its_rates_and_every_answer_was_asked_for() {
    let dns = Dns { queries: 100.0, lookups: 50.0, ..Dns::default() };
    let packets = run(Component::Dns(dns));
    assert_eq!(labelled(&packets, Label::Benign).len(), packets.len());
    let asked = |side| packets.iter().filter(|(event, seen)| event.side == side && seen.dport == 53).count();
    assert!((1850..2150).contains(&asked(Side::Outside)), "{}", asked(Side::Outside));
    assert!((900..1100).contains(&asked(Side::Inside)), "{}", asked(Side::Inside));
    let mut open = BTreeSet::new();
    for (_, seen) in &packets {
        let id = seen.payload[..2].to_vec();
        if seen.dport == 53 {
            open.insert((seen.src, seen.sport, seen.dst, id));
        } else {
            assert!(open.remove(&(seen.dst, seen.dport, seen.src, id)), "an answer nobody asked for");
        }
    }
}

#[test]
fn streams_carry_data_both_ways() {
    let quic = Quic { streams: 4, rate: 100.0, ..Quic::default() };
    let packets = run(Component::Quic(quic));
    let bulk = packets.iter().filter(|(_, seen)| seen.payload.len() >= 900).count() as f64;
    // Four streams of 20 to 100 packets a second, the first seconds without.
    assert!((4.0 * 20.0 * 15.0..4.0 * 100.0 * 20.0).contains(&bulk), "{bulk}");
    for side in [Side::Outside, Side::Inside] {
        assert!(packets.iter().filter(|(event, _)| event.side == side).count() > packets.len() / 10);
    }
}

#[test]
fn clocks_and_pings_are_answered() {
    let packets = run(Component::Ntp(Ntp { rate: 50.0, ..Ntp::default() }));
    let asked = packets.iter().filter(|(_, seen)| seen.dport == 123).count();
    assert!((900..1100).contains(&asked), "{asked}");
    assert!(packets.len() - asked >= asked - 10);
    let packets = run(Component::Ping(Ping { pairs: 6 }));
    let asked = packets.iter().filter(|(_, seen)| matches!(seen.sport, 0x0800 | 0x8000)).count();
    assert!((6 * 19..=6 * 20).contains(&asked), "{asked}");
    assert!(asked - (packets.len() - asked) <= 6);
}

#[test]
fn sessions_stay_open_and_quiet() {
    let packets = run(Component::Sessions(Sessions { sessions: 15, pause_us: 2 * S }));
    let syns = packets.iter().filter(|(_, seen)| seen.flags == 2).count();
    assert_eq!(syns, 15);
    assert!(packets.iter().all(|(_, seen)| seen.flags & 5 == 0), "none is closed");
    assert!(packets.len() > 15 * 15 && packets.len() < 15 * 80, "{}", packets.len());
}
