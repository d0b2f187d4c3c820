//! Messages made by hand.

/// A message from its header's words (id left out: 0x1234) and what follows.
pub fn message(words: [u16; 5], body: &[&[u8]]) -> Vec<u8> {
    let head = [[0x12, 0x34]].into_iter().chain(words.map(u16::to_be_bytes)).flatten();
    head.chain(body.iter().copied().flatten().copied()).collect()
}

/// The question that the others here are about: A of Example.org.
pub const QUESTION: &[u8] = b"\x07Example\x03org\0\0\x01\0\x01";

/// A standard query for it with this additional record.
pub fn query_with(additional: &[u8]) -> Vec<u8> {
    message([0x0100, 1, 0, 0, 1], &[QUESTION, additional])
}

/// A standard query for it.
pub fn query() -> Vec<u8> {
    message([0x0100, 1, 0, 0, 0], &[QUESTION])
}

/// An OPT record that takes 1232 bytes, wants DNSSEC and has these options.
pub fn opt(options: &[u8]) -> Vec<u8> {
    let len = (options.len() as u16).to_be_bytes();
    [&b"\0\0\x29\x04\xd0\0\0\x80\0"[..], &len, options].concat()
}

/// An EDNS option.
pub fn option(code: u8, data: &[u8]) -> Vec<u8> {
    [&[0, code][..], &(data.len() as u16).to_be_bytes(), data].concat()
}

/// A record of the question's name.
pub fn record(kind: u8, ttl: u32, data: &[u8]) -> Vec<u8> {
    let len = (data.len() as u16).to_be_bytes();
    [&[0xc0, 12, 0, kind, 0, 1][..], &ttl.to_be_bytes(), &len, data].concat()
}

/// An answer with an alias, two addresses, a start of authority and OPT.
pub fn answer() -> Vec<u8> {
    let soa = [&b"\x02ns\xc0\x0c\x04root\xc0\x0c"[..], &[0, 0, 0, 9].repeat(5)].concat();
    message(
        [0x8180, 1, 3, 1, 1],
        &[
            QUESTION,
            &record(5, 300, b"\x03www\xc0\x0c"),
            &record(1, 60, &[192, 0, 2, 1]),
            &record(28, 90, &[0x20; 16]),
            &record(6, 3600, &soa),
            &opt(&option(15, b"\0\x0fblocked")),
        ],
    )
}

/// Messages to begin with where there is no corpus.
pub fn seeds() -> Vec<Vec<u8>> {
    let cookie = option(10, b"a client");
    let subnet = option(8, &[0, 1, 24, 0, 198, 51, 100]);
    let twice = message([0x0100, 2, 0, 0, 0], &[QUESTION, b"\xc0\x0c\0\x1c\0\x01"]);
    vec![query(), query_with(&opt(&[])), query_with(&opt(&[cookie, subnet].concat())), answer(), twice]
}
