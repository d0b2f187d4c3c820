//! What NLnet Labs' `domain` reads, we read as the same; what we refuse has a reason.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::base::iana::Class;
use domain::base::name::{ParsedName, ToName};
use domain::base::opt::UnknownOptData;
use domain::base::{self, ParsedRecord};
use domain::rdata::{A, Aaaa, Cname, Soa};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_wire::dns::{Answer, Data, Edns, Malformed, Message, Name, Query, Question, Record};

use crate::corpus;
use crate::messages::seeds;

/// The messages of the captures, and some that are always there.
static MESSAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| [seeds(), corpus::messages()].concat());

/// A name as it is without compression, its case kept.
fn flat(name: &Name<'_>) -> Vec<u8> {
    name.labels().flat_map(|label| [&[label.len() as u8], label].concat()).chain([0]).collect()
}

fn same_name(ours: &Name<'_>, theirs: &ParsedName<&[u8]>) {
    let theirs: base::Name<Vec<u8>> = theirs.to_name();
    assert_eq!(flat(ours), theirs.as_slice());
    assert_eq!(usize::from(ours.len()), theirs.as_slice().len());
    let canonical = theirs.as_slice().to_ascii_lowercase();
    assert_eq!(ours.lowered(&mut [0; repute_wire::dns::NAME_MAX]), canonical);
}

fn same_question(ours: &Question<'_>, theirs: &base::Question<ParsedName<&[u8]>>) {
    same_name(&ours.name, theirs.qname());
    assert_eq!((ours.kind, ours.class), (theirs.qtype().to_int(), theirs.qclass().to_int()));
}

fn same_record(message: &[u8], ours: &Record<'_>, theirs: &ParsedRecord<'_, &[u8]>) {
    same_name(&ours.name, &theirs.owner().deref_octets());
    assert_eq!((ours.kind, ours.class), (theirs.rtype().to_int(), theirs.class().to_int()));
    assert_eq!((ours.ttl, ours.data.len()), (theirs.ttl().as_secs(), theirs.rdlen().into()));
    let at = usize::from(ours.ttl_at());
    assert_eq!(message[at..at + 4], ours.ttl.to_be_bytes());
    if theirs.class() == Class::IN {
        same_data(ours, theirs);
    }
}

/// Where they can take the data apart we can, and to the same parts; the other way round as well.
fn same_data(ours: &Record<'_>, theirs: &ParsedRecord<'_, &[u8]>) {
    let decoded = ours.decode();
    match decoded {
        Ok(Data::Address(address)) if address.is_v4() && ours.kind == 1 => {
            let a = theirs.to_record::<A>().unwrap().unwrap();
            assert_eq!(address.to_string(), a.data().addr().to_string());
        }
        Ok(Data::Address(address)) => {
            let aaaa = theirs.to_record::<Aaaa>().unwrap().unwrap();
            assert_eq!(address.0, aaaa.data().addr().to_bits());
        }
        Ok(Data::Cname(name)) => {
            let cname = theirs.to_record::<Cname<_>>().unwrap().unwrap();
            same_name(&name, &cname.data().cname().deref_octets());
        }
        Ok(Data::Soa(soa)) => {
            let record = theirs.to_record::<Soa<_>>().unwrap().unwrap();
            let data = record.data();
            same_name(&soa.primary, &data.mname().deref_octets());
            same_name(&soa.mailbox, &data.rname().deref_octets());
            let times =
                [data.refresh(), data.retry(), data.expire(), data.minimum()].map(|ttl| ttl.as_secs());
            assert_eq!([soa.refresh, soa.retry, soa.expire, soa.minimum], times);
            assert_eq!(soa.serial, data.serial().into_int());
        }
        Ok(Data::Other) => {}
        Err(Malformed::NamePointers) => {}
        Err(_) => {
            let theirs = match ours.kind {
                1 => theirs.to_record::<A>().is_ok(),
                28 => theirs.to_record::<Aaaa>().is_ok(),
                5 => theirs.to_record::<Cname<_>>().is_ok(),
                _ => theirs.to_record::<Soa<_>>().is_ok(),
            };
            assert!(!theirs, "{decoded:?}");
        }
    }
}

fn same_edns(ours: Option<&Edns<'_>>, theirs: &base::Message<[u8]>) {
    let theirs = theirs.opt();
    let (Some(ours), Some(theirs)) = (ours, &theirs) else {
        return assert_eq!(ours.is_some(), theirs.is_some());
    };
    assert_eq!((ours.udp_size, ours.version), (theirs.udp_payload_size(), theirs.version()));
    assert_eq!(ours.dnssec_ok, theirs.dnssec_ok());
    if ours.version == 0 {
        let options = theirs.opt().iter::<UnknownOptData<_>>().map(Result::unwrap);
        let options: Vec<_> =
            options.map(|option| (option.code().to_int(), option.data().to_vec())).collect();
        let read = ours.options().map(|option| option.map(|option| (option.code, option.data.to_vec())));
        assert_eq!(read.collect::<Result<Vec<_>, _>>(), Ok(options));
    }
}

/// Compares all that both read; gives the first reason of ours, if we refuse something.
fn compare(bytes: &[u8]) -> Option<Malformed> {
    let theirs = base::Message::from_slice(bytes);
    let ours = match Message::new(bytes) {
        Ok(ours) => ours,
        Err(reason) => {
            assert!(theirs.is_err() || reason == Malformed::TooLong);
            return Some(reason);
        }
    };
    let theirs = theirs.unwrap();
    let header = ours.header();
    assert_eq!((header.id.get(), header.opcode()), (theirs.header().id(), theirs.header().opcode().to_int()));
    let mut questions = ours.questions();
    for theirs in theirs.for_slice_ref().question() {
        match (questions.next().unwrap(), theirs) {
            (Ok(ours), Ok(theirs)) => same_question(&ours, &theirs),
            (Err(Malformed::NamePointers), Ok(_)) => return Some(Malformed::NamePointers),
            (ours, theirs) => return refused(ours.err(), theirs.is_err()),
        }
    }
    assert!(questions.next().is_none());
    let mut records = ours.records().unwrap();
    for theirs in theirs.for_slice_ref().iter() {
        match (records.next().unwrap(), theirs) {
            (Ok(ours), Ok((theirs, _))) => same_record(bytes, &ours, &theirs),
            (Err(Malformed::NamePointers), Ok(_)) => return Some(Malformed::NamePointers),
            (ours, theirs) => return refused(ours.err(), theirs.is_err()),
        }
    }
    assert!(records.next().is_none());
    judged(bytes, theirs)
}

/// Both refuse, or neither.
fn refused(ours: Option<Malformed>, theirs: bool) -> Option<Malformed> {
    assert_eq!(ours.is_some(), theirs, "{ours:?}");
    ours
}

/// What the upper tier says of a message that holds together.
fn judged(bytes: &[u8], theirs: &base::Message<[u8]>) -> Option<Malformed> {
    if theirs.header().qr() {
        let ours = Answer::read(bytes);
        let edns = ours.as_ref().ok().map(|answer| answer.edns.as_ref());
        edns.into_iter().for_each(|edns| same_edns(edns, theirs));
        if let Ok(answer) = &ours {
            assert_eq!(answer.rcode().number(), theirs.opt_rcode().to_int());
            assert_eq!(
                answer.ttl_positions().count() + usize::from(answer.edns.is_some()),
                theirs.iter().count()
            );
        }
        ours.err()
    } else {
        let ours = Query::read(bytes);
        let edns = ours.as_ref().ok().map(|query| query.edns.as_ref());
        edns.into_iter().for_each(|edns| same_edns(edns, theirs));
        ours.err()
    }
}

#[test]
fn every_message_of_the_captures() {
    let mut reasons = BTreeMap::new();
    for message in MESSAGES.iter() {
        *reasons.entry(compare(message).map_or("well formed", Malformed::name)).or_insert(0) += 1;
    }
    println!("{} messages: {reasons:?}", MESSAGES.len());
    let well_formed = reasons["well formed"];
    assert!(well_formed * 10 > MESSAGES.len() * 9, "{reasons:?}");
}

/// A message of the captures, changed in a few places and perhaps cut.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(vec![0, 1, 10, 12, 41, 63, 0xc0, 0xff])];
    let change = (any::<prop::sample::Index>(), byte);
    let cut = prop::option::weighted(0.2, any::<prop::sample::Index>());
    (any::<prop::sample::Index>(), prop::collection::vec(change, 0..6), cut).prop_map(
        |(which, changes, cut)| {
            let mut message = which.get(&MESSAGES).clone();
            if !message.is_empty() {
                // Half of the changes fall into header and question, where most of the sense is.
                for (i, (at, byte)) in changes.into_iter().enumerate() {
                    let upto = if i % 2 == 0 { message.len() } else { message.len().min(48) };
                    message[at.index(upto)] = byte;
                }
                message.truncate(cut.map_or(message.len(), |cut| cut.index(message.len())));
            }
            message
        },
    )
}

/// Names, counts and pointers in places where they mean something, without any capture.
fn arbitrary() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        (0_u8..70).prop_map(|at| vec![0xc0, at]),
        Just(b"\x01a".to_vec()),
        Just(vec![0]),
        Just(b"\0\x01\0\x01\0\0\0\x05\0\x04".to_vec()),
        Just(b"\0\x05\0\x01\0\0\0\x05\0\x02".to_vec()),
        Just(b"\0\x01\0\x01".to_vec()),
        prop::collection::vec(any::<u8>(), 1..5),
    ];
    (any::<[u8; 4]>(), [0_u8..3, 0..4, 0..3, 0..3], prop::collection::vec(piece, 0..24)).prop_map(
        |(head, counts, pieces)| {
            let counts = counts.into_iter().flat_map(|count| [0, count]);
            head.into_iter().chain(counts).chain(pieces.concat()).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16_384,
        rng_seed: RngSeed::Fixed(0xd5),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_change_of_a_message(message in mutated()) {
        compare(&message);
    }

    #[test]
    fn any_pieces(message in arbitrary()) {
        compare(&message);
    }
}
