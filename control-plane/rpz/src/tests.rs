//! Zones by example.

use std::net::IpAddr;

use repute_model::{Address, Rpz, RpzMatch};

use super::*;

fn zone(text: &str) -> Result<RpzImport, RpzError> {
    read(text.as_bytes(), None, RpzLimits::default())
}

fn flaws(import: &RpzImport) -> Vec<(u64, FlawKind)> {
    import.flaws.rows().iter().map(|flaw| (flaw.line, flaw.kind)).collect()
}

/// What becomes of an answer with this name and address.
fn decides(import: RpzImport, client: &str, name: &str, address: &str) -> Option<(RpzTrigger, RpzAction)> {
    let at = |text: &str| Address::from(text.parse::<IpAddr>().unwrap());
    let rpz = Rpz::new(vec![import.zone.into()]).unwrap();
    let name: DomainName = name.parse().unwrap();
    let found = rpz.at_answer(at(client), [name.as_bytes()].into_iter(), [at(address)].into_iter());
    found.map(|RpzMatch { trigger, action, .. }| (trigger, action))
}

const ZONE: &str = "$TTL 1h\n\
    @ IN SOA ns.example. root.example. ( 1 2 3 4 5 )\n\
    \tNS ns.example.\n\
    bad.example CNAME .\n\
    *.bad.example CNAME *.\n\
    good.bad.example 60 IN CNAME rpz-passthru.\n\
    self.example IN 60 CNAME self.example.\n\
    walled.example A 192.0.2.7\n\
    \tA 192.0.2.8\n\
    \tTXT \"why; (not)\" two\n\
    24.0.2.0.192.rpz-client-ip CNAME rpz-drop.\n\
    32.1.100.51.198.rpz-ip CNAME rpz-tcp-only.\n\
    ns.example.rpz-nsdname CNAME .\n\
    32.1.100.51.198.rpz-nsip CNAME .\n";

#[test]
fn triggers_and_actions() {
    let import = zone(ZONE).unwrap();
    assert_eq!(import.flaws, Flaws::default());
    assert_eq!((import.records, import.rules, import.unenforced()), (13, [1, 5, 1, 1, 1], 2));
    use RpzAction::{Drop, Local, NoData, NxDomain, Passthru, TcpOnly};
    let (client, other) = ("192.0.2.9", "203.0.113.1");
    for (who, name, address, expected) in [
        (client, "bad.example", other, Some((RpzTrigger::ClientIp, Drop))),
        (other, "bad.example", other, Some((RpzTrigger::Qname, NxDomain))),
        (other, "x.y.bad.example", other, Some((RpzTrigger::Qname, NoData))),
        (other, "good.bad.example", other, Some((RpzTrigger::Qname, Passthru))),
        (other, "self.example", other, Some((RpzTrigger::Qname, Passthru))),
        (other, "walled.example", other, Some((RpzTrigger::Qname, Local(0)))),
        (other, "fine.example", "198.51.100.1", Some((RpzTrigger::Ip, TcpOnly))),
        (other, "ns.example", other, None),
    ] {
        assert_eq!(decides(zone(ZONE).unwrap(), who, name, address), expected, "{name}");
    }
    let local = import.zone.local();
    let data =
        |kind| local.records(0, kind).map(|record| (record.ttl, record.data.to_vec())).collect::<Vec<_>>();
    assert_eq!(data(1), [(3600, vec![192, 0, 2, 7]), (3600, vec![192, 0, 2, 8])]);
    assert_eq!(data(16), [(3600, b"\x0awhy; (not)\x03two".to_vec())]);
}

#[test]
fn the_zone_is_named_by_its_authority_its_origin_or_its_reader() {
    let origin = |text: &str| zone(text).unwrap().origin.to_string();
    assert_eq!(origin("rpz.example. SOA a. b. 1 2 3 4 5\nx CNAME .\n"), "rpz.example");
    assert_eq!(
        origin("$ORIGIN example.\nrpz SOA a. b. 1 2 3 4 5\n$ORIGIN rpz.example.\nx CNAME .\n"),
        "rpz.example"
    );
    assert_eq!(origin("$ORIGIN rpz.example.\nx CNAME .\n"), "rpz.example");
    assert_eq!(origin("@ SOA a. b. 1 2 3 4 5\nx CNAME .\n"), ".");
    let named = Some("rpz.example".parse().unwrap());
    let many: String = (0..20).map(|n| format!("n{n} CNAME .\n")).collect();
    let text = format!("@ SOA a. b. 1 2 3 4 5\n{many}x.org. CNAME .\n");
    let import = read(text.as_bytes(), named, RpzLimits::default()).unwrap();
    assert_eq!(import.rules[RpzTrigger::Qname.index()], 20);
    assert_eq!(flaws(&import), [(22, FlawKind::OutOfZone)]);
}

#[test]
fn garbage_is_told_by_line_and_the_rest_counts() {
    let good: String = (0..60).map(|n| format!("n{n} CNAME .\n")).collect();
    let bad = "33.0.2.0.192.rpz-ip CNAME .\n\
        a..b CNAME .\n\
        \tCNAME .\n\
        c CNAME rpz-dorp.\n\
        d A 192.0.2.300\n\
        e CH A 192.0.2.1\n\
        f\n";
    let signed = "n0 RRSIG CNAME 8 2 60 1 1 1 . AAAA\nn1 CNAME *.\nw A 192.0.2.1\nw CNAME .\n";
    let import = zone(&[&good, bad, signed].concat()).unwrap();
    assert_eq!(import.rules[RpzTrigger::Qname.index()], 61);
    let expected = [
        (61, FlawKind::Trigger),
        (62, FlawKind::Record),
        (63, FlawKind::Record),
        (64, FlawKind::Action),
        (65, FlawKind::Record),
        (66, FlawKind::Record),
        (67, FlawKind::Record),
        (68, FlawKind::Type),
        (69, FlawKind::Conflict),
        (71, FlawKind::Conflict),
    ];
    assert_eq!(flaws(&import), expected);
    assert!(import.flaws.rows()[0].text.contains("`33.0.2.0.192.rpz-ip` has a bad prefix length"));
    assert!(import.flaws.rows()[4].text.contains("192.0.2.300"));
}

#[test]
fn what_is_no_policy_zone_is_refused() {
    let why = |text: &str| zone(text).unwrap_err();
    assert!(matches!(why("").why, RpzWhy::Empty));
    assert!(matches!(why("; nothing\n").why, RpzWhy::Empty));
    assert_eq!(zone("@ SOA a. b. 1 2 3 4 5\n").unwrap().rules, [0; RpzTrigger::COUNT]);
    let list = why("192.0.2.1\n198.51.100.0/24\n");
    assert_eq!(list.line, 1);
    assert!(list.to_string().contains("2 of 2 records are no rule"), "{list}");
    assert_eq!(why("x CNAME .\n$INCLUDE other\n").line, 2);
    assert_eq!(why("x CNAME .\ny CNAME (\n .\n").line, 2);
    let limits = RpzLimits { records: 2, ..RpzLimits::default() };
    let many = read(&b"a CNAME .\nb CNAME .\nc CNAME .\n"[..], None, limits).unwrap_err();
    assert!(matches!((many.line, many.why), (3, RpzWhy::Records(2))));
}

#[test]
fn zone_files_are_known_by_their_begin() {
    for text in ["; c\n$TTL 300\n", "$ORIGIN a.\n", "@ SOA a. b. 1 2 3 4 5\n", "rpz. 3600 IN SOA a. b. ("] {
        assert!(looks_like(text.as_bytes()), "{text}");
    }
    for text in ["", "192.0.2.1\n", "# SOA\n", "{\"SOA\": 1}"] {
        assert!(!looks_like(text.as_bytes()), "{text}");
    }
}
