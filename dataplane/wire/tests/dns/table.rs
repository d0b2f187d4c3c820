//! A table of messages and what is said of each: the specification by example.

use repute_wire::dns::{Answer, Malformed, Query, Question, segment};

use crate::messages::{QUESTION, answer, message, opt, option, query, query_with, record};

/// How a message is read.
#[derive(Clone, Copy, PartialEq, Debug)]
enum As {
    Query,
    Answer,
    /// As the answer to [`query`].
    Reply,
    Segment,
}

fn read(how: As, bytes: &[u8]) -> Result<(), Malformed> {
    match how {
        As::Query => Query::read(bytes).map(drop),
        As::Answer => Answer::read(bytes).map(drop),
        As::Reply => {
            let asked = query();
            let Question { name, kind, class } = Query::read(&asked)?.question;
            Answer::read(bytes)?.answers(0x1234, &name, kind, class)
        }
        As::Segment => segment(bytes).try_for_each(|message| message.map(drop)),
    }
}

/// Names what it reads, how it is read, the bytes, and the reason if there is one.
type Case = (&'static str, As, Vec<u8>, Option<Malformed>);

/// A query whose question is all of `question`.
fn asks(question: &[u8]) -> Vec<u8> {
    message([0x0100, 1, 0, 0, 0], &[question])
}

/// An answer of two records: the data of one is a root and a chain of pointers, each to the one before it, and the
/// owner of the other leads through so many of them.
fn through(pointers: u16) -> Vec<u8> {
    let place = |nth: u16| 24 + 2 * (nth - 1);
    let to = |nth: u16| (0xc000 | if nth == 0 { 23 } else { place(nth) }).to_be_bytes();
    let chain: Vec<u8> = (0..pointers).flat_map(to).collect();
    let len = (1 + chain.len() as u16 - 2).to_be_bytes();
    let (last, chain) = (to(pointers - 1), &chain[..chain.len() - 2]);
    message([0x8000, 0, 2, 0, 0], &[b"\0\0\x10\0\x01\0\0\0\0", &len, &[0], chain, &last, &[0; 10]])
}

fn good() -> Vec<Case> {
    let many = [1, b'a'].repeat(64);
    let cookie = option(10, &[7; 8]);
    let cases = vec![
        ("query", As::Query, query()),
        ("query with EDNS", As::Query, query_with(&opt(&[]))),
        ("query with an empty and a large option", As::Query, query_with(&opt(&option(99, &[0; 900])))),
        ("query with a UDP size of 65535", As::Query, query_with(b"\0\0\x29\xff\xff\0\0\0\0\0\0")),
        ("query with two cookies", As::Query, query_with(&opt(&[cookie.clone(), option(10, &[1])].concat()))),
        ("query of EDNS version 1", As::Query, query_with(b"\0\0\x29\x04\xd0\0\x01\0\0\0\x01x")),
        ("name of 64 labels", As::Query, asks(&[&many[..], b"\0\0\x01\0\x01"].concat())),
        ("root's servers", As::Query, asks(b"\0\0\x02\0\x01")),
        ("bytes that no host name has", As::Query, asks(b"\x04\0\xff.\\\0\0\x10\0\x01")),
        (
            "update with prerequisites",
            As::Query,
            message([0x2800, 1, 1, 0, 0], &[QUESTION, &record(1, 0, &[])]),
        ),
        (
            "notification with its SOA",
            As::Query,
            message([0x2000, 1, 1, 0, 0], &[QUESTION, &record(6, 0, &[])]),
        ),
        ("a name through 127 pointers", As::Answer, through(127)),
        ("answer", As::Answer, answer()),
        ("answer to the query", As::Reply, answer()),
        ("refusal without the question", As::Reply, message([0x8105, 0, 0, 0, 0], &[])),
        ("no message in a segment", As::Segment, vec![]),
        ("a message in a segment", As::Segment, [&[0, 29][..], &query()].concat()),
    ];
    cases.into_iter().map(|(name, how, bytes)| (name, how, bytes, None)).collect()
}

#[rustfmt::skip]
fn bad() -> Vec<Case> {
    use Malformed::*;
    let with = |options: &[u8]| query_with(&opt(options));
    let wrong_name = answer().iter().map(|&byte| if byte == b'x' { b'y' } else { byte }).collect();
    let cases: Vec<(_, _, _, Malformed)> = vec![
        ("beyond what a length can say", As::Query, [query(), vec![0; 65_536]].concat(), TooLong),
        ("empty", As::Query, vec![], ShortHeader),
        ("a byte short of a header", As::Query, query()[..11].to_vec(), ShortHeader),
        ("a question that is not there", As::Query, query()[..12].to_vec(), ShortQuestion),
        ("a question without its class", As::Query, query()[..27].to_vec(), ShortQuestion),
        ("a record that is not there", As::Query, query_with(&[]), ShortRecord),
        ("a record of three bytes", As::Query, query_with(b"\0\0\x29"), ShortRecord),
        ("oversize EDNS", As::Query, query_with(b"\0\0\x29\x04\xd0\0\0\0\0\xff\xff\0\x0a"), ShortRecord),
        ("65535 answers", As::Answer, message([0x8180, 1, 65_535, 0, 0], &[QUESTION, &record(1, 0, &[1; 4])]), ShortRecord),
        ("a name that is cut", As::Query, asks(b"\x07Exam"), NameCut),
        ("half a pointer", As::Query, asks(b"\x01a\xc0"), NameCut),
        ("a label of type 01", As::Query, asks(b"\x41\x01\0\0\x01\0\x01"), NameLabel),
        ("a label of type 10", As::Query, asks(b"\x80\0\0\x01\0\x01"), NameLabel),
        ("a name of 256 bytes", As::Query, asks(&[&[1, b'a'].repeat(127)[..], b"\x01\0\0\x01\0\x01"].concat()), NameLong),
        ("labels that lead back to the first", As::Query, asks(b"\x01a\x01b\xc0\x0c\0\x01\0\x01"), NameLoop),
        ("a pointer to itself", As::Query, asks(b"\xc0\x0c\0\x01\0\x01"), NamePointer),
        ("a pointer forward", As::Query, asks(b"\xc0\x12\0\x01\0\x01\x01a\0"), NamePointer),
        ("a pointer beyond the end", As::Query, asks(b"\xff\xff\0\x01\0\x01"), NamePointer),
        ("a name through 128 pointers", As::Answer, through(128), NamePointers),
        ("a byte more than counted", As::Query, [query(), vec![0]].concat(), TrailingBytes),
        ("records that nobody counts", As::Answer, [answer(), record(1, 0, &[1; 4])].concat(), TrailingBytes),
        ("OPT with an owner", As::Query, query_with(b"\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0"), OptOwner),
        ("OPT with a pointer to the root", As::Query, query_with(b"\xc0\x18\0\x29\x04\xd0\0\0\0\0\0\0"), OptOwner),
        ("OPT among the answers", As::Answer, message([0x8180, 1, 1, 0, 0], &[QUESTION, &opt(&[])]), OptSection),
        ("OPT as authority", As::Query, message([0x0100, 1, 0, 1, 0], &[QUESTION, &opt(&[])]), OptSection),
        ("two OPT", As::Query, message([0x0100, 1, 0, 0, 2], &[QUESTION, &opt(&[]), &opt(&[])]), OptTwice),
        ("an option of three bytes", As::Query, with(&[0, 10, 0]), OptOption),
        ("an option beyond its record", As::Query, with(&[0, 99, 0, 2, 1]), OptOption),
        ("a cookie of 7 bytes", As::Query, with(&option(10, &[1; 7])), CookieLength),
        ("a cookie of 9 bytes", As::Query, with(&option(10, &[1; 9])), CookieLength),
        ("a cookie of 15 bytes", As::Query, with(&option(10, &[1; 15])), CookieLength),
        ("a cookie of 41 bytes", As::Query, with(&option(10, &[1; 41])), CookieLength),
        ("a subnet of /33", As::Query, with(&option(8, &[0, 1, 33, 0, 1, 2, 3, 4, 5])), ClientSubnet),
        ("a subnet with host bits", As::Query, with(&option(8, &[0, 1, 8, 0, 10, 1])), ClientSubnet),
        ("an extended error of a byte", As::Answer, message([0x8180, 1, 0, 0, 1], &[QUESTION, &opt(&option(15, &[0]))]), ExtendedError),
        ("opcode 1, the inverse query", As::Query, message([0x0800, 1, 0, 0, 0], &[QUESTION]), Opcode),
        ("opcode 15", As::Query, message([0x7800, 1, 0, 0, 0], &[QUESTION]), Opcode),
        ("a response sent as a query", As::Query, answer(), NotAQuery),
        ("a query sent as a response", As::Answer, query(), NotAnAnswer),
        ("no question", As::Query, message([0x0100, 0, 0, 0, 0], &[]), NoQuestion),
        ("two questions", As::Query, message([0x0100, 2, 0, 0, 0], &[QUESTION, QUESTION]), ManyQuestions),
        ("65535 questions", As::Query, message([0x0100, 65_535, 0, 0, 0], &[QUESTION]), ManyQuestions),
        ("a question in the header", As::Query, asks(b"\xc0\x04\0\x01\0\x01"), QuestionPointer),
        ("a query that answers", As::Query, message([0x0100, 1, 1, 0, 0], &[QUESTION, &record(1, 0, &[1; 4])]), QueryAnswers),
        ("another id", As::Reply, [&[0x12, 0x35], &answer()[2..]].concat(), WrongId),
        ("another name", As::Reply, wrong_name, WrongQuestion),
        ("another type", As::Reply, message([0x8180, 1, 0, 0, 0], &[b"\x07Example\x03org\0\0\x1c\0\x01"]), WrongQuestion),
        ("no error and no question", As::Reply, message([0x8180, 0, 0, 0, 0], &[]), WrongQuestion),
        ("a segment of an eleven-byte message", As::Segment, vec![0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], TcpLength),
        ("a segment that ends inside its message", As::Segment, [&[0, 30][..], &query()].concat(), TcpPartial),
    ];
    cases.into_iter().map(|(name, how, bytes, reason)| (name, how, bytes, Some(reason))).collect()
}

#[test]
fn every_message_is_a_value_or_has_its_reason() {
    for (name, how, bytes, expected) in good().into_iter().chain(bad()) {
        assert_eq!(read(how, &bytes).err(), expected, "{name}");
    }
}

#[test]
fn every_reason_is_in_the_table() {
    let cases = bad();
    // What a record's data says is read on request alone: `data_by_type`.
    let elsewhere = [Malformed::RecordData];
    for reason in Malformed::ALL.iter().filter(|reason| !elsewhere.contains(reason)) {
        assert!(cases.iter().any(|case| case.3 == Some(*reason)), "no message is {reason}");
    }
}

#[test]
fn data_by_type() {
    use repute_wire::dns::{Data, Message};
    let soa = |tail: usize| [&b"\x01a\0\0"[..], &vec![1; tail]].concat();
    for (kind, data, fits) in [
        (1, vec![1; 4], true),
        (1, vec![1; 5], false),
        (1, vec![], false),
        (28, vec![1; 16], true),
        (28, vec![1; 4], false),
        (5, b"\x01a\xc0\x0c".to_vec(), true),
        (5, b"\x01a\xc0\x0c\0".to_vec(), false),
        (5, b"\x09a".to_vec(), false),
        (6, soa(20), true),
        (6, soa(19), false),
        (6, soa(21), false),
        (16, vec![], true),
    ] {
        let bytes = message([0x8180, 1, 1, 0, 0], &[QUESTION, &record(kind, 5, &data)]);
        let record = Message::new(&bytes).unwrap().records().unwrap().next().unwrap().unwrap();
        let expected = if fits { None } else { Some(Malformed::RecordData) };
        assert_eq!(record.decode().err(), expected, "{kind} {data:?}");
    }
    let bytes = answer();
    let said: Vec<_> =
        Message::new(&bytes).unwrap().records().unwrap().map(|r| r.unwrap().decode().unwrap()).collect();
    let [Data::Cname(alias), Data::Address(v4), Data::Address(v6), Data::Soa(soa), Data::Other] = said[..]
    else {
        panic!("{said:?}")
    };
    assert_eq!((alias.to_string(), v4.to_string()), ("www.Example.org".into(), "192.0.2.1".into()));
    assert!(v6.to_string().starts_with("2020:"));
    assert_eq!((soa.mailbox.to_string(), soa.minimum), ("root.Example.org".into(), 9));
}

#[test]
fn what_edns_says() {
    let cookie = option(10, &[&[7; 8][..], &[9; 16]].concat());
    let subnet = option(8, &[0, 2, 33, 0, 0x20, 1, 0xd, 0xb8, 0x80]);
    let bytes = query_with(&opt(&[cookie, subnet, option(3, b"id")].concat()));
    let edns = Query::read(&bytes).unwrap().edns.unwrap();
    assert_eq!((edns.udp_size, edns.version, edns.dnssec_ok), (1232, 0, true));
    let cookie = edns.cookie.unwrap();
    assert_eq!((cookie.client, cookie.server), ([7; 8], &[9; 16][..]));
    let subnet = edns.subnet.unwrap();
    assert_eq!((subnet.address.to_string().as_str(), subnet.source), ("2001:db8:8000::", 33));
    assert_eq!(edns.options().count(), 3);
    assert_eq!(edns.span, (29, bytes.len() as u16));

    let bytes = answer();
    let error = Answer::read(&bytes).unwrap().edns.unwrap().error.unwrap();
    assert_eq!((error.code, error.text), (15, &b"blocked"[..]));
}
