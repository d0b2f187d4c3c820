//! Answers that the box writes, as `domain` and our own reader see them.

use domain::base::iana::OptRcode;
use domain::base::opt::{Cookie, ExtendedError as TheirError};
use domain::base::{self};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_model::Address;
use repute_wire::dns::{
    Answer, ClientSubnet, Data, ExtendedError, Extras, Query, Rcode, Reply, ReplyError, keep, patch,
};

use crate::messages::{QUESTION, answer, message, opt, option, query, query_with, record};

const SERVER: [u8; 16] = [9; 16];

fn address(text: &str) -> Address {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

/// Writes an answer over a query, as on the wire.
fn over(query: &[u8], rcode: Rcode, extras: &Extras<'_>, with: impl FnOnce(&mut Reply<'_>)) -> Vec<u8> {
    let mut packet = [query, &[0xaa; 400]].concat();
    let asked = Query::read(query).unwrap().asked();
    let mut reply = Reply::over(&mut packet, &asked, rcode).unwrap();
    with(&mut reply);
    let len = reply.finish(extras).unwrap();
    packet.truncate(len);
    packet
}

/// What every answer of ours has, whoever reads it.
fn check(query: &[u8], answer: &[u8], rcode: Rcode) {
    let theirs = base::Message::from_slice(answer).unwrap();
    let asked = base::Message::from_slice(query).unwrap();
    assert!(theirs.is_answer(asked));
    assert_eq!(theirs.header().rd(), asked.header().rd());
    assert_eq!(theirs.header().cd(), asked.header().cd());
    assert_eq!(theirs.opt_rcode(), OptRcode::masked_from_int(rcode.number()));
    assert_eq!(theirs.opt().is_some(), asked.opt().is_some());
    assert!(theirs.iter().all(|record| record.is_ok()));
    let question = Query::read(query).unwrap().question;
    let ours = Answer::read(answer).unwrap();
    ours.answers(0x1234, &question.name, question.kind, question.class).unwrap();
    assert_eq!(ours.rcode(), rcode);
}

#[test]
fn a_bare_refusal() {
    let written = over(&query(), Rcode::REFUSED, &Extras::default(), |_| {});
    check(&query(), &written, Rcode::REFUSED);
    assert_eq!(written, message([0x8105, 1, 0, 0, 0], &[QUESTION]));
}

#[test]
fn a_challenge_by_cookie() {
    let asked = query_with(&opt(&option(10, b"a client")));
    let extras = Extras { cookie: Some(SERVER), ..Extras::default() };
    let written = over(&asked, Rcode::BADCOOKIE, &extras, |_| {});
    check(&asked, &written, Rcode::BADCOOKIE);
    let theirs = base::Message::from_slice(&written).unwrap();
    let opt = theirs.opt().unwrap();
    assert!(opt.dnssec_ok());
    let cookie: Cookie = opt.opt().first().unwrap();
    assert_eq!(cookie.client().into_octets(), *b"a client");
    assert_eq!(Answer::read(&written).unwrap().edns.unwrap().cookie.unwrap().server, SERVER);
}

#[test]
fn who_did_not_use_edns_gets_none() {
    let mut packet = query();
    let asked = Query::read(&packet).unwrap().asked();
    let begun = Reply::over(&mut packet, &asked, Rcode::BADCOOKIE).map(drop);
    assert_eq!((begun, &packet), (Err(ReplyError::NoEdns), &query()));
    let extras = Extras { cookie: Some(SERVER), error: Some(ExtendedError::BLOCKED), ..Extras::default() };
    let written = over(&packet, Rcode::NXDOMAIN, &extras, |_| {});
    assert_eq!(written, message([0x8103, 1, 0, 0, 0], &[QUESTION]));
    // An OPT record without a cookie asks for no cookie.
    let written = over(&query_with(&opt(&[])), Rcode::REFUSED, &extras, |_| {});
    assert_eq!(Answer::read(&written).unwrap().edns.unwrap().cookie, None);
}

#[test]
fn a_challenge_by_truncation() {
    let written = over(&query(), Rcode::NOERROR, &Extras::default(), |reply| {
        reply.truncate();
        reply.offer_recursion();
    });
    check(&query(), &written, Rcode::NOERROR);
    let header = base::Message::from_slice(&written).unwrap().header();
    assert!(header.tc() && header.ra() && !header.aa() && !header.ad());
}

#[test]
fn a_sinkhole_with_its_reason() {
    let asked = query_with(&opt(&[]));
    let error = Some(ExtendedError { text: b"by policy", ..ExtendedError::FILTERED });
    let extras = Extras { error, ..Extras::default() };
    let written = over(&asked, Rcode::NOERROR, &extras, |reply| {
        assert_eq!(reply.address(address("2001:db8::5"), 30), Ok(false), "A was asked for");
        assert_eq!(reply.address(address("192.0.2.5"), 30), Ok(true));
    });
    check(&asked, &written, Rcode::NOERROR);
    let ours = Answer::read(&written).unwrap();
    let record = ours.message.records().unwrap().next().unwrap().unwrap();
    assert_eq!((record.decode(), record.ttl), (Ok(Data::Address(address("192.0.2.5"))), 30));
    assert_eq!(record.name.to_string(), "Example.org");
    let theirs = base::Message::from_slice(&written).unwrap().opt().unwrap();
    let error: TheirError<_> = theirs.opt().first().unwrap();
    assert_eq!((error.code().to_int(), error.text().unwrap().unwrap().to_string()), (17, "by policy".into()));
}

#[test]
fn a_sinkhole_of_the_other_family() {
    let asked = message([0x0110, 1, 0, 0, 0], &[b"\x01a\0\0\x1c\0\x01"]);
    let written = over(&asked, Rcode::NOERROR, &Extras::default(), |reply| {
        assert_eq!(reply.address(address("2001:db8::5"), 1), Ok(true));
    });
    check(&asked, &written, Rcode::NOERROR);
    let chaos = message([0x0100, 1, 0, 0, 0], &[b"\x01a\0\0\x01\0\x03"]);
    over(&chaos, Rcode::NOERROR, &Extras::default(), |reply| {
        assert_eq!(reply.address(address("192.0.2.5"), 1), Ok(false), "no address of this class");
    });
}

#[test]
fn small_buffers_are_refused() {
    let asked = query_with(&opt(&option(10, b"a client")));
    let query = Query::read(&asked).unwrap();
    let extras = Extras { cookie: Some(SERVER), error: Some(ExtendedError::BLOCKED), ..Extras::default() };
    let write = |room: usize| {
        let mut buffer = vec![0; room];
        let mut reply = Reply::beside(&mut buffer, &query, Rcode::NOERROR)?;
        reply.address(address("192.0.2.5"), 1)?;
        reply.finish(&extras)
    };
    let needed = write(512).unwrap();
    for room in 0..512 {
        let expected = if room < needed { Err(ReplyError::NoRoom) } else { Ok(needed) };
        assert_eq!(write(room), expected, "{room}");
    }
}

#[test]
fn a_stored_answer_fits_the_next_query() {
    let mut stored = answer();
    let asked = [&b"\xab\xcd\x00\x10\0\x01\0\0\0\0\0\0\x07eXAMPLE\x03ORG\0"[..], b"\0\x01\0\x01"].concat();
    let positions: Vec<u16> = Answer::read(&stored).unwrap().ttl_positions().collect();
    let len = stored.len();
    assert!(resume(&mut stored, len, &asked).is_some());
    patch::count_down(&mut stored, positions.iter().copied(), 75);

    let ours = Answer::read(&stored).unwrap();
    assert_eq!(stored[..4], [0xab, 0xcd, 0x80, 0x90]);
    assert_eq!(ours.question.unwrap().name.to_string(), "eXAMPLE.ORG");
    let ttls: Vec<u32> = ours.message.records().unwrap().map(|record| record.unwrap().ttl).collect();
    assert_eq!(ttls, [225, 0, 15, 3525, 0x8000], "the last is OPT's flags");
}

#[test]
fn a_stored_answer_to_another_question_stays_as_it_is() {
    for question in
        [&b"\x07exampld\x03org\0\0\x01\0\x01"[..], b"\x07example\x03org\0\0\x1c\0\x01", b"\0\0\x01\0\x01"]
    {
        let asked = message([0, 1, 0, 0, 0], &[question]);
        let mut stored = answer();
        let len = stored.len();
        assert!(resume(&mut stored, len, &asked).is_none());
    }
    let (asked, stored) = (Query::read(&query()).unwrap().asked(), answer());
    for (len, stored) in [(20, &stored[..]), (stored.len(), &stored[..20]), (stored.len(), &stored[..11])] {
        let mut buffer = query();
        buffer.resize(stored.len().max(buffer.len()), 0);
        let before = buffer.clone();
        assert!(Reply::resume(&mut buffer, &asked, len, stored).is_none());
        assert_eq!(buffer, before);
    }
}

/// Lays the stored answer of `len` bytes in `buffer` over the query that it is the answer to, and goes on with it.
fn resume<'b>(buffer: &'b mut [u8], len: usize, asked: &[u8]) -> Option<Reply<'b>> {
    let (stored, query) = (buffer[..len].to_vec(), Query::read(asked).unwrap());
    let head = asked.len() - query.edns.map_or(0, |edns| usize::from(edns.span.1 - edns.span.0));
    buffer[..head].copy_from_slice(&asked[..head]);
    Reply::resume(buffer, &query.asked(), len, &stored)
}

#[test]
fn what_is_kept_has_nothing_of_one_client_and_nothing_planted() {
    let additional =
        |name: &[u8], kind: u8| [name, &[0, kind, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 7]].concat();
    let ns = record(2, 30, b"\x02ns\xc0\x0c");
    let server = 12 + QUESTION.len() as u8 + 12;
    let bytes = message(
        [0x8180, 1, 0, 1, 5],
        &[
            QUESTION,
            &ns,
            &opt(&option(10, b"a client")),
            &additional(&[0xc0, server], 1),
            &additional(b"\x02ns\x07example\x03com\0", 1),
            &additional(b"\x03org\0", 1),
            &additional(&[0xc0, 12], 16),
        ],
    );
    let original = Answer::read(&bytes).unwrap();
    let mut copy = [0; 512];
    let len = keep(&original, &mut copy).unwrap();
    let kept = Answer::read(&copy[..len]).unwrap();
    assert!(kept.edns.is_none());
    let names = kept.message.records().unwrap().map(|record| record.unwrap().name.to_string());
    assert_eq!(names.collect::<Vec<_>>(), ["Example.org", "ns.Example.org"]);
    for room in 0..len {
        assert_eq!(keep(&original, &mut copy[..room]), None, "{room}");
    }
    // A zone that the question does not lie in does not widen what is in bailiwick.
    let planted = message(
        [0x8180, 1, 0, 1, 1],
        &[QUESTION, b"\x03com\0\0\x02\0\x01\0\0\0\x09\0\x01\0", &additional(b"\x01a\x03com\0", 1)],
    );
    let len = keep(&Answer::read(&planted).unwrap(), &mut copy).unwrap();
    assert_eq!(Answer::read(&copy[..len]).unwrap().message.header().additionals.get(), 0);
}

#[test]
fn a_stored_answer_gets_the_clients_own_opt() {
    let mut bytes = [0; 512];
    let len = keep(&Answer::read(&answer()).unwrap(), &mut bytes).unwrap();
    bytes[3] |= 0x20;
    let subnet = [0, 1, 24, 0, 198, 51, 100];
    let asked = query_with(&opt(&[option(10, b"a client"), option(8, &subnet)].concat()));
    let query = Query::read(&asked).unwrap();
    let reply = resume(&mut bytes, len, &asked).unwrap();
    let subnet = query.edns.unwrap().subnet.map(|subnet| ClientSubnet { scope: 20, ..subnet });
    let len = reply.finish(&Extras { cookie: Some(SERVER), subnet, ..Extras::default() }).unwrap();
    check(&asked, &bytes[..len], Rcode::NOERROR);
    let edns = Answer::read(&bytes[..len]).unwrap().edns.unwrap();
    assert_eq!((edns.subnet, edns.cookie.unwrap().server), (subnet, &SERVER[..]));
    let theirs = base::Message::from_slice(&bytes[..len]).unwrap();
    assert_eq!(theirs.header_counts().arcount(), 1);
    assert!(theirs.header().ad(), "DO asks for it");

    let mut bytes = [0; 512];
    let len = keep(&Answer::read(&answer()).unwrap(), &mut bytes).unwrap();
    bytes[3] |= 0x20;
    let asked = self::query();
    let reply = resume(&mut bytes, len, &asked).unwrap();
    let len = reply.finish(&Extras::default()).unwrap();
    check(&asked, &bytes[..len], Rcode::NOERROR);
    assert!(!base::Message::from_slice(&bytes[..len]).unwrap().header().ad());
}

#[test]
fn ttls_beyond_the_sign_are_none() {
    let mut bytes = [0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff];
    patch::count_down(&mut bytes, [0, 4, 5, 60_000], 1);
    assert_eq!(bytes, [0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xfe]);
    patch::set_ttls(&mut bytes, [0, 5, 60_000], 30);
    assert_eq!(bytes, [0, 0, 0, 30, 0x7f, 0xff, 0xff, 0xfe]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4096,
        rng_seed: RngSeed::Fixed(0xd6),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is asked, whatever is answered: it is an answer, or there was no room.
    #[test]
    fn any_answer(
        labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
        (kind, flags, room) in (prop::sample::select(vec![1_u16, 28, 6, 255]), any::<u16>(), 0_usize..600),
        (edns, cookie) in (any::<bool>(), any::<bool>()),
        rcode in prop::sample::select(vec![Rcode::NOERROR, Rcode::SERVFAIL, Rcode::BADVERS, Rcode::BADCOOKIE]),
    ) {
        let name: Vec<u8> = labels.iter().flat_map(|l| [&[l.len() as u8], &l[..]].concat()).chain([0]).collect();
        let question = [&name[..], &kind.to_be_bytes(), &[0, 1]].concat();
        let opt = if edns { opt(&if cookie { option(10, b"a client") } else { vec![] }) } else { vec![] };
        // A standard query, the other flags as they come.
        let asked = message([flags & 0x07ff, 1, 0, 0, edns.into()], &[&question, &opt]);
        let query = Query::read(&asked).unwrap();
        let mut buffer = vec![0; room];
        let written = Reply::beside(&mut buffer, &query, rcode).and_then(|mut reply| {
            reply.address(address("192.0.2.1"), 9)?;
            reply.address(address("2001:db8::1"), 9)?;
            reply.finish(&Extras { cookie: Some(SERVER), error: Some(ExtendedError::PROHIBITED), udp_size: 512, subnet: None })
        });
        match written {
            Ok(len) => check(&asked, &buffer[..len], rcode),
            Err(ReplyError::NoEdns) => assert!(!edns && rcode.needs_edns()),
            Err(ReplyError::NoRoom) => assert!(room < asked.len() + 28 + 11 + 28 + 6),
        }
    }
}
