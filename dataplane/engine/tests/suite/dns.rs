//! The stage for DNS: who is asked to prove himself and how, what blocked queries get, what is taken note of.

use std::sync::Arc;

use repute_model::{
    Band, Command, DomainTable, Factor, Judgement, Limits, Lured, Passed, Policy, Reason, Report, Score,
    Tick, Token, Verdict,
};
use repute_wire::dns::Rcode;

use crate::common::dns::{
    A, AAAA, NOERROR, NXDOMAIN, RESOLVER, SERVFAIL, TXT, answer, back, by_tcp, by_udp, cookie, message,
    query, read,
};
use crate::common::frame::{ACK, Frame, Ip, SYN, Talk, tcp, udp_of};
use crate::common::rig::{Rig, source};
use crate::common::{INSIDE, OUTSIDE, SMALL_DNS, policy};

const CLIENT: Ip = [198, 51, 100, 7];
const OTHER: Ip = [198, 51, 100, 8];

fn rig(keys: &str) -> Rig {
    let mut rig = Rig::sized(policy(&format!("[profiles.dns]\n{keys}")), SMALL_DNS);
    rig.ports.kept = Some(Vec::new());
    rig
}

/// Good requesters are challenged, so that nobody has to misbehave first.
fn challenging(keys: &str) -> Rig {
    rig(&format!("paths = {{ good = \"challenge\" }}\n{keys}"))
}

/// What becomes of a query of the client: verdict and reason, and what leaves the box.
fn ask(rig: &mut Rig, ms: u64, frame: Frame) -> (Verdict, Option<Reason>, Vec<(u8, Frame)>) {
    rig.ports.kept = Some(Vec::new());
    let Judgement { verdict, reason, .. } = rig.outside(ms, frame);
    (verdict, reason, rig.ports.kept.replace(Vec::new()).unwrap())
}

fn plain(id: u16) -> Frame {
    by_udp((CLIENT, 40_000), &query(id, "www.example.org", A, None))
}

#[test]
fn who_is_good_is_resolved() {
    let mut rig = rig("");
    for id in 0..40 {
        let asked = query(id, "www.example.org", A, None);
        let (verdict, _, sent) = ask(&mut rig, 20, by_udp((CLIENT, 40_000 + id), &asked));
        assert_eq!((verdict, sent[0].0, message(&sent[0].1)), (Verdict::Forward, INSIDE, &asked[..]));
        let code = [NOERROR, NOERROR, NXDOMAIN, SERVFAIL][usize::from(id % 4)];
        rig.inside(1, back((CLIENT, 40_000 + id), &answer(&asked, code, 2)));
    }
    let dns = rig.account().dns;
    assert_eq!((dns.paths, dns.answered, dns.nxdomain, dns.failed), ([0, 40, 0, 0], 20, 10, 10));
    assert_eq!((dns.unasked, dns.silent, dns.garbled), (0, 0, 0));
    let why = rig.explain(CLIENT);
    let evidence = |factor: Factor| why.terms[factor.index()].evidence;
    assert!(evidence(Factor::Nxdomain) > 0.15 && evidence(Factor::Timeouts) > 0.15, "{why:?}");
}

#[test]
fn who_knows_no_cookies_comes_by_tcp_and_has_proved_himself() {
    let mut rig = challenging("");
    let (verdict, reason, sent) = ask(&mut rig, 1, plain(77));
    assert_eq!((verdict, reason, sent.len()), (Verdict::Challenge, Some(Reason::DnsTruncated), 1));
    let (port, frame) = &sent[0];
    let told = read(frame);
    let header = told.message.header();
    assert_eq!((*port, header.id.get(), told.rcode()), (OUTSIDE, 77, Rcode::NOERROR));
    assert!(header.is_truncated() && header.recursion_available());
    assert!(frame.wire_len <= plain(77).wire_len, "nothing is amplified");

    let talk = Talk { client: (CLIENT, 50_000), server: RESOLVER };
    assert_eq!(rig.outside(1, talk.asks(SYN, 0)).verdict, Verdict::Forward);
    rig.inside(1, talk.answers(SYN | ACK, 0));
    assert_eq!(rig.outside(1, talk.asks(ACK, 0)).verdict, Verdict::Forward);
    let asked = by_tcp(talk.client, &query(78, "www.example.org", A, None));
    assert_eq!(rig.outside(1, asked).verdict, Verdict::Forward);
    assert_eq!(ask(&mut rig, 1, plain(79)).0, Verdict::Forward, "he receives what is sent to him");
    assert_eq!(ask(&mut rig, 3_700_000, plain(80)).0, Verdict::Challenge, "an hour later it counts no more");
}

#[test]
fn a_segment_out_of_nowhere_proves_nothing() {
    let mut rig = challenging("");
    // Answers are seen, so that a handshake would be too.
    for n in 0..20 {
        let talk = Talk::new(OTHER, 30_000 + n, [10, 0, 0, 80], 443);
        for one in talk.whole(10, 10) {
            rig.pass(1, one);
        }
    }
    let forged = by_tcp((CLIENT, 50_000), &query(78, "www.example.org", A, None));
    rig.outside(1, forged);
    assert_eq!(ask(&mut rig, 1, plain(79)).0, Verdict::Challenge);
}

#[test]
fn who_knows_cookies_gets_one_and_returns_it() {
    let mut rig = challenging("");
    let asks = |from: Ip, server: &[u8]| {
        by_udp((from, 40_000), &query(9, "www.example.org", A, Some(&cookie(b"a client", server))))
    };
    let (verdict, reason, sent) = ask(&mut rig, 1, asks(CLIENT, &[]));
    assert_eq!((verdict, reason), (Verdict::Challenge, Some(Reason::DnsCookie)));
    let told = read(&sent[0].1);
    let given = told.edns.and_then(|edns| edns.cookie).unwrap();
    assert_eq!((told.rcode(), &given.client, given.server.len()), (Rcode::BADCOOKIE, b"a client", 16));
    let server = given.server.to_vec();
    assert_eq!(ask(&mut rig, 1, asks(OTHER, &server)).0, Verdict::Challenge, "it is somebody else's");
    assert_eq!(ask(&mut rig, 1, asks(CLIENT, &[7; 16])).0, Verdict::Challenge, "a guess");
    assert_eq!(ask(&mut rig, 1, asks(CLIENT, &server)).0, Verdict::Forward);
    assert_eq!(ask(&mut rig, 1, plain(10)).0, Verdict::Forward, "it has standing for a while");
    assert_eq!(rig.account().ports[usize::from(OUTSIDE)].answered, 3);
}

#[test]
fn who_answers_no_challenge_is_dropped_but_for_some() {
    let mut rig = challenging("challenge = { tries = 3, slip = 4 }");
    for second in 0..3 {
        for n in 0..50 {
            let (verdict, ..) = ask(&mut rig, 20, plain(second * 50 + n));
            assert_eq!(verdict, Verdict::Challenge, "second {second}");
        }
    }
    rig.idle(1_100);
    let later: Vec<_> = (0..100).map(|n| ask(&mut rig, 1, plain(n)).1).collect();
    let dropped = later.iter().filter(|&&reason| reason == Some(Reason::DnsUnproven)).count();
    let asked = later.iter().filter(|&&reason| reason == Some(Reason::DnsTruncated)).count();
    assert_eq!((dropped, asked), (75, 25));
    assert_eq!(rig.dropped(Reason::DnsUnproven), 75);
}

#[test]
fn a_walled_garden_is_for_those_who_answer_no_challenge() {
    let mut rig = challenging("challenge = { tries = 1, garden = { v4 = \"192.0.2.80\" } }");
    assert_eq!(ask(&mut rig, 1, plain(1)).1, Some(Reason::DnsTruncated));
    let (verdict, reason, sent) = ask(&mut rig, 1_100, plain(2));
    assert_eq!((verdict, reason), (Verdict::Challenge, Some(Reason::DnsGarden)));
    assert_eq!(message(&sent[0].1)[45..], [192, 0, 2, 80][..]);
    let six = by_udp((CLIENT, 40_000), &query(3, "www.example.org", AAAA, None));
    assert_ne!(ask(&mut rig, 1, six).1, Some(Reason::DnsGarden), "there is none of that family");
}

#[test]
fn what_blocked_queries_get() {
    let edns = || by_udp((CLIENT, 40_000), &query(5, "www.example.org", A, Some(&[])));
    for (block, reason, rcode) in [
        ("drop", Reason::DnsBlocked, None),
        ("refused", Reason::DnsRefused, Some(Rcode::REFUSED)),
        ("nxdomain", Reason::DnsNxdomain, Some(Rcode::NXDOMAIN)),
        ("sinkhole", Reason::DnsSinkhole, Some(Rcode::NOERROR)),
    ] {
        let keys = format!(
            "paths = {{ good = \"block\" }}\nblock = \"{block}\"\nsinkhole = {{ v4 = \"192.0.2.9\" }}"
        );
        let mut rig = rig(&keys);
        let (verdict, why, sent) = ask(&mut rig, 1, edns());
        assert_eq!(why, Some(reason));
        let Some(rcode) = rcode else {
            assert_eq!((verdict, sent.len()), (Verdict::Drop, 0));
            continue;
        };
        assert_eq!((verdict, sent.len(), sent[0].0), (Verdict::Answer, 1, OUTSIDE));
        let told = read(&sent[0].1);
        assert_eq!(
            (told.rcode(), told.edns.and_then(|edns| edns.error).map(|error| error.code)),
            (rcode, Some(18))
        );
        let addresses = u16::from(block == "sinkhole");
        assert_eq!(told.message.header().answers.get(), addresses);
        // By TCP there is nobody to answer yet.
        let talk = Talk { client: (CLIENT, 50_000), server: RESOLVER };
        assert_eq!(ask(&mut rig, 1, talk.asks(SYN, 0)).1, Some(Reason::DnsBlocked));
    }
}

#[test]
fn messages_that_are_no_query_are_dropped_by_their_reason_and_count() {
    let garbled = |message: &[u8]| by_udp((CLIENT, 40_000), message);
    let good = query(1, "www.example.org", A, None);
    let two_questions = [&good[..5], &[2], &good[6..], &good[12..]].concat();
    for (message, reason) in [
        (&good[..11], Reason::ShortHeader),
        (&good[..20], Reason::NameCut),
        (&[&good[..], b"x"].concat(), Reason::TrailingBytes),
        (&two_questions, Reason::ManyQuestions),
        (&answer(&good, NOERROR, 1), Reason::NotAQuery),
        (&query(1, "a.b", A, Some(&[0, 10, 0, 3, 1, 2, 3])), Reason::CookieLength),
    ] {
        let mut rig = rig("");
        let (verdict, why, _) = ask(&mut rig, 1, garbled(message));
        assert_eq!((verdict, why), (Verdict::Drop, Some(reason)));
        assert_eq!(rig.account().dns.garbled, 1);
        let mut rig = self::rig("malformed = \"pass\"");
        assert_eq!(ask(&mut rig, 1, garbled(message)).0, Verdict::Forward);
        assert_eq!(rig.account().dns.garbled, 1);
    }
    let mut rig = rig("");
    // Of a length that fragments may have.
    let mut fragment = by_udp((CLIENT, 40_000), &query(1, "www.example.or", A, None));
    fragment.bytes[20] |= 0x20;
    assert_eq!(ask(&mut rig, 1, fragment).1, Some(Reason::DnsFragment));
    let mut scattered = Frame { segments: 2, ..plain(1) };
    scattered.bytes.truncate(60);
    assert_eq!(ask(&mut rig, 1, scattered).1, Some(Reason::Scattered));
    (0..40).for_each(|_| drop(ask(&mut rig, 1, garbled(&good[..20]))));
    assert!(rig.explain(CLIENT).band >= Band::Neutral, "{:?}", rig.explain(CLIENT));
}

#[test]
fn a_dry_run_counts_and_holds_nobody_up() {
    let mut rig = rig("paths = { good = \"block\" }\ndry_run = [\"good\"]");
    assert_eq!(ask(&mut rig, 1, plain(1)).0, Verdict::Forward);
    let dns = rig.account().dns;
    assert_eq!((dns.paths, dns.dry_run), ([0, 0, 0, 1], 1));
}

#[test]
fn whom_a_list_allows_is_resolved_and_whom_it_denies_is_not() {
    let lists = "[lists]\nallow = [\"198.51.100.7\"]\ndeny = [\"198.51.100.8\"]\n";
    let text = format!("{lists}[profiles.dns.paths]\ngood = \"block\"\nexcellent = \"block\"");
    let mut rig = Rig::sized(policy(&text), SMALL_DNS);
    let asks = |from: Ip| by_udp((from, 40_000), &query(5, "www.example.org", A, None));
    assert_eq!(rig.outside(1, asks(CLIENT)).verdict, Verdict::Forward);
    assert_eq!(rig.outside(1, asks(OTHER)).reason, Some(Reason::DnsBlocked));
}

#[test]
fn strangers_without_an_entry_are_challenged_by_what_they_can_do() {
    let text = "[profiles.dns.paths]\ngood = \"challenge\"";
    let limits = Limits { sources: 64, ..SMALL_DNS };
    let mut rig = Rig::sized(policy(text), limits);
    let asks = |n: u32, edns: Option<&[u8]>| {
        by_udp(([203, 0, (n >> 8) as u8, n as u8], 40_000), &query(5, "www.example.org", A, edns))
    };
    for n in 0..64 {
        rig.outside(0, asks(n, None));
    }
    let tracked = rig.explain([203, 0, 3, 200]).tracked;
    let (bare, with) =
        (rig.outside(0, asks(968, None)), rig.outside(0, asks(969, Some(&cookie(b"a client", &[])))));
    assert_eq!((tracked, bare.standing), (false, None));
    assert_eq!((bare.reason, with.reason), (Some(Reason::DnsTruncated), Some(Reason::DnsCookie)));
}

#[test]
fn only_the_servers_and_their_ports_are_meant() {
    let keys = "servers = [\"10.0.0.53\"]\nports = [53, 5300]\npaths = { good = \"block\" }";
    let asked = query(1, "www.example.org", A, None);
    let to = |server: Ip, port: u16| udp_of((CLIENT, 40_000), (server, port), &asked);
    for (server, port, verdict) in [
        ([10, 0, 0, 53], 53, Verdict::Drop),
        ([10, 0, 0, 53], 5300, Verdict::Drop),
        ([10, 0, 0, 53], 54, Verdict::Forward),
        ([10, 0, 0, 54], 53, Verdict::Forward),
    ] {
        assert_eq!(rig(keys).outside(1, to(server, port)).verdict, verdict, "{server:?} {port}");
    }
    let own = udp_of(([9, 9, 9, 9], 53), (RESOLVER.0, 53), &answer(&asked, NOERROR, 1));
    assert_eq!(rig(keys).outside(1, own).verdict, Verdict::Forward, "an answer to the server itself");
    let syn = tcp((CLIENT, 40_000), ([10, 0, 0, 53], 443), SYN, 0);
    assert_eq!(rig(keys).outside(1, syn).verdict, Verdict::Forward);
}

#[test]
fn silence_of_the_server_is_noticed() {
    let mut rig = rig("silence = \"500ms\"");
    for id in 0..40 {
        ask(&mut rig, 20, by_udp((CLIENT, 40_000 + id), &query(id, "www.example.org", A, None)));
    }
    rig.idle(1_000);
    assert_eq!(rig.account().dns.silent, 40);
    assert!(rig.explain(CLIENT).terms[Factor::Timeouts.index()].evidence > 0.6);
    let late = back((CLIENT, 40_039), &answer(&query(39, "www.example.org", A, None), NOERROR, 1));
    rig.inside(1, late);
    assert_eq!(rig.account().dns.unasked, 1);
}

#[test]
fn the_same_asked_over_and_over_is_amplification() {
    let mut rig = rig("same = { rate = 50, slip = 2 }\nquery_factors = { queries = { weight = 0 } }");
    let counted: Vec<_> = (0..1_000).map(|n| ask(&mut rig, 1, plain(n)).1).collect();
    let count = |reason| counted.iter().filter(|&&one| one == reason).count();
    let (passed, dropped, told) =
        (count(None), count(Some(Reason::DnsRate)), count(Some(Reason::DnsTruncated)));
    assert!((145..=160).contains(&passed), "a burst of two seconds and fifty more: {passed}");
    assert!(dropped.abs_diff(told) <= 1 && dropped + told + passed == 1_000, "{dropped} {told}");
    let neighbour = |_| ask(&mut rig, 1, by_udp((OTHER, 40_000), &query(5, "www.example.org", A, None))).1;
    let held = (0..3).map(neighbour).filter(Option::is_some).count();
    assert!(held >= 2, "of the same network, which has one every twenty milliseconds");
    let else_where = by_udp(([203, 0, 113, 9], 40_000), &query(5, "www.example.org", A, None));
    assert_eq!(ask(&mut rig, 1, else_where).0, Verdict::Forward);
    let another = by_udp((CLIENT, 40_000), &query(5, "mail.example.org", A, None));
    assert_eq!(ask(&mut rig, 1, another).0, Verdict::Forward);
}

#[test]
fn a_policy_without_room_for_queries_judges_none() {
    let policy: Policy = policy("[profiles.dns.paths]\ngood = \"block\"");
    let mut rig = Rig::sized(policy, Limits { queries: 0, ..SMALL_DNS });
    assert_eq!(rig.outside(1, plain(1)).verdict, Verdict::Forward);
    assert_eq!(rig.now, Tick(1));
}

#[test]
fn who_asks_for_a_honeypot_loses_reputation() {
    let mut rig = rig("honeypots = [\"trap.example\", \"*.sinkhole.example\"]");
    let asks = |id, name| by_udp((CLIENT, 40_000 + id), &query(id, name, A, None));
    for (id, name, lured, verdict) in [
        (1, "www.trap.example", 0.0, Verdict::Forward),
        (2, "TRAP.example", 1.0, Verdict::Forward),
        (3, "sinkhole.example", 1.0, Verdict::Challenge),
        (4, "a.b.sinkhole.example", 2.0, Verdict::Challenge),
        (5, "trap.example", 3.0, Verdict::Challenge),
    ] {
        assert_eq!(ask(&mut rig, 1, asks(id, name)).0, verdict, "{name}");
        let told = rig.explain(CLIENT).terms[Factor::Honeypots.index()];
        assert!((told.evidence - lured).abs() < 0.05, "{name}: {told:?}");
    }
    rig.idle(5_000);
    let why = rig.explain(CLIENT);
    assert_eq!(why.band, Band::Poor, "challenged, for who can be forged is not blocked: {why:?}");
    assert!(rig.explain(OTHER).terms[Factor::Honeypots.index()].value == 0.0);
}

/// What is told of queries for honeypots since this was asked last: by whom, the name, whether it counts, and how many were
/// not told before.
fn lures(rig: &mut Rig) -> Vec<(String, String, bool, u32)> {
    let lured = rig.reports.drain(..).filter_map(|report| match report {
        Report::Lured(Lured { source, name, counted, untold }) => {
            Some((source.to_string(), name.name().unwrap().to_string(), counted, untold))
        }
        _ => None,
    });
    lured.collect()
}

#[test]
fn who_asks_for_a_honeypot_is_told_within_a_bound() {
    let mut rig = rig("honeypots = [\"trap.example\", \"*.sinkhole.example\"]");
    let asks = |id, name| by_udp((CLIENT, 40_000 + id), &query(id, name, A, None));
    for (id, name) in [(1, "www.example"), (2, "TRAP.example"), (3, "a.sinkhole.example")] {
        ask(&mut rig, 1, asks(id, name));
    }
    let told = |name: &str, untold| ("198.51.100.7".to_owned(), name.to_owned(), true, untold);
    assert_eq!(lures(&mut rig), [told("trap.example", 0), told("a.sinkhole.example", 0)]);
    rig.breathe(1, (10..20).map(|id| (0, asks(id, "trap.example"))));
    assert_eq!(lures(&mut rig), vec![told("trap.example", 0); 4]);
    ask(&mut rig, 1, asks(30, "trap.example"));
    assert_eq!(lures(&mut rig), [told("trap.example", 6)]);
}

/// Names that come while the box runs count from the next tick on, and so they cease to.
#[test]
fn live_honeypots_come_and_go_with_a_policy() {
    let mut rig = rig("");
    let install = |rig: &mut Rig, edition: u64, names: &[&str]| {
        let mut next = Policy { edition, ..policy("[profiles.dns]") };
        let names = names.iter().map(|name| (name.parse().unwrap(), ()));
        next.dns.as_mut().unwrap().live_honeypots = Arc::new(DomainTable::new(names).unwrap());
        rig.tell(Command::Install(Box::new(next)));
    };
    let asks = |rig: &mut Rig, id| {
        ask(rig, 1, by_udp((CLIENT, 40_000 + id), &query(id, "trap.example", A, None)));
        rig.explain(CLIENT).terms[Factor::Honeypots.index()].evidence.round()
    };
    assert_eq!(asks(&mut rig, 1), 0.0);
    install(&mut rig, 2, &["trap.example"]);
    assert_eq!(asks(&mut rig, 2), 1.0);
    install(&mut rig, 3, &["other.example"]);
    assert_eq!(asks(&mut rig, 3), 1.0);
}

#[test]
fn types_that_carry_data_are_seen() {
    let mut rig = rig("");
    for id in 0..200 {
        ask(&mut rig, 10, by_udp((CLIENT, 40_000), &query(id, "www.example.org", TXT, None)));
    }
    let why = rig.explain(CLIENT);
    assert!(why.terms[Factor::QueryTypes.index()].value == 1.0, "{why:?}");
}

/// What a worker makes of a pass at the walled garden's page.
fn passes(rig: &mut Rig, points: u16) -> Passed {
    match rig.tell(Command::Pass { token: Token(1), source: source(CLIENT), points })[..] {
        [Report::Passed(Token(1), passed)] => passed,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn who_passes_at_the_walled_garden_has_proved_himself_and_gets_no_further_than_newcomers() {
    let mut rig = challenging("challenge = { tries = 1, garden = { v4 = \"192.0.2.80\" } }");
    assert_eq!(passes(&mut rig, 500), Passed::Unknown, "nothing stands against him");
    assert_eq!(rig.account().tracked, 0, "nobody gets an entry by it");
    ask(&mut rig, 1, plain(1));
    assert_eq!(ask(&mut rig, 1_100, plain(2)).1, Some(Reason::DnsGarden));
    rig.tell(Command::Nudge { token: Token(2), source: source(CLIENT), delta: -700, forgive: false });
    let Passed::Counts { before, after } = passes(&mut rig, 500) else { panic!("he is not blocked") };
    assert_eq!(after.get() - before.get(), 500);
    assert_eq!(ask(&mut rig, 1, plain(3)).0, Verdict::Forward, "his queries go on");
    let Passed::Counts { after, .. } = passes(&mut rig, 10_000) else { panic!("he is not blocked") };
    assert_eq!(after.get(), 7_500, "the prior");
    rig.tell(Command::Nudge { token: Token(2), source: source(CLIENT), delta: 10_000, forgive: false });
    let Passed::Counts { before, after } = passes(&mut rig, 500) else { panic!("he is not blocked") };
    assert_eq!((before, after), (Score::MAX, Score::MAX), "and nobody is lowered");
    assert_eq!(ask(&mut rig, 3_700_000, plain(4)).0, Verdict::Challenge, "an hour later it counts no more");
}

#[test]
fn the_walled_garden_opens_nothing_to_the_blocked_and_forgets_nothing() {
    let mut rig = rig("");
    ask(&mut rig, 1, plain(1));
    rig.tell(Command::Nudge { token: Token(2), source: source(CLIENT), delta: -10_000, forgive: false });
    assert_eq!(passes(&mut rig, 10_000), Passed::Blocked(Score::MIN));
    assert_eq!(ask(&mut rig, 1, plain(2)).1, Some(Reason::DnsBlocked));
    let allowed = policy("[profiles.dns]\n[lists]\nallow = [\"198.51.100.7\"]\n");
    let mut rig = Rig::sized(allowed, SMALL_DNS);
    rig.outside(1, plain(1));
    rig.tell(Command::Nudge { token: Token(2), source: source(CLIENT), delta: -10_000, forgive: false });
    assert!(matches!(passes(&mut rig, 0), Passed::Counts { .. }), "whom a list allows is never blocked");
}
