//! Policy zones enforced by a worker: by example here, against a plain model, and in unbound's own scenarios.

mod model;
mod scenario;
mod scenarios;

use std::sync::Arc;

use repute_model::{Command, DomainName, Policy, Reason, Rpz, RpzEffect, RpzTrigger, Verdict};
use repute_rpz::RpzLimits;
use repute_wire::dns::Rcode;

use crate::common::dns::{A, NOERROR, RESOLVER, TXT, answer, back, by_tcp, by_udp, message, query, read};
use crate::common::frame::{ACK, Frame, Ip, PSH, SYN, Talk, tcp_of};
use crate::common::rig::Rig;
use crate::common::{CACHED_DNS, INSIDE, OUTSIDE, policy};

const CLIENT: (Ip, u16) = ([198, 51, 100, 7], 40_000);
const OTHER: (Ip, u16) = ([203, 0, 113, 8], 40_001);

/// Zones in order, each the text of a file whose name is `rpz`.
fn zones(texts: &[&str]) -> Rpz {
    let zone = |text: &&str| {
        let import = repute_rpz::read(text.as_bytes(), "rpz".parse().ok(), RpzLimits::default()).unwrap();
        assert_eq!(import.flaws.total(), 0, "{:?}", import.flaws.rows());
        Arc::new(import.zone)
    };
    Rpz::new(texts.iter().map(zone).collect()).unwrap()
}

/// A policy with these zones.
fn ruled(keys: &str, zones: Rpz) -> Policy {
    let mut policy = policy(keys);
    policy.dns.as_mut().unwrap().zones = zones;
    policy
}

fn rig(keys: &str, texts: &[&str]) -> Rig {
    let mut rig = Rig::sized(ruled(keys, zones(texts)), CACHED_DNS);
    rig.ports.kept = Some(Vec::new());
    rig
}

/// What becomes of a packet, and what leaves the box for it.
fn pass(rig: &mut Rig, client: bool, frame: Frame) -> (Verdict, Option<Reason>, Vec<(u8, Frame)>) {
    rig.ports.kept = Some(Vec::new());
    let judgement = rig.pass(1, (client, frame));
    (judgement.verdict, judgement.reason, rig.ports.kept.replace(Vec::new()).unwrap())
}

/// How often rules by this trigger had this effect.
fn counted(rig: &Rig, trigger: RpzTrigger, effect: RpzEffect) -> u64 {
    rig.account().dns.zones[trigger.index()][effect.index()]
}

const ZONE: &str = "$TTL 60\n\
    gone CNAME .\n\
    empty CNAME *.\n\
    free CNAME rpz-passthru.\n\
    silent CNAME rpz-drop.\n\
    again CNAME rpz-tcp-only.\n\
    walled A 192.0.2.80\n\
    walled A 192.0.2.81\n\
    walled TXT \"why\"\n\
    alias CNAME garden.example.\n\
    *.star CNAME *.garden.example.\n\
    32.1.100.51.198.rpz-ip CNAME .\n\
    32.9.100.51.198.rpz-client-ip CNAME rpz-drop.\n";

#[test]
fn a_query_gets_what_its_rule_says() {
    let edns = Some(&[][..]);
    for (name, kind, verdict, reason, rcode, answers) in [
        ("gone", A, Verdict::Answer, Some(Reason::RpzNxdomain), Rcode::NXDOMAIN, 0),
        ("GONE", A, Verdict::Answer, Some(Reason::RpzNxdomain), Rcode::NXDOMAIN, 0),
        ("empty", A, Verdict::Answer, Some(Reason::RpzNodata), Rcode::NOERROR, 0),
        ("again", A, Verdict::Answer, Some(Reason::RpzTcpOnly), Rcode::NOERROR, 0),
        ("walled", A, Verdict::Answer, Some(Reason::RpzLocal), Rcode::NOERROR, 2),
        ("walled", TXT, Verdict::Answer, Some(Reason::RpzLocal), Rcode::NOERROR, 1),
        ("walled", 28, Verdict::Answer, Some(Reason::RpzLocal), Rcode::NOERROR, 0),
        ("alias", A, Verdict::Answer, Some(Reason::RpzLocal), Rcode::NOERROR, 1),
        ("x.star", A, Verdict::Answer, Some(Reason::RpzLocal), Rcode::NOERROR, 1),
        ("star", A, Verdict::Forward, None, Rcode::NOERROR, 0),
        ("free", A, Verdict::Forward, None, Rcode::NOERROR, 0),
        ("fine", A, Verdict::Forward, None, Rcode::NOERROR, 0),
    ] {
        let mut rig = rig("[profiles.dns]", &[ZONE]);
        let asked = query(7, name, kind, edns);
        let (found, why, sent) = pass(&mut rig, true, by_udp(CLIENT, &asked));
        assert_eq!((found, why, sent.len()), (verdict, reason, 1), "{name}");
        if verdict == Verdict::Forward {
            assert_eq!((sent[0].0, message(&sent[0].1)), (INSIDE, &asked[..]));
            continue;
        }
        let told = read(&sent[0].1);
        let header = told.message.header();
        assert_eq!((sent[0].0, told.rcode(), header.answers.get()), (OUTSIDE, rcode, answers), "{name}");
        assert_eq!((header.id.get(), header.is_truncated()), (7, name == "again"));
        assert!(header.recursion_desired() && header.recursion_available());
        let error = told.edns.and_then(|edns| edns.error).map(|error| error.code);
        let expected = match reason {
            Some(Reason::RpzLocal) => Some(4),
            Some(Reason::RpzTcpOnly) => None,
            _ => Some(15),
        };
        assert_eq!(error, expected, "{name}");
        assert_eq!(rig.account().ports[usize::from(OUTSIDE)].answered, 1);
    }
    let mut rig = rig("[profiles.dns]", &[ZONE]);
    let dropped = pass(&mut rig, true, by_udp(CLIENT, &query(7, "silent", A, None)));
    assert_eq!(dropped, (Verdict::Drop, Some(Reason::RpzDrop), Vec::new()));
    let nine = ([198, 51, 100, 9], 40_000);
    assert_eq!(pass(&mut rig, true, by_udp(nine, &query(7, "fine", A, None))).1, Some(Reason::RpzDrop));
    assert_eq!(counted(&rig, RpzTrigger::Qname, RpzEffect::Drop), 1);
    assert_eq!(counted(&rig, RpzTrigger::ClientIp, RpzEffect::Drop), 1);
}

#[test]
fn data_of_a_zone_is_given_as_it_is() {
    let mut rig = rig("[profiles.dns]", &[ZONE]);
    let (.., sent) = pass(&mut rig, true, by_udp(CLIENT, &query(7, "walled", A, None)));
    let mut expected = answer(&query(7, "walled", A, None), NOERROR, 2);
    let end = expected.len();
    expected[end - 20..end - 16].copy_from_slice(&[192, 0, 2, 80]);
    expected[end - 4..].copy_from_slice(&[192, 0, 2, 81]);
    assert_eq!(message(&sent[0].1), &expected[..]);
    let (.., sent) = pass(&mut rig, true, by_udp(CLIENT, &query(7, "x.star", A, None)));
    assert!(message(&sent[0].1).ends_with(b"\x01x\x04star\x06garden\x07example\0"));
}

/// An answer to `asked`: aliases one after the other, and these addresses of the last one.
fn leading(asked: &[u8], aliases: &[&str], addresses: &[Ip]) -> Vec<u8> {
    let mut said = asked.to_vec();
    (said[2], said[3], said[7]) = (0x81, 0x80, (aliases.len() + addresses.len()) as u8);
    let mut owner = 12u16;
    for alias in aliases {
        let target: DomainName = alias.parse().unwrap();
        said.extend((0xc000 | owner).to_be_bytes());
        said.extend([0, 5, 0, 1, 0, 0, 0, 60]);
        said.extend((target.as_bytes().len() as u16).to_be_bytes());
        owner = said.len() as u16;
        said.extend(target.as_bytes());
    }
    for address in addresses {
        said.extend((0xc000 | owner).to_be_bytes());
        said.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        said.extend(address);
    }
    said
}

#[test]
fn an_answer_is_replaced_by_what_its_rule_says() {
    let asked = query(7, "www.fine", A, None);
    for (aliases, address, rcode, answers) in [
        (&[][..], [198, 51, 100, 1], Some(Rcode::NXDOMAIN), 0),
        (&[][..], [198, 51, 100, 2], Some(Rcode::NOERROR), 1),
        (&["a.fine", "gone"][..], [198, 51, 100, 2], Some(Rcode::NXDOMAIN), 2),
        (&["a.fine", "walled", "b.fine"][..], [198, 51, 100, 2], Some(Rcode::NOERROR), 4),
        (&["free"][..], [198, 51, 100, 1], Some(Rcode::NOERROR), 2),
        (&["silent"][..], [198, 51, 100, 2], None, 0),
    ] {
        let mut rig = rig("[profiles.dns]", &[ZONE]);
        assert_eq!(pass(&mut rig, true, by_udp(CLIENT, &asked)).0, Verdict::Forward);
        let said = leading(&asked, aliases, &[address]);
        let (.., sent) = pass(&mut rig, false, back(CLIENT, &said));
        let Some(rcode) = rcode else {
            assert_eq!((sent.len(), rig.dropped(Reason::RpzDrop)), (0, 1));
            continue;
        };
        assert_eq!((sent.len(), sent[0].0), (1, OUTSIDE));
        let told = read(&sent[0].1);
        assert_eq!((told.rcode(), told.message.header().answers.get()), (rcode, answers), "{aliases:?}");
        let changed = message(&sent[0].1) != &said[..];
        assert_eq!(changed, address[3] == 1 && aliases.is_empty() || aliases.len() > 1, "{aliases:?}");
        let parsed = repute_wire::parse_ethernet(&sent[0].1.bytes, sent[0].1.wire_len);
        assert_eq!((parsed.sport, parsed.dport), (53, CLIENT.1), "from the server, to who asked");
        let forwarded = rig.account().ports[usize::from(INSIDE)].forwarded;
        assert_eq!(forwarded, 1, "it is the server's answer that goes on");
    }
}

#[test]
fn what_was_kept_before_a_zone_came_does_not_leak_past_it() {
    let mut rig = rig("[profiles.dns]", &[]);
    let asked = |name: &str| query(7, name, A, None);
    for (name, address) in
        [("gone", [198, 51, 100, 2]), ("fine", [198, 51, 100, 1]), ("good", [198, 51, 100, 2])]
    {
        pass(&mut rig, true, by_udp(CLIENT, &asked(name)));
        pass(&mut rig, false, back(CLIENT, &leading(&asked(name), &[], &[address])));
        assert_eq!(pass(&mut rig, true, by_udp(OTHER, &asked(name))).1, Some(Reason::DnsCached));
    }
    rig.tell(Command::Install(Box::new(ruled("[profiles.dns]", zones(&[ZONE])))));
    for (name, reason) in
        [("gone", Reason::RpzNxdomain), ("fine", Reason::RpzNxdomain), ("good", Reason::DnsCached)]
    {
        let (verdict, why, sent) = pass(&mut rig, true, by_udp(OTHER, &asked(name)));
        assert_eq!((verdict, why, sent.len()), (Verdict::Answer, Some(reason), 1), "{name}");
        let expected = if reason == Reason::DnsCached { Rcode::NOERROR } else { Rcode::NXDOMAIN };
        assert_eq!(read(&sent[0].1).rcode(), expected);
    }
    assert_eq!(counted(&rig, RpzTrigger::Ip, RpzEffect::NxDomain), 1);
    rig.tell(Command::Install(Box::new(ruled("[profiles.dns]", Rpz::default()))));
    assert_eq!(pass(&mut rig, true, by_udp(OTHER, &asked("fine"))).1, Some(Reason::DnsCached));
}

#[test]
fn by_tcp_a_connection_is_ended_whose_answer_would_be_another_one() {
    let framed = |message: &[u8]| [&(message.len() as u16).to_be_bytes()[..], message].concat();
    for (name, address, reason) in [
        ("gone", None, Some(Reason::RpzNxdomain)),
        ("silent", None, Some(Reason::RpzDrop)),
        ("again", Some([198, 51, 100, 2]), None),
        ("fine", Some([198, 51, 100, 1]), Some(Reason::RpzNxdomain)),
        ("fine", Some([198, 51, 100, 2]), None),
    ] {
        let mut rig = rig("[profiles.dns]", &[ZONE]);
        let talk = Talk { client: CLIENT, server: RESOLVER };
        pass(&mut rig, true, talk.asks(SYN, 0));
        pass(&mut rig, false, talk.answers(SYN | ACK, 0));
        pass(&mut rig, true, talk.asks(ACK, 0));
        let asked = query(7, name, A, None);
        let mut last = pass(&mut rig, true, by_tcp(CLIENT, &asked));
        if let Some(address) = address {
            assert_eq!(last.0, Verdict::Forward, "{name}");
            let said = framed(&leading(&asked, &[], &[address]));
            last = pass(&mut rig, false, tcp_of(RESOLVER, CLIENT, ACK | PSH, &said));
        }
        assert_eq!(last.1, reason, "{name}");
        let resets: u64 = rig.account().ports.iter().map(|port| port.resets).sum();
        assert_eq!(resets > 0, reason == Some(Reason::RpzNxdomain), "{name}");
    }
}

#[test]
fn a_dry_run_and_shadow_mode_only_count() {
    let asked = query(7, "gone", A, None);
    let listed = query(8, "fine", A, None);
    let said = leading(&listed, &[], &[[198, 51, 100, 1]]);
    for keys in ["[profiles.dns]\ndry_run = [\"good\"]", "mode = \"shadow\"\n[profiles.dns]"] {
        let mut rig = rig(keys, &[ZONE]);
        let (.., sent) = pass(&mut rig, true, by_udp(CLIENT, &asked));
        assert_eq!((sent[0].0, message(&sent[0].1)), (INSIDE, &asked[..]), "{keys}");
        let unchanged = leading(&asked, &[], &[[198, 51, 100, 2]]);
        assert_eq!(message(&pass(&mut rig, false, back(CLIENT, &unchanged)).2[0].1), &unchanged[..]);
        pass(&mut rig, true, by_udp(CLIENT, &listed));
        assert_eq!(message(&pass(&mut rig, false, back(CLIENT, &said)).2[0].1), &said[..], "{keys}");
        assert_eq!(counted(&rig, RpzTrigger::Qname, RpzEffect::NxDomain), 1, "{keys}");
        assert_eq!(counted(&rig, RpzTrigger::Ip, RpzEffect::NxDomain), 1, "{keys}");
        let shadow = rig.account().shadow[Reason::RpzNxdomain.index()];
        assert_eq!((rig.account().dns.dry_run, shadow), if keys.contains("dry") { (2, 0) } else { (0, 2) });
    }
}

#[test]
fn who_is_blocked_is_blocked_and_who_is_challenged_is_challenged_first() {
    for (path, reason) in [("challenge", Reason::DnsTruncated), ("block", Reason::DnsBlocked)] {
        let mut rig = rig(&format!("[profiles.dns]\npaths = {{ good = \"{path}\" }}"), &[ZONE]);
        assert_eq!(pass(&mut rig, true, by_udp(CLIENT, &query(7, "gone", A, None))).1, Some(reason));
    }
    let mut rig = rig("lists.allow = [\"198.51.100.7\"]\n[profiles.dns]", &[ZONE]);
    let allowed = pass(&mut rig, true, by_udp(CLIENT, &query(7, "gone", A, None))).1;
    assert_eq!(allowed, Some(Reason::RpzNxdomain), "zones are about names, whoever asks");
}

#[test]
fn a_million_names_come_and_go_with_a_policy() {
    let mut text = String::from("$TTL 300\n@ SOA a. b. 1 2 3 4 5\n");
    for n in 0..500_000u32 {
        let name = n.wrapping_mul(0x9e37_79b1);
        text.push_str(&format!("x{name:08x}.example CNAME .\n*.x{name:08x}.example CNAME .\n"));
    }
    let zones = zones(&[&text]);
    let zone = Arc::downgrade(&zones.zones()[0]);
    let mut rig = rig("[profiles.dns]", &[]);
    let old = rig.tell(Command::Install(Box::new(ruled("[profiles.dns]", zones))));
    assert_eq!(old.len(), 1, "the old policy is handed back");
    for (name, reason) in [("x00000000.example", true), ("a.b.x9e3779b1.example", true), ("x.example", false)]
    {
        let found = pass(&mut rig, true, by_udp(CLIENT, &query(7, name, A, None))).1;
        assert_eq!(found, reason.then_some(Reason::RpzNxdomain), "{name}");
    }
    let old = rig.tell(Command::Install(Box::new(ruled("[profiles.dns]", Rpz::default()))));
    assert!(zone.upgrade().is_some(), "the worker frees nothing");
    drop(old);
    assert!(zone.upgrade().is_none());
}
