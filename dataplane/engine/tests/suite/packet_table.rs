//! A table of named packets with the verdict each must get, and what must pass whatever the policy.

use repute_engine::{Role, Wire};
use repute_model::{Limits, Link, Reason, Verdict};
use repute_wire::Class;

use crate::common::frame::{ACK, Frame, SYN, echo, tcp, udp};
use crate::common::rig::{PAIR, Rig};
use crate::common::{OUTSIDE, SMALL, drop_all, ingress, policy};

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 2];

/// What a packet with this name gets under a policy whose every band drops.
struct Case {
    name: &'static str,
    link: Link,
    hex: &'static str,
}

const fn eth(name: &'static str, hex: &'static str) -> Case {
    Case { name, link: Link::Ethernet, hex }
}

const fn ip(name: &'static str, hex: &'static str) -> Case {
    Case { name, link: Link::Ip, hex }
}

#[rustfmt::skip]
const CONTROL: &[(Class, Case)] = &[
    (Class::Arp, eth("ARP request", "02000000000202000000000108060001080006040001020000000001c0000201000000000000c6336402")),
    (Class::Stp, eth("spanning tree", "0180c200000002000000000100264242030000000000000000000000000000000000000000000000000000000000000000000000")),
    (Class::Lacp, eth("LACP", "020000000002020000000001880901")),
    (Class::Lldp, eth("LLDP", "02000000000202000000000188cc0000")),
    (Class::Eapol, eth("802.1X", "020000000002020000000001888e01")),
    (Class::Llc, eth("NetBIOS over LLC", "0200000000020200000000010003f0f003")),
    (Class::OtherEtherType, eth("MPLS", "020000000002020000000001884700010140")),
    (Class::NeighbourDiscovery, ip("neighbour solicitation", "6000000000083afffe800000000000000000000000000001ff0200000000000000000000000000018700000000000000")),
    (Class::Mld, ip("listener report", "6000000000100001fe800000000000000000000000000001ff0200000000000000000000000000013a000502000001008f00000000000000")),
    (Class::Igmp, ip("IGMP report", "4500001c0001000001020000c0000201c63364021600000000000000")),
    (Class::Ospf, ip("OSPF hello", "450000180001000001590000c0000201c633640202010000")),
    (Class::Vrrp, ip("VRRP advertisement", "4500001800010000ff700000c0000201c633640221010000")),
    (Class::Bfd, ip("BFD", "4500001c00010000ff110000c0000201c6336402c0000ec800080000")),
    (Class::Dhcp, ip("DHCP discover", "4500001c0001000040110000c0000201c63364020044004300080000")),
    (Class::Dhcp, ip("DHCPv6 solicit", "6000000000081140fe800000000000000000000000000001ff0200000000000000000000000000010222022300080000")),
    (Class::PacketTooBig, ip("fragmentation needed", "4500001c0001000040010000c0000201c633640203040000000005dc")),
    (Class::PacketTooBig, ip("packet too big", "6000000000083a4020010db800000000000000000000000120010db800000000000000000000000202000000000005dc")),
];

#[rustfmt::skip]
const MALFORMED: &[(Reason, Case)] = &[
    (Reason::EmptyFrame, eth("empty", "")),
    (Reason::ShortEthernet, eth("runt", "020000000002")),
    (Reason::VlanDepth, eth("five tags", "020000000002020000000001810000018100000181000001810000018100000108004500002c0001000040060000c0000201c63364029c4001bb00000001000000006002ffff00000000020405b4")),
    (Reason::ShortArp, eth("ARP without its addresses", "02000000000202000000000108060001080006040001")),
    (Reason::RawVersion, ip("version 5", "50000000000000000000000000000000000000000000000000000000000000000000000000000000")),
    (Reason::ShortIpv4, eth("IPv4 header cut off", "020000000002020000000001080045000014000100004006")),
    (Reason::Ipv4Version, eth("IPv4 EtherType, version 6", "0200000000020200000000010800600000000008114020010db800000000000000000000000120010db80000000000000000000000020001000200080000")),
    (Reason::Ipv4HeaderLength, ip("IPv4 header length 4", "4400002c0001000040060000c0000201c63364029c4001bb00000001000000006002ffff00000000020405b4")),
    (Reason::Ipv4TotalLength, ip("IPv4 total length below header", "450000130001000040060000c0000201c63364029c4001bb00000001000000006002ffff00000000020405b4")),
    (Reason::ShortIpv6, ip("IPv6 header cut off", "600000000008114020010db8000000000000000000000001")),
    (Reason::Ipv6Version, eth("IPv6 EtherType, version 4", "02000000000202000000000186dd450000300001000040110000c0000201c633640200010002000800000000000000000000000000000000000000000000")),
    (Reason::Ipv6PayloadLength, ip("IPv6 payload beyond the wire", "600000000032114020010db800000000000000000000000120010db80000000000000000000000020001000200080000")),
    (Reason::Ipv6Extension, ip("extension beyond the packet", "6000000000083c4020010db800000000000000000000000120010db80000000000000000000000020605000000000000")),
    (Reason::Ipv6ExtensionDepth, ip("nine extension headers", "6000000000603c4020010db800000000000000000000000120010db80000000000000000000000023c000000000000003c000000000000003c000000000000003c000000000000003c000000000000003c000000000000003c000000000000003c000000000000003c000000000000009c4001bb00000001000000006002ffff00000000020405b4")),
    (Reason::MappedAddress, ip("IPv4-mapped source", "600000000008114000000000000000000000ffffc000020120010db80000000000000000000000020001000200080000")),
    (Reason::FragmentOverflow, ip("ping of death", "4500002400011fff40010000c0000201c633640200000000000000000000000000000000")),
    (Reason::FragmentLength, ip("uneven fragment", "450000230001200240110000c0000201c6336402000000000000000000000000000000")),
    (Reason::TinyFragment, ip("tiny first fragment", "4500001c0001200040060000c0000201c63364029c4001bb00000001")),
    (Reason::ShortTcp, ip("short TCP", "4500001c0001000040060000c0000201c63364020001000200000001")),
    (Reason::TcpDataOffset, ip("TCP data offset 4", "450000280001000040060000c0000201c63364020001000200000001000000004002ffff00000000")),
    (Reason::TcpOption, ip("TCP option of length 0", "4500002c0001000040060000c0000201c63364020001000200000001000000006002ffff0000000002000000")),
    (Reason::ShortUdp, ip("short UDP", "450000180001000040110000c0000201c633640200010002")),
    (Reason::UdpLength, ip("UDP length 7", "4500001c0001000040110000c0000201c63364020001000200070000")),
    (Reason::ShortIcmp, ip("short ICMP", "450000160001000040010000c0000201c63364020800")),
];

#[test]
fn what_keeps_a_network_alive_passes_under_a_policy_that_drops_everything() {
    for (class, case) in CONTROL {
        let mut rig = Rig::sized(drop_all(), SMALL);
        let judgement = rig.outside(1, Frame::hex(case.link, case.hex));
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
        let judgement = rig.outside(1, Frame::hex(case.link, case.hex));
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
        let burst = (0..10).map(|_| (OUTSIDE, Frame::hex(arp.link, arp.hex)));
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
