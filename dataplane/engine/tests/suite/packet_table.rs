//! A table of named packets with the verdict each must get, and what must pass whatever the policy.

use repute_engine::{Role, Wire};
use repute_model::{Limits, Link, Reason, Verdict};
use repute_wire::Class;

use crate::common::frame::{ACK, Frame, SYN, echo, tcp, udp};
use crate::common::packets::bytes::{CONTROL, MALFORMED};
use crate::common::packets::{self, introduce, table};
use crate::common::rig::{PAIR, Rig};
use crate::common::{OUTSIDE, SMALL, drop_all, ingress, policy};

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 2];

#[test]
fn every_row_of_the_table_has_its_fate() {
    for (row, only_generally) in table().iter().flat_map(|row| [(row, false), (row, true)]) {
        let mut rig = Rig::sized(packets::policy(), SMALL);
        rig.worker.only_generally(only_generally);
        introduce(&mut rig, row);
        let known = rig.account().strangers;
        // The second packet goes the way of what is already known.
        for n in 0..2 {
            let n = if row.is_of_strangers() { n } else { 0 };
            let judgement = rig.breathe(0, [(row.port, row.frame(n))])[0];
            assert_eq!((judgement.verdict, judgement.reason), row.fate, "{}", row.name);
        }
        let strangers = rig.account().strangers - known;
        assert!(!row.is_of_strangers() || strangers == 2, "{}: {strangers}", row.name);
    }
}

#[test]
fn names_of_rows_are_their_own() {
    let mut names: Vec<String> = table().into_iter().map(|row| row.name).collect();
    let rows = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows);
}

#[test]
fn what_keeps_a_network_alive_passes_under_a_policy_that_drops_everything() {
    for (class, case) in CONTROL {
        let mut rig = Rig::sized(drop_all(), SMALL);
        let judgement = rig.outside(1, case.frame());
        assert_eq!((judgement.verdict, judgement.reason), (Verdict::Forward, None), "{}", case.name);
        assert_eq!(rig.account().control[class.index()], 1, "{}", case.name);
        assert_eq!(rig.ports.sent.len(), 1, "{}", case.name);
    }
}

#[test]
fn the_table_names_every_always_forward_class() {
    for class in Class::ALL.iter().filter(|class| class.always_forwards()) {
        assert!(CONTROL.iter().any(|(listed, _)| listed == class), "{}", class.name());
    }
}

#[test]
fn bgp_passes_between_configured_neighbours_only() {
    let bgp = || tcp((CLIENT, 40_000), (SERVER, 179), SYN, 0);
    let mut strangers = Rig::sized(drop_all(), SMALL);
    assert_eq!(strangers.outside(1, bgp()).reason, Some(Reason::Standing));
    let mut policy = drop_all();
    policy.protect.bgp_neighbours = repute_model::PrefixTable::new([("192.0.2.1/32".parse().unwrap(), ())]);
    let mut neighbours = Rig::sized(policy, SMALL);
    assert_eq!(neighbours.outside(1, bgp()).verdict, Verdict::Forward);
    assert_eq!(neighbours.account().control[Class::Bgp.index()], 1);
}

#[test]
fn every_malformed_kind_is_a_drop_with_its_reason() {
    for (reason, case) in MALFORMED {
        let mut rig = Rig::sized(ingress(), SMALL);
        let judgement = rig.outside(1, case.frame());
        assert_eq!((judgement.verdict, judgement.reason), (Verdict::Drop, Some(*reason)), "{}", case.name);
        assert_eq!(rig.dropped(*reason), 1, "{}", case.name);
        assert_eq!((rig.ports.sent.len(), rig.ports.freed.len()), (0, 1), "{}", case.name);
    }
}

#[test]
fn the_table_names_every_malformed_reason() {
    for reason in Reason::ALL.iter().filter(|reason| reason.is_malformed()) {
        assert!(MALFORMED.iter().any(|(listed, _)| listed == reason), "{reason}");
    }
}

#[test]
fn ordinary_packets_pass_by_default_and_fall_under_a_policy_that_drops() {
    let table: [(&str, Frame, bool); 6] = [
        ("SYN", tcp((CLIENT, 40_000), (SERVER, 443), SYN, 0), true),
        ("data in mid-stream", tcp((CLIENT, 40_000), (SERVER, 443), ACK, 100), true),
        ("DNS query", udp((CLIENT, 40_000), (SERVER, 53), 30), true),
        ("ping", echo(CLIENT, SERVER, false), true),
        ("GRE", Frame::ipv4(CLIENT, SERVER, 47, &[0, 0, 8, 0]), true),
        ("unspecified sender", udp(([0; 4], 1), (SERVER, 9), 1), false),
    ];
    for (name, frame, is_judged) in table {
        let mut open = Rig::sized(ingress(), SMALL);
        assert_eq!(open.outside(1, frame.clone()).to_string(), "forward\t\t\t\tpass", "{name}");
        let mut closed = Rig::sized(drop_all(), SMALL);
        let judgement = closed.outside(1, frame.clone());
        let expected = if is_judged { Some(Reason::Standing) } else { None };
        assert_eq!(judgement.reason, expected, "{name}");
        assert_eq!(closed.inside(1, frame).verdict, Verdict::Forward, "{name} from inside");
    }
}

#[test]
fn management_passes_whatever_else_happens() {
    let mut policy = drop_all();
    policy.protect.prefixes = repute_model::PrefixTable::new([("192.0.2.0/28".parse().unwrap(), ())]);
    policy.protect.ports = vec![repute_model::PortRule { protocol: 6, port: 22 }];
    let mut rig = Rig::sized(policy, SMALL);
    assert_eq!(rig.outside(1, tcp((CLIENT, 40_000), (SERVER, 22), SYN, 0)).verdict, Verdict::Forward);
    assert_eq!(rig.outside(1, tcp((CLIENT, 40_000), (SERVER, 80), SYN, 0)).verdict, Verdict::Drop);
    assert_eq!(rig.account().protected, 1);
}

#[test]
fn the_always_forward_class_is_capped() {
    let mut rig = Rig::sized(policy("[protect]\ncontrol_packets_per_s = 100\n[profiles.ingress]"), SMALL);
    let (_, arp) = &CONTROL[0];
    let mut passed = 0;
    for _ in 0..50 {
        let burst = (0..10).map(|_| (OUTSIDE, arp.frame()));
        passed += rig.breathe(10, burst).iter().filter(|j| j.verdict == Verdict::Forward).count();
    }
    // 500 in half a second: the burst of 100 and what half a second gives.
    assert!((145..=155).contains(&passed), "{passed}");
    assert_eq!(rig.dropped(Reason::ControlCap), 500 - passed as u64);
}

#[test]
fn the_box_itself_has_reasons() {
    let syn = tcp((CLIENT, 40_000), (SERVER, 443), SYN, 0);
    let mut lonely = Rig::wired(ingress(), SMALL, &[Wire { role: Role::Outside, peer: None }]);
    assert_eq!(lonely.outside(1, syn.clone()).reason, Some(Reason::NoPeer));
    assert_eq!(lonely.dropped(Reason::NoPeer), 1);

    let mut rig = Rig::sized(ingress(), SMALL);
    let head = syn.bytes[..30].to_vec();
    let torn = Frame { segments: 2, ..Frame::raw(Link::Ethernet, head).longer(syn.wire_len) };
    assert_eq!(rig.outside(1, torn.clone()).reason, Some(Reason::Scattered));
    let cut = Frame { segments: 1, ..torn };
    assert_eq!(rig.outside(1, cut).reason, None, "a capture's snap length is nobody's fault");
    let scattered_payload = Frame { segments: 2, ..syn.longer(9000) };
    assert_eq!(rig.outside(1, scattered_payload).reason, None);
}

#[test]
fn without_a_profile_nobody_is_judged_and_everybody_is_counted() {
    let policy = repute_model::Policy { ingress: None, ..ingress() };
    let mut rig = Rig::wired(policy, Limits::default(), &PAIR);
    assert_eq!(rig.outside(1, tcp((CLIENT, 1), (SERVER, 2), SYN, 0)).verdict, Verdict::Forward);
    assert_eq!(rig.inside(1, tcp((SERVER, 2), (CLIENT, 1), SYN | ACK, 0)).verdict, Verdict::Forward);
    assert_eq!(rig.account().unjudged, 2);
}
