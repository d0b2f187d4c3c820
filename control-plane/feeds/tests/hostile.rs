//! Whatever comes, in whatever format it is said to be: an answer within the limits, never a panic.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::io::{Read, repeat};
use std::time::SystemTime;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use repute_feeds::{Action, Format, Limits, NAMES_MAX, Terms, Why, detect_and_import, import};

/// A small good file of every format.
const SAMPLES: [&[u8]; 9] = [
    b"# Entries : 2 subnets\n192.0.2.1\r\n198.51.100.0-198.51.100.9 ; x\n",
    b"{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\"}\n{\"type\":\"metadata\",\"records\":1}\n",
    b"{\"data\":[{\"ipAddress\":\"192.0.2.1\",\"abuseConfidenceScore\":99}]}",
    b"192.0.2.1,1,127\n2001:db8::/32,60,1\n",
    b"{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\",\"id\":\"i\",\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\"}]}",
    b"{\"list\":[\"192.0.2.0/24\"],\"type\":\"cidr\",\"name\":\"n\"}",
    b"{\"response\":[{\"Event\":{\"info\":\"i\",\"Attribute\":[{\"type\":\"ip-src\",\"value\":\"192.0.2.1\"}]}}]}",
    b"{\"new\":[{\"id\":1,\"scope\":\"Ip\",\"value\":\"192.0.2.1\",\"duration\":\"1h\",\"type\":\"ban\"}],\"deleted\":null}",
    b"{\"items\":[{\"ip\":\"192.0.2.1\",\"scores\":{\"overall\":{\"total\":5}}}]}",
];

fn terms() -> Terms<'static> {
    Terms::new("hostile", SystemTime::UNIX_EPOCH)
}

/// The same for a feed of names.
fn of_names() -> Terms<'static> {
    Terms { action: Action::Honeypot, ..terms() }
}

fn answer_in_all(bytes: &[u8]) {
    for terms in [terms(), of_names()] {
        for format in Format::ALL {
            let _ = import(format, bytes, &terms);
        }
        let _ = detect_and_import(bytes, &terms);
    }
}

#[test]
fn samples_are_good_and_every_cut_and_flip_is_answered() {
    for (format, sample) in Format::ALL.into_iter().zip(SAMPLES) {
        let import = import(format, sample, &terms()).unwrap();
        assert!(!import.entries().is_empty());
        assert_eq!(detect_and_import(sample, &terms()).unwrap(), (format, import));
        for at in 0..sample.len() {
            answer_in_all(&sample[..at]);
            for bits in [0xff, 0x80, 0x01, sample[at]] {
                let mut flipped = sample.to_vec();
                flipped[at] ^= bits;
                answer_in_all(&flipped);
            }
        }
    }
}

#[test]
fn what_never_ends_is_given_up() {
    let limits = Limits { bytes: 8 << 20, string: 1 << 20, entries: 10_000, ..Limits::default() };
    let terms = Terms { limits, ..terms() };
    let head = |text: &'static str, byte: u8| text.as_bytes().chain(repeat(byte));
    for format in Format::ALL {
        for byte in [b'x', b' ', b'\n', b'\r', b'[', b'{', b'"', b'1', 0, 0xff] {
            assert!(import(format, repeat(byte), &terms).is_err(), "{format:?} {byte}");
        }
        assert!(import(format, head("{\"objects\":[\"", b'x'), &terms).is_err());
    }
    let endless = import(Format::Stix, head("{\"objects\":[{\"id\":\"", b'x'), &terms).unwrap_err();
    assert!(matches!(endless.why, Why::String(_)), "{endless}");
    let deep = import(Format::Abuseipdb, head("{\"x\":", b'['), &terms).unwrap_err();
    assert!(matches!(deep.why, Why::Depth(64)), "{deep}");
    let many = "192.0.2.1\n".repeat(10_001);
    let many = import(Format::List, many.as_bytes(), &terms).unwrap_err();
    assert!(many.to_string().contains("line 10001: has more than 10000 entries"), "{many}");
    let names: String = (0..=NAMES_MAX).map(|n| format!("n{n}.example\n")).collect();
    let names = import(Format::List, names.as_bytes(), &of_names()).unwrap_err();
    assert!(names.to_string().contains("line 1048577: has more than 1048576 names"), "{names}");
    let long = import(Format::List, head("192.0.2.1\n", b'x'), &terms).unwrap_err();
    assert!(long.to_string().contains("line 2: the line has more than 65536 bytes"), "{long}");
}

/// A small good file of every format that has names, and what the others say.
#[test]
fn samples_of_names_are_good_and_every_cut_and_flip_is_answered() {
    let samples: [(Format, &[u8]); 4] = [
        (Format::List, b"*.dga.example\r\n0.0.0.0 trap.example # x\n"),
        (
            Format::Stix,
            b"{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\",\"id\":\"i\",\"pattern\":\"[domain-name:value = 'a.example']\"}]}",
        ),
        (Format::MispWarninglist, b"{\"list\":[\"a.example\"],\"type\":\"hostname\",\"name\":\"n\"}"),
        (
            Format::Misp,
            b"{\"Event\":{\"info\":\"i\",\"Attribute\":[{\"type\":\"domain|ip\",\"value\":\"a.example|192.0.2.1\"}]}}",
        ),
    ];
    for (format, sample) in samples {
        let import = import(format, sample, &of_names()).unwrap();
        assert!(!import.names().is_empty() && import.entries().is_empty());
        assert_eq!(detect_and_import(sample, &of_names()).unwrap(), (format, import));
        for at in 0..sample.len() {
            answer_in_all(&sample[..at]);
            let mut flipped = sample.to_vec();
            flipped[at] ^= 0x80;
            answer_in_all(&flipped);
        }
    }
    for (format, sample) in Format::ALL.into_iter().zip(SAMPLES).filter(|(format, _)| !format.has_names()) {
        let error = import(format, sample, &of_names()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("of the format `{}`, which has no domain names", format.name())),
            "{error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512, rng_seed: RngSeed::Fixed(0x5eed), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        answer_in_all(&bytes);
    }

    #[test]
    fn anything_like_json_is_answered(text in "[\\[\\]{}\":,0-9a-z.\\\\ ]{0,200}") {
        answer_in_all(text.as_bytes());
    }
}
