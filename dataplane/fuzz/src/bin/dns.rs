//! A DNS message: what is read of it stays within it, and an answer to it is an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use repute_wire::dns::{Answer, ExtendedError, Extras, Message, Query, Rcode, Reply, patch, segment};

fuzz_target!(|bytes: &[u8]| {
    for message in segment(bytes).flatten().chain([bytes]) {
        walk(message);
        if let Ok(query) = Query::read(message) {
            answer(&query);
        }
        if let Ok(answer) = Answer::read(message) {
            count_down(message, &answer);
        }
    }
});

/// Follows everything that there is to follow.
fn walk(bytes: &[u8]) {
    let Ok(message) = Message::new(bytes) else { return };
    let records = message.records().into_iter().flatten().flatten();
    for record in records {
        assert!(usize::from(record.ttl_at()) + 6 + record.data.len() <= bytes.len());
        let labels: usize = record.name.labels().map(|label| label.len() + 1).sum();
        assert_eq!(labels + 1, usize::from(record.name.len()));
        let _ = (record.decode(), record.name.to_string());
    }
}

/// Nothing but TTLs changes. A name may lead into one, and is then another or none.
fn count_down(message: &[u8], answer: &Answer<'_>) {
    let mut stored = message.to_vec();
    patch::count_down(&mut stored, answer.ttl_positions(), 1);
    walk(&stored);
    for at in answer.ttl_positions().map(usize::from) {
        stored[at..at + 4].copy_from_slice(&message[at..at + 4]);
    }
    assert_eq!(stored, message);
}

/// The longest answer that the box writes to a query is read as one, and fits the query when it was stored.
fn answer(query: &Query<'_>) {
    let mut buffer = [0; 512];
    let extras = Extras { cookie: Some([1; 16]), error: Some(ExtendedError::BLOCKED), ..Extras::default() };
    let len = Reply::beside(&mut buffer, query, Rcode::NOERROR).and_then(|mut reply| {
        reply.address(repute_model::Address::v4(1), 60)?;
        reply.finish(&extras)
    });
    match len {
        Ok(len) => {
            let asked = query.question;
            let id = query.message.header().id.get();
            let fits = Answer::read(&buffer[..len])
                .and_then(|answer| answer.answers(id, &asked.name, asked.kind, asked.class));
            assert_eq!(fits, Ok(()));
            let stored = buffer;
            assert!(Reply::resume(&mut buffer, &query.asked(), len, &stored).is_some());
        }
        Err(error) => panic!("512 bytes are enough: {error}"),
    }
}
