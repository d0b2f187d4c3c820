//! The cached path: what a server has said is said again by the box, to whom it may be, as long as it may be.

use std::num::NonZeroU32;

use repute_model::{Command, Factor, Homes, Judgement, Limits, Policy, Reason, Verdict};
use repute_wire::dns::Rcode;

use crate::common::dns::{
    A, AAAA, NOERROR, NXDOMAIN, RESOLVER, SERVFAIL, TXT, answer, back, by_tcp, by_udp, cookie, message,
    query, read,
};
use crate::common::frame::{ACK, Frame, Ip, SYN, Talk};
use crate::common::rig::Rig;
use crate::common::{CACHED_DNS, INSIDE, OUTSIDE, SMALL_DNS, policy, version};

const CLIENT: (Ip, u16) = ([198, 51, 100, 7], 40_000);
const OTHER: (Ip, u16) = ([203, 0, 113, 8], 40_001);
const NAME: &str = "www.example.org";

fn rig(keys: &str) -> Rig {
    sized(keys, CACHED_DNS)
}

fn sized(keys: &str, limits: Limits) -> Rig {
    let mut rig = Rig::sized(policy(&format!("[profiles.dns]\n{keys}")), limits);
    rig.ports.kept = Some(Vec::new());
    rig
}

/// What becomes of a packet of the outside: verdict and reason, and what leaves the box.
fn ask(rig: &mut Rig, ms: u64, frame: Frame) -> (Verdict, Option<Reason>, Vec<(u8, Frame)>) {
    rig.ports.kept = Some(Vec::new());
    let Judgement { verdict, reason, .. } = rig.outside(ms, frame);
    (verdict, reason, rig.ports.kept.replace(Vec::new()).unwrap())
}

/// Somebody asks, the query goes on, and the server says this.
fn teach(rig: &mut Rig, from: (Ip, u16), asked: &[u8], said: &[u8]) {
    assert_eq!(ask(rig, 1, by_udp(from, asked)).0, Verdict::Forward);
    rig.inside(1, back(from, said));
}

/// The box knows the addresses of the name, for a minute.
fn taught(keys: &str) -> Rig {
    let mut rig = rig(keys);
    let asked = query(1, NAME, A, None);
    teach(&mut rig, CLIENT, &asked, &answer(&asked, NOERROR, 2));
    rig
}

fn is_given(rig: &mut Rig, ms: u64, from: (Ip, u16), asked: &[u8]) -> bool {
    ask(rig, ms, by_udp(from, asked)).1 == Some(Reason::DnsCached)
}

#[test]
fn what_was_said_to_one_is_said_to_others() {
    let mut rig = taught("");
    let loud = query(0x4711, "WWW.Example.ORG", A, None);
    let (verdict, reason, sent) = ask(&mut rig, 20_000, by_udp(OTHER, &loud));
    assert_eq!((verdict, reason, sent.len()), (Verdict::Answer, Some(Reason::DnsCached), 1));
    assert_eq!(sent[0].0, OUTSIDE);
    let mut expected = answer(&loud, NOERROR, 2);
    for ttl in [loud.len() + 6, loud.len() + 16 + 6] {
        expected[ttl + 3] = 60 - 20;
    }
    assert_eq!(message(&sent[0].1), &expected[..], "id and spelling are its own, TTLs are counted down");
    assert!(!is_given(&mut rig, 40_000, OTHER, &loud), "its time is over");
    let dns = rig.account().dns;
    assert_eq!((dns.cache.hits, dns.cache.misses, dns.cache.learned), (1, 1, 1));
    assert_eq!((dns.paths, dns.answered, dns.unasked), ([0, 3, 0, 0], 1, 0));
    assert_eq!(rig.account().ports[usize::from(OUTSIDE)].answered, 1);
}

#[test]
fn another_question_is_another_answer() {
    let mut rig = taught("");
    let mut unchecked = query(2, NAME, A, None);
    unchecked[3] |= 0x10;
    let mut other_class = query(2, NAME, A, None);
    *other_class.last_mut().unwrap() = 3;
    for asked in [query(2, "w.example.org", A, None), query(2, NAME, AAAA, None), unchecked, other_class] {
        assert!(!is_given(&mut rig, 1, OTHER, &asked), "{asked:?}");
    }
    assert!(is_given(&mut rig, 1, OTHER, &query(2, NAME, A, None)));
    let talk = Talk { client: OTHER, server: RESOLVER };
    for one in [talk.asks(SYN, 0), talk.asks(ACK, 0)] {
        rig.outside(1, one);
    }
    assert_eq!(ask(&mut rig, 1, by_tcp(OTHER, &query(3, NAME, A, None))).0, Verdict::Forward);
}

#[test]
fn only_the_path_cached_leads_there() {
    for (keys, reason) in [
        ("paths = { good = \"default\" }", None),
        ("paths = { good = \"challenge\" }", Some(Reason::DnsTruncated)),
        ("paths = { good = \"block\" }", Some(Reason::DnsBlocked)),
        ("dry_run = [\"good\"]", None),
    ] {
        let mut rig = taught("");
        rig.tell(Command::Install(Box::new(policy(&format!("[profiles.dns]\n{keys}")))));
        assert_eq!(ask(&mut rig, 1, by_udp(OTHER, &query(2, NAME, A, None))).1, reason, "{keys}");
        rig.tell(Command::Install(Box::new(policy("[profiles.dns]"))));
        assert!(is_given(&mut rig, 1, OTHER, &query(2, NAME, A, None)), "it is still there");
    }
}

#[test]
fn without_memory_for_it_there_is_no_cache() {
    let asked = query(1, NAME, A, None);
    let mut without = sized("", Limits { cache_bytes: 0, ..CACHED_DNS });
    for _ in 0..2 {
        teach(&mut without, CLIENT, &asked, &answer(&asked, NOERROR, 2));
    }
    assert_eq!(without.account().dns.cache.learned, 0);
}

#[test]
fn what_nobody_asked_for_is_not_kept() {
    let mut rig = rig("");
    let asked = query(7, NAME, A, None);
    assert_eq!(ask(&mut rig, 1, by_udp(CLIENT, &asked)).0, Verdict::Forward);
    let wrong_id = answer(&query(8, NAME, A, None), NOERROR, 1);
    let wrong_name = answer(&query(7, "www.example.com", A, None), NOERROR, 1);
    let wrong_kind = answer(&query(7, NAME, AAAA, None), NOERROR, 0);
    for (to, said) in [
        (CLIENT, &wrong_id),
        (CLIENT, &wrong_name),
        (CLIENT, &wrong_kind),
        ((CLIENT.0, 40_009), &answer(&asked, NOERROR, 1)),
    ] {
        rig.inside(1, back(to, said));
    }
    rig.inside(1, back(CLIENT, &answer(&asked, NOERROR, 3)));
    rig.inside(1, back(CLIENT, &answer(&asked, NOERROR, 9)));
    let (_, _, sent) = ask(&mut rig, 1, by_udp(CLIENT, &asked));
    assert_eq!(read(&sent[0].1).message.header().answers.get(), 3, "the one that was asked for");
    let dns = rig.account().dns;
    assert_eq!((dns.cache.learned, dns.answered), (1, 1));
    // The other port is of a source that is known, like the rest.
    assert_eq!(dns.unasked, 5);
}

#[test]
fn a_client_gets_what_is_its_own() {
    let mut rig = rig("");
    let options = |client: &[u8; 8]| cookie(client, &[]);
    let asked = query(1, NAME, A, Some(&options(b"a client")));
    let plain = answer(&query(1, NAME, A, None), NOERROR, 1);
    teach(&mut rig, CLIENT, &asked, &plain);
    let (.., sent) = ask(&mut rig, 1, by_udp(OTHER, &query(2, NAME, A, Some(&options(b"b client")))));
    let told = read(&sent[0].1);
    let given = told.edns.and_then(|edns| edns.cookie).unwrap();
    assert_eq!((given.client, given.server.len(), told.rcode()), (*b"b client", 16, Rcode::NOERROR));
    let (.., sent) = ask(&mut rig, 1, by_udp(OTHER, &query(3, NAME, A, None)));
    assert!(read(&sent[0].1).edns.is_none(), "who knows no EDNS gets none");
}

#[test]
fn who_takes_less_comes_by_tcp() {
    let mut rig = rig("");
    let asked = query(1, NAME, A, Some(&[]));
    let long = answer(&query(1, NAME, A, None), NOERROR, 40);
    teach(&mut rig, CLIENT, &asked, &long);
    let (verdict, _, sent) = ask(&mut rig, 1, by_udp(OTHER, &query(2, NAME, A, None)));
    let told = read(&sent[0].1);
    assert_eq!((verdict, told.message.header().is_truncated()), (Verdict::Answer, true));
    assert_eq!(told.message.header().answers.get(), 0);
    let (.., sent) = ask(&mut rig, 1, by_udp(OTHER, &asked));
    assert_eq!(read(&sent[0].1).message.header().answers.get(), 40);
}

/// A query behind an IP header with an option.
fn with_option(from: (Ip, u16), asked: &[u8]) -> Frame {
    let mut frame = by_udp(from, asked);
    frame.bytes.splice(34..34, [1; 4]);
    (frame.bytes[14], frame.bytes[17]) = (0x46, frame.bytes[17] + 4);
    frame.wire_len += 4;
    frame
}

#[test]
fn what_cannot_be_turned_round_goes_on() {
    let mut rig = taught("");
    let (verdict, _, sent) = ask(&mut rig, 1, with_option(OTHER, &query(2, NAME, A, None)));
    assert_eq!((verdict, sent[0].0), (Verdict::Forward, INSIDE));
}

#[test]
fn a_requester_is_judged_by_answers_of_the_box_as_by_those_of_the_server() {
    let codes = [NOERROR, NOERROR, NXDOMAIN, SERVFAIL];
    let run = |limits| {
        let mut rig = sized("", limits);
        for n in 0..400_u16 {
            let which = usize::from(n / 3 % 40);
            let name = format!("host{which}.example.org");
            let asked = query(n, &name, [A, TXT][which % 2], None);
            let from = (CLIENT.0, 30_000 + n);
            if ask(&mut rig, 40, by_udp(from, &asked)).0 == Verdict::Forward {
                let code = codes[which % 4];
                let said = answer(&asked, code, if code == NOERROR { 4 } else { 0 });
                let soa = [&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0][..], &[0, 0, 0, 60].repeat(5)]
                    .concat();
                let said =
                    if code == NXDOMAIN { [&said[..9], &[1], &said[10..], &soa].concat() } else { said };
                rig.inside(0, back(from, &said));
            }
        }
        rig
    };
    let (cached, plain) = (run(CACHED_DNS), run(SMALL_DNS));
    assert!(cached.account().dns.cache.hits > 200, "{:?}", cached.account().dns);
    let (cached, plain) = (cached.explain(CLIENT.0), plain.explain(CLIENT.0));
    for (cached, plain) in cached.terms.iter().zip(&plain.terms) {
        assert_eq!(cached, plain);
    }
    assert!(plain.terms[Factor::Nxdomain.index()].evidence > 0.1);
    assert_eq!((cached.score, cached.band), (plain.score, plain.band));
}

/// So many queries that nobody answers, one every five seconds.
fn fall_silent(rig: &mut Rig, queries: u16) {
    for n in 0..queries {
        ask(rig, 5_000, by_udp((OTHER.0, n), &query(n, "other.example.org", A, None)));
    }
    rig.idle(1_000);
}

#[test]
fn while_the_server_is_silent_an_old_answer_is_better_than_none() {
    let mut rig = taught("silence = \"500ms\"\ncache = { stale_max = \"1h\" }");
    fall_silent(&mut rig, 14);
    let asked = query(2, NAME, A, Some(&[]));
    let told = (0..160).map(|_| ask(&mut rig, 30, by_udp(OTHER, &asked))).collect::<Vec<_>>();
    let (given, on): (Vec<_>, Vec<_>) = told.iter().partition(|told| told.0 == Verdict::Answer);
    assert_eq!((given.len(), on.len()), (150, 10), "some ask whether the server is back");
    let told = read(&given[0].2[0].1);
    assert_eq!(told.edns.and_then(|edns| edns.error).map(|error| error.code), Some(3));
    assert_eq!(message(&given[0].2[0].1)[39..43], [0, 0, 0, 30], "for half a minute");
    rig.idle(1);
    assert_eq!(rig.account().dns.cache.stale, 150);
    rig.inside(1, back(OTHER, &answer(&query(2, NAME, A, None), NOERROR, 1)));
    assert_eq!(ask(&mut rig, 61_000, by_udp(OTHER, &asked)).0, Verdict::Forward, "it is back");
}

#[test]
fn without_being_told_so_nothing_old_is_given() {
    let mut rig = taught("silence = \"500ms\"");
    fall_silent(&mut rig, 14);
    assert!(rig.account().dns.silent > 8);
    assert!(!is_given(&mut rig, 1, OTHER, &query(2, NAME, A, None)));
}

#[test]
fn in_shadow_mode_it_is_said_what_would_have_been_given() {
    let mut rig = Rig::sized(policy("mode = \"shadow\"\n[profiles.dns]"), CACHED_DNS);
    let asked = query(1, NAME, A, None);
    for _ in 0..3 {
        rig.ports.kept = Some(Vec::new());
        rig.outside(1, by_udp(CLIENT, &asked));
        let sent = rig.ports.kept.replace(Vec::new()).unwrap();
        assert_eq!((sent[0].0, message(&sent[0].1)), (INSIDE, &asked[..]));
        rig.inside(1, back(CLIENT, &answer(&asked, NOERROR, 1)));
    }
    let account = rig.account();
    assert_eq!((account.shadow[Reason::DnsCached.index()], account.dns.answered), (2, 3));
}

#[test]
fn strangers_without_an_entry_get_it_too_and_teach_nothing() {
    let mut rig = sized("", Limits { sources: 64, ..CACHED_DNS });
    let asks = |n: u32, id| (([203, 0, (n >> 8) as u8, n as u8], 40_000), query(id, NAME, A, None));
    let known = asks(0, 1);
    teach(&mut rig, known.0, &known.1, &answer(&known.1, NOERROR, 2));
    for n in 1..64 {
        rig.outside(0, by_udp(asks(n, 1).0, &asks(n, 1).1));
    }
    let (stranger, asked) = asks(968, 7);
    assert!(!rig.explain(stranger.0).tracked);
    let judged = rig.outside(0, by_udp(stranger, &asked));
    assert_eq!((judged.reason, judged.standing), (Some(Reason::DnsCached), None));
    let other = query(8, "other.example.org", A, None);
    rig.outside(0, by_udp(stranger, &other));
    rig.inside(1, back(stranger, &answer(&other, NOERROR, 1)));
    assert_eq!(rig.account().dns.cache.learned, 1);
}

/// What gives way between judgement and answer costs its requester a round trip, and nothing is lost.
#[test]
fn an_answer_that_has_given_way_in_the_same_breath_sends_to_tcp() {
    let mut rig = sized("", Limits { cache_answers: 1, ..CACHED_DNS });
    let (first, second) = (query(1, NAME, A, None), query(2, "other.example.org", A, None));
    teach(&mut rig, CLIENT, &first, &answer(&first, NOERROR, 2));
    assert_eq!(ask(&mut rig, 1, by_udp(CLIENT, &second)).0, Verdict::Forward);
    rig.ports.kept = Some(Vec::new());
    let arrivals = [
        (OUTSIDE, by_udp(OTHER, &first)),
        (INSIDE, back(CLIENT, &answer(&second, NOERROR, 1))),
        (OUTSIDE, by_udp(OTHER, &second)),
    ];
    let judged = rig.breathe(1, arrivals);
    assert_eq!(
        judged.iter().map(|one| one.reason).collect::<Vec<_>>(),
        [Some(Reason::DnsCached), None, Some(Reason::DnsCached)]
    );
    let sent = rig.ports.kept.take().unwrap();
    let cut: Vec<bool> = sent.iter().map(|(_, frame)| read(frame).message.header().is_truncated()).collect();
    assert_eq!(cut, [true, false, false]);
}

/// What comes of a day's mixture: judgements, frames that leave, the DNS account, and how each requester stands.
fn mixture(general: bool) -> (Vec<Judgement>, Vec<(u8, Frame)>, String) {
    const CACHED: &str = "paths = { neutral = \"cached\", poor = \"cached\" }\n";
    let keys =
        format!("[profiles.dns]\n{CACHED}honeypots = [\"trap.example\"]\n[profiles.dns.same]\nrate = 0");
    let homes = Homes::new([("198.51.0.0/16".parse().unwrap(), NonZeroU32::MIN)], []);
    let mut rig = Rig::sized(Policy { homes, ..policy(&keys) }, CACHED_DNS);
    rig.ports.kept = Some(Vec::new());
    rig.worker.only_generally(general);
    let names = ["a.example.org", "B.example.org", "c.example.com", "xkqzvwjhqpfgtr.net", "trap.example"];
    // Half of them in one network, half of them in one each.
    let requester = |n: u8| if n < 20 { [198, 51, 100, n] } else { [198, 51, n, 100] };
    let (mut judged, mut state) = (Vec::new(), 1u64);
    let mut draw = |of: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % of
    };
    for id in 0..4_000 {
        let from = (requester(draw(40) as u8), 40_000 + draw(4) as u16);
        let own = cookie(&[id as u8; 8], &[]);
        let edns = [None, Some(&[][..]), Some(&own[..])][draw(3)];
        let asked = query(id, names[draw(names.len())], [A, AAAA][draw(2)], edns);
        let judgement = rig.outside(draw(40) as u64, by_udp(from, &asked));
        if judgement.verdict == Verdict::Forward && draw(8) > 0 {
            rig.inside(1, back(from, &answer(&asked, [NOERROR, NXDOMAIN][draw(2)], draw(3) as u8)));
        }
        judged.push(judgement);
        if id == 2_000 {
            rig.tell(Command::Install(Box::new(version(&format!("[profiles.dns]\n{CACHED}"), 2))));
        }
    }
    let stands = (0..40).map(|n| rig.explain(requester(n)));
    let state = format!("{:?} {:?}", rig.account().dns, stands.collect::<Vec<_>>());
    (judged, rig.ports.kept.take().unwrap(), state)
}

#[test]
fn what_is_met_again_is_judged_as_if_it_were_new() {
    let (again, anew) = (mixture(false), mixture(true));
    let cached = again.0.iter().filter(|judgement| judgement.reason == Some(Reason::DnsCached)).count();
    assert!(cached > 1_000, "{cached}");
    assert!(again.0 == anew.0 && again.1 == anew.1);
    assert_eq!(again.2, anew.2);
}
